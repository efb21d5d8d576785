/** Some verifiers in their own process, which check all tokens that they know continually. */
import { openVerifier, type Verifier } from '@rescind/verifier'
import type { FleetAsk, FleetTold } from './messages.ts'

/** Interval between two checks of all tokens. */
const LOOK_MS = 5

const [url = '', key = '', count = '1', bound = '5000'] = process.argv.slice(2)
/** Different bounds, because verifiers with equal settings share one instance. */
const verifiers: readonly Verifier[] = Array.from({ length: Number(count) }, (_, nth) =>
  openVerifier({ url, key, maxStalenessMs: Number(bound) + nth }),
)
/** Each token with the verifiers that have said "revoked" for it. */
const watched = new Map<string, Set<Verifier>>()
let violations = 0
let looks = 0

function look(): void {
  for (const [token, over] of watched) {
    for (const verifier of verifiers) {
      const result = verifier.check(token)
      looks += 1
      if (result.kind === 'inactive') over.add(verifier)
      else if (over.has(verifier) && result.kind === 'active') violations += 1
    }
  }
}

function tell(message: FleetTold): void {
  process.send?.(message)
}

async function answer({ ask, tokens }: FleetAsk): Promise<FleetTold> {
  switch (ask) {
    case 'ready':
      await Promise.all(verifiers.map((verifier) => verifier.ready(20_000)))
      return { said: [], violations, looks }
    case 'verify': {
      for (const token of tokens) watched.set(token, watched.get(token) ?? new Set())
      const said = await Promise.all(
        tokens.map(async (token) => {
          const results = await Promise.all(verifiers.map((verifier) => verifier.verify(token)))
          return results.map((result) => (result.kind === 'active' ? 'active' : result.why))
        }),
      )
      return { said, violations, looks }
    }
    case 'check': {
      const said = tokens.map((token) =>
        verifiers.map((verifier) => {
          const result = verifier.check(token)
          return result.kind === 'active' ? 'active' : result.why
        }),
      )
      return { said, violations, looks }
    }
  }
}

setInterval(look, LOOK_MS)
process.on('message', (message: FleetAsk) => void answer(message).then(tell))
process.on('disconnect', () => process.exit(0))
