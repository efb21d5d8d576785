/** Verifiers that report for each token when the last of them had refused it. */
import type * as Package from '@rescind/verifier'
import type { Verifier } from '@rescind/verifier'

const [path = '', url = '', ...keys] = process.argv.slice(2)
const { openVerifier } = (await import(path)) as typeof Package
const verifiers: readonly Verifier[] = keys.map((key) => openVerifier({ url, key }))
/**
 * Tokens that a verifier asks about at a time. A hundred verifiers wait for one server, and each answer has a time
 * limit.
 */
const CHUNK = 2

/** Wall time with fractions, the same clock in every process of this machine. */
const nowMs = (): number => performance.timeOrigin + performance.now()

async function watch(tokens: readonly string[]): Promise<void> {
  for (let at = 0; at < tokens.length; at += CHUNK) {
    const chunk = tokens.slice(at, at + CHUNK)
    await Promise.all(verifiers.flatMap((verifier) => chunk.map((token) => accept(verifier, token))))
  }
  for (const token of tokens) {
    // A hundred thousand registrations in one turn would delay the proofs of freshness, which everything here needs.
    await new Promise((resolve) => setImmediate(resolve))
    let left = verifiers.length
    for (const verifier of verifiers) {
      verifier.onRevoked(token, ({ kind }) => {
        left -= 1
        if (left === 0) process.send?.({ token, kind, atMs: nowMs() })
      })
    }
  }
}

/** How many unanswered questions are attributed to a busy server. */
const ASKED_MAX = 20

/** @throws when the token is refused: a later refusal of a token that was never accepted proves nothing. */
async function accept(verifier: Verifier, token: string): Promise<void> {
  for (let asked = 1; ; asked += 1) {
    const verdict = await verifier.verify(token)
    if (verdict.kind === 'active') return
    if (verdict.kind !== 'unknown' || asked === ASKED_MAX)
      throw new Error(`a live token is ${verdict.kind} (${verdict.why})`)
  }
}

process.on(
  'message',
  (tokens: readonly string[]) => void watch(tokens).then(() => process.send?.({ watching: true })),
)
process.on('disconnect', () => process.exit(0))
await Promise.all(verifiers.map((verifier) => verifier.ready(30_000)))
process.send?.({ ready: true })
