import { type Entry, ISSUERS, type IssuerValue } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import { FOREIGN_TYPES, foreignSource, SIGNATURE_ALGORITHMS } from '@rescind/core/tokens'
import { z } from 'zod'
import { problem } from '../../http/problem.ts'
import type { FetchState } from '../../judging/key-sets.ts'
import { maskedUrl } from '../../machine/net/masked-url.ts'
import type { Acting, Records } from '../frame/records.ts'

const FETCH = z
  .strictObject({
    state: z
      .enum(['waiting', 'good', 'failing', 'away'])
      .describe(
        'waiting: not asked since the server started; good; failing: older keys serve; away: its tokens cannot be judged',
      ),
    keys: z.int().optional(),
    fetchedAt: z.string().optional(),
    failedAt: z.string().optional().describe('Of the last question, if that failed'),
    lastError: z.string().optional(),
  })
  .meta({ id: 'KeyFetch' })

const ISSUER = z.strictObject({
  id: z.string(),
  issuer: z.string(),
  /** The source that rules name its tokens by. */
  source: z.string(),
  enabled: z.boolean(),
  algorithms: z.array(z.enum(SIGNATURE_ALGORITHMS)),
  audience: z.array(z.string()).optional(),
  types: z.array(z.enum(FOREIGN_TYPES)).optional(),
  claims: z.record(z.string(), z.string()),
  skewSeconds: z.int(),
  maxLifetimeSeconds: z.int(),
  maxSessionSeconds: z.int().optional(),
  withoutIat: z.boolean().optional(),
  jwksUrl: z.string().optional(),
  keys: z.array(z.record(z.string(), z.json())).optional(),
  fetch: FETCH.optional(),
})

export const REGISTERED: Records<IssuerValue> = {
  collection: ISSUERS,
  path: '/issuers/{issuerId}',
  what: 'The issuer',
  schema: ISSUER,
  json: issuerJson,
  none: problem(404, 'no such issuer'),
}

function issuerJson({ id, value }: Entry<IssuerValue>, ask: Acting): object {
  const { issuer, enabled, algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds } = value
  const { keys, maxSessionSeconds, withoutIat } = value
  const jwksUrl = value.jwksUrl === undefined ? undefined : maskedUrl(value.jwksUrl)
  const settings = { algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds, jwksUrl, keys }
  const more = { maxSessionSeconds, withoutIat, fetch: fetchJson(ask, value) }
  return { id, issuer, source: foreignSource(issuer), enabled, ...settings, ...more }
}

type FetchJson = z.output<typeof FETCH>

/** The state of fetching; not part of the record, so the record's version does not cover it. */
function fetchJson({ realm, parts }: Acting, value: IssuerValue): FetchJson | undefined {
  const state = parts.keySets.stateOf(realm.name, value)
  if (state === undefined) return undefined
  const { keys, fetchedAgoMs, failedAgoMs, why } = state
  const at = (agoMs: number | undefined): string | undefined =>
    agoMs === undefined ? undefined : formatInstant(Math.floor(realm.nowMs() - agoMs))
  return {
    state: stateOf(state),
    keys,
    fetchedAt: at(fetchedAgoMs),
    failedAt: at(failedAgoMs),
    lastError: why,
  }
}

function stateOf({ isUsable, failedAgoMs, fetchedAgoMs }: FetchState): FetchJson['state'] {
  if (isUsable) return failedAgoMs === undefined ? 'good' : 'failing'
  return failedAgoMs === undefined && fetchedAgoMs === undefined ? 'waiting' : 'away'
}
