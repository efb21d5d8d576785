/** So many verifiers; says for each token when the last of them had refused it. */
import { openVerifier, type Verifier } from '@rescind/verifier'

const [url = '', key = '', count = '1'] = process.argv.slice(2)
const verifiers: readonly Verifier[] = Array.from({ length: Number(count) }, () => openVerifier({ url, key }))
const CHUNK = 50

/** Wall time with fractions, the same clock in every process of this machine. */
const nowMs = (): number => performance.timeOrigin + performance.now()

async function watch(tokens: readonly string[]): Promise<void> {
  for (let at = 0; at < tokens.length; at += CHUNK) {
    const chunk = tokens.slice(at, at + CHUNK)
    await Promise.all(verifiers.flatMap((verifier) => chunk.map((token) => verifier.verify(token))))
  }
  for (const token of tokens) {
    let left = verifiers.length
    for (const verifier of verifiers) {
      verifier.onRevoked(token, ({ kind }) => {
        left -= 1
        if (left === 0) process.send?.({ token, kind, atMs: nowMs() })
      })
    }
  }
}

process.on(
  'message',
  (tokens: readonly string[]) => void watch(tokens).then(() => process.send?.({ watching: true })),
)
process.on('disconnect', () => process.exit(0))
await Promise.all(verifiers.map((verifier) => verifier.ready(30_000)))
process.send?.({ ready: true })
