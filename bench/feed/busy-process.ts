/** Verifiers that check tokens all the time while their machine is busy. Reports their answers and their state. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type * as Package from '@rescind/verifier'
import type { Verifier } from '@rescind/verifier'
import type { BusyTold } from './busy.ts'

const CHECK_MS = 50
/** Each verifier asks about one unseen token at a time, this often. */
const ASK_MS = 20

const [path = '', url = '', ...keys] = process.argv.slice(2)
const { openVerifier } = (await import(path)) as typeof Package
const verifiers: readonly Verifier[] = keys.map((key) => openVerifier({ url, key }))
const counts = { checks: 0, stale: 0, unanswered: 0, answered: 0, worstLagMs: 0 }
const delay = monitorEventLoopDelay({ resolution: 10 })
let tokens: readonly string[] = []
let asked = 0

function count(why: string | undefined): void {
  counts.checks += 1
  if (why === 'stale' || why === 'starting') counts.stale += 1
}

function checkAll(): void {
  for (const verifier of verifiers) {
    const { asOf } = verifier.stats()
    counts.worstLagMs = Math.max(counts.worstLagMs, Date.now() - (asOf ?? 0))
    for (const token of tokens.slice(0, 20)) {
      const result = verifier.check(token)
      count(result.kind === 'unknown' ? result.why : undefined)
    }
  }
}

async function askOne(): Promise<void> {
  asked += 1
  const verifier = verifiers[asked % verifiers.length] as Verifier
  // Text that was never issued, so that no answer is cached and each check asks the server.
  const result = await verifier.verify(`a text of nobody ${process.pid} ${asked}`)
  count(result.kind === 'unknown' ? result.why : undefined)
  if (result.kind === 'unknown') counts.unanswered += 1
  else counts.answered += 1
}

async function accept(): Promise<void> {
  for (const verifier of verifiers) for (const token of tokens) await verifier.verify(token)
}

process.on('message', (message: { readonly tokens?: readonly string[]; readonly end?: true }) => {
  if (message.tokens !== undefined) {
    tokens = message.tokens
    void accept().then(() => {
      setInterval(checkAll, CHECK_MS)
      setInterval(() => void askOne(), ASK_MS)
      delay.enable()
      process.send?.({ ready: true })
    })
  }
  if (message.end === true) process.send?.({ ...counts, blockedMs: delay.max / 1e6 } satisfies BusyTold)
})
process.on('disconnect', () => process.exit(0))
await Promise.all(verifiers.map((verifier) => verifier.ready(30_000)))
process.send?.({ ready: true })
