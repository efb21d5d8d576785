import { judge, type RevocationIndex } from '@rescind/core'
import { formatInstant, parseInstant } from '@rescind/core/bytes'
import { microInstant } from '../../../dialects/identity/v3/tokens/instant.ts'
import { factsAt, fold, indexAt, revoking } from '../../kit/samples.ts'

/** Prints instants, expiries and dated cutoffs around the edges of every zone; see time-zones.test.ts. */

const HOUR_MS = 3_600_000
/**
 * Both edges of summer time in the north and in the south, the day that Apia skipped, and the ends of 32 bits and of
 * years.
 */
const EDGES = [
  '2026-03-29T00:59:59.999Z',
  '2026-10-25T00:59:59.999Z',
  '2026-03-08T06:59:59.999Z',
  '2026-11-01T05:59:59.999Z',
  '2026-04-04T14:59:59.999Z',
  '2011-12-30T09:59:59.999Z',
  '2024-02-29T23:59:59.999Z',
  '2038-01-19T03:14:07.999Z',
  '9999-12-30T23:59:59.999Z',
]

for (const edge of EDGES) {
  const ms = parseInstant(edge)
  if (ms === undefined) throw new Error(edge)
  for (let hours = -2; hours <= 2; hours += 1) {
    const at = ms + hours * HOUR_MS + 1
    const text = formatInstant(at)
    const parsed = [
      text,
      text.replace('Z', '+00:00'),
      `${formatInstant(at + 2 * HOUR_MS).slice(0, -1)}+02:00`,
    ].map(parseInstant)
    const index: RevocationIndex = indexAt(9)
    const target = {
      kind: 'cut',
      shape: 'subject',
      principals: { source: 'oauth', subject: 'subject 1' },
      issuedBeforeMs: at,
    } as const
    fold(index, revoking(target, 9e15), at)
    const verdicts = [-1, 0, 1].flatMap((step) => {
      const issued = factsAt(1, { issuedAtMs: at + step, expiresAtMs: 9e15 })
      const expiring = factsAt(2, { expiresAtMs: at + step })
      return [issued, expiring].map((facts) =>
        JSON.stringify(judge({ facts, index, nowMs: at, lag: 'fresh' })),
      )
    })
    console.log([text, microInstant(at), ...parsed, ...verdicts].join(' '))
    console.log(
      parseInstant(text) === at && parsed.every((one) => one === at) ? 'same' : `other: ${parsed.join()}`,
    )
    for (const verdict of verdicts) console.log(verdict)
  }
}
