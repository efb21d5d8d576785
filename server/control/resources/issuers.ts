import {
  deleteRecord,
  type Entry,
  ISSUERS,
  type IssuerValue,
  issuerId,
  type Operation,
  putRecord,
  ruleOn,
  SKEW_MAX_SECONDS,
} from '@rescind/authority'
import { LIFETIME_MAX_MS } from '@rescind/core'
import { defined, type JsonObject } from '@rescind/core/bytes'
import type { CutTarget } from '@rescind/core/log'
import {
  type ClaimMap,
  FOREIGN_TYPES,
  foreignKeys,
  foreignSource,
  SIGNATURE_ALGORITHMS,
} from '@rescind/core/tokens'
import { type Answer, formatInstant, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import type { FetchState } from '../../judging/key-sets.ts'
import { isFetchable } from '../../machine/net/fetchable.ts'
import { maskedUrl, meantUrl } from '../../machine/net/masked-url.ts'
import { auditOf, commitChange } from '../frame/change.ts'
import { makeCursor, readCursor } from '../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { etagOf, unlessMatches } from '../frame/etag.ts'
import { termed } from './issuer-terms.ts'
import { refusedEnding } from './rules/ending.ts'

/** Issuers of one realm. */
const ISSUERS_MAX = 500
const KEYS_MAX = 32
const TEXT_MAX = 512
const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000
/** Ten years: a longer one is as good as none. */
const SESSION_MAX_SECONDS = 3_650 * 86_400
const PAGE_MAX = 1_000

const text = z
  .string()
  .min(1)
  .max(TEXT_MAX)
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'must be well-formed text')
const claim = text.nullable().optional()

/** A claim's name, or a JSON pointer that starts with `/`; null: not mapped. */
const CLAIMS = z.strictObject({
  jti: claim,
  subject: claim,
  client: claim,
  tenant: claim,
  session: claim,
  authenticatedAt: claim,
})

const algorithm = z.enum(SIGNATURE_ALGORITHMS)
const jwk = z.record(z.string(), z.json())

const SETTINGS = {
  jwksUrl: z.url().max(2_048).optional(),
  keys: z.array(jwk).min(1).max(KEYS_MAX).optional(),
  algorithms: z.array(algorithm).min(1).optional(),
  audience: z
    .union([text, z.array(text).min(1).max(32)])
    .nullable()
    .optional(),
  /** `typ` of its access tokens; null: any that access tokens have. */
  types: z
    .array(
      z
        .string()
        .transform((type) => type.toLowerCase().replace(/^application\//, ''))
        .pipe(z.enum(FOREIGN_TYPES)),
    )
    .min(1)
    .nullable()
    .optional(),
  claims: CLAIMS.optional(),
  skewSeconds: z.int().min(0).max(SKEW_MAX_SECONDS).optional(),
  maxLifetimeSeconds: z.int().min(1).max(LIFETIME_MAX_SECONDS).optional(),
  /** The longest that one of its sessions mints tokens; it may be lowered, never raised. */
  maxSessionSeconds: z.int().min(1).max(SESSION_MAX_SECONDS).optional(),
  /** Its tokens need not have `iat`; cut-offs over its principals are kept for good then. */
  withoutIat: z.boolean().optional(),
  enabled: z.boolean().optional(),
}
const NEW = z.strictObject({ issuer: text, ...SETTINGS })
const CHANGE = z.strictObject({ ...SETTINGS, reason: text.optional() })

type Settings = z.output<typeof CHANGE>

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
  /** What rules name its tokens by. */
  source: z.string(),
  enabled: z.boolean(),
  algorithms: z.array(algorithm),
  audience: z.array(z.string()).optional(),
  types: z.array(z.enum(FOREIGN_TYPES)).optional(),
  claims: z.record(z.string(), z.string()),
  skewSeconds: z.int(),
  maxLifetimeSeconds: z.int(),
  maxSessionSeconds: z.int().optional(),
  withoutIat: z.boolean().optional(),
  jwksUrl: z.string().optional(),
  keys: z.array(jwk).optional(),
  fetch: FETCH.optional(),
})

const WHOLE = { what: 'The issuer', schema: ISSUER }

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/issuers',
  operation: 'createIssuer',
  summary: 'Register an identity provider whose tokens are to be judged and revoked here',
  role: 'admin',
  body: NEW,
  answers: { 201: WHOLE },
  problems: [409],
  handle: create,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/issuers',
  operation: 'listIssuers',
  summary: 'Registered issuers',
  role: 'viewer',
  query: z.object({
    cursor: z.string().optional(),
    limit: z.int().min(1).max(PAGE_MAX).default(100),
  }),
  answers: {
    200: {
      what: 'A page of them, and the cursor of the next one',
      schema: z.strictObject({ issuers: z.array(ISSUER), next: z.string().optional() }),
    },
  },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/issuers/{issuerId}',
  operation: 'readIssuer',
  summary: 'One issuer',
  role: 'viewer',
  conditional: true,
  answers: { 200: WHOLE },
  handle: async (ask) => {
    const entry = await ask.realm.directory.get(ISSUERS, ask.params['issuerId'] ?? '')
    return entry === undefined ? NONE : shown(ask, 200, entry)
  },
})

const UPDATE: Endpoint = endpoint({
  method: 'PATCH',
  path: '/issuers/{issuerId}',
  operation: 'changeIssuer',
  summary:
    'Change what is agreed with an issuer; whatever narrows it, or disables it, ends its tokens so far',
  role: 'admin',
  conditional: true,
  body: CHANGE,
  answers: { 200: WHOLE },
  handle: update,
})

const DELETE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/issuers/{issuerId}',
  operation: 'deleteIssuer',
  summary: 'Forget an issuer; its tokens are over',
  role: 'admin',
  conditional: true,
  answers: { 204: { what: 'It is gone, and so are its tokens' } },
  handle: remove,
})

export const ISSUER_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, READ, UPDATE, DELETE]

const NONE: Problem = problem(404, 'no such issuer')

async function create(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Answer | Stale> {
  const { realm } = ask
  const { issuer, ...given } = ask.body
  // Its tokens are this realm's own: other keys for the same name would be a second way to sign them.
  if (issuer === ask.parts.issuerOf(realm))
    return problem(422, 'issuer: it is the issuer of this realm itself')
  const value = settled({ ...FRESH, issuer }, given, ask)
  if (isAnswer(value)) return value
  const id = issuerId(issuer)
  const { version, entry } = await realm.directory.standing(ISSUERS, id)
  if (entry !== undefined) return problem(409, 'issuer: it is registered already')
  const { entries } = await realm.directory.page(ISSUERS, { after: undefined, limit: ISSUERS_MAX })
  if (entries.length >= ISSUERS_MAX) return problem(422, `a realm has at most ${ISSUERS_MAX} issuers`)
  const minded = await termed(ask, value, { id, version })
  if (minded === 'stale' || isAnswer(minded)) return minded
  const put = { collection: ISSUERS, id, value: minded.value, fromVersion: version }
  const operations = [...putRecord(realm, put, auditOf(ask)), ...minded.operations]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied'
    ? shown(ask, 201, { id, version: version + 1, value: put.value })
    : 'stale'
}

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const of = { realm: ask.realm, list: 'issuers' }
  const from = readCursor(of, ask.query.cursor)
  if (isAnswer(from)) return from
  const page = await ask.realm.directory.page(ISSUERS, { after: from.place, limit: ask.query.limit })
  const issuers = page.entries.map((entry) => issuerJson(ask, entry))
  return jsonAnswer(200, page.next === undefined ? { issuers } : { issuers, next: makeCursor(of, page.next) })
}

async function update(ask: Ask<unknown, Settings>): Promise<Answer | Stale> {
  const { realm, body } = ask
  const { version, entry } = await realm.directory.standing(ISSUERS, ask.params['issuerId'] ?? '')
  if (entry === undefined) return NONE
  const unmatched = unlessMatches(ask.request, version)
  if (unmatched !== undefined) return unmatched
  const { reason, ...given } = body
  const wanted = settled(entry.value, given, ask)
  if (isAnswer(wanted)) return wanted
  const audit = auditOf(ask, reason)
  const minded = await termed(ask, wanted, entry)
  if (minded === 'stale' || isAnswer(minded)) return minded
  const { value } = minded
  const put = { collection: ISSUERS, id: entry.id, value, fromVersion: version }
  const isEnding = isNarrower(value, entry.value)
  const refused = isEnding ? await refusedEnding(ask, [targetOf(value)]) : undefined
  if (refused !== undefined) return refused
  const ending = isEnding ? [ends(ask, value, reason)] : []
  const operations = [...putRecord(realm, put, audit), ...minded.operations, ...ending]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied' ? shown(ask, 200, { ...entry, version: version + 1, value }) : 'stale'
}

async function remove(ask: Ask): Promise<Answer | Stale> {
  const { realm } = ask
  const { version, entry } = await realm.directory.standing(ISSUERS, ask.params['issuerId'] ?? '')
  if (entry === undefined) return NONE
  const unmatched = unlessMatches(ask.request, version)
  if (unmatched !== undefined) return unmatched
  const refused = await refusedEnding(ask, [targetOf(entry.value)])
  if (refused !== undefined) return refused
  const deletion = { collection: ISSUERS.name, id: entry.id, fromVersion: version }
  const operations = [...deleteRecord(realm, deletion, auditOf(ask)), ends(ask, entry.value)]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied' ? { status: 204, headers: {}, body: '' } : 'stale'
}

/** All that the issuer has minted so far is over: the row that verifiers judge by, beside the change of the record. */
function ends(ask: Pick<Ask, 'realm' | 'by' | 'how'>, issuer: IssuerValue, why?: string): Operation {
  const rule = ruleOn(ask.realm, targetOf(issuer))
  return { kind: 'append', row: ask.realm.row(rule, auditOf(ask, why)) }
}

function targetOf({ issuer }: IssuerValue): CutTarget {
  return { kind: 'cut', shape: 'source', principals: { source: foreignSource(issuer) } }
}

/** Whether tokens that were good by what was agreed may not be so now: then they end, on every verifier. */
function isNarrower(now: IssuerValue, before: IssuerValue): boolean {
  if (!now.enabled && before.enabled) return true
  if (now.maxLifetimeSeconds < before.maxLifetimeSeconds) return true
  if (now.withoutIat !== true && before.withoutIat === true) return true
  if (before.algorithms.some((one) => !now.algorithms.includes(one))) return true
  if (now.jwksUrl !== before.jwksUrl || isMissing(now.keys, before.keys)) return true
  if (now.audience !== undefined && isMissing(now.audience, before.audience)) return true
  if (now.types !== undefined && isMissing(now.types, before.types ?? FOREIGN_TYPES)) return true
  const names = Object.keys(before.claims) as (keyof ClaimMap)[]
  return names.some((name) => now.claims[name] !== before.claims[name])
}

/** Whether something of an older list is not in the newer one; no older list at all held everything. */
function isMissing(now: readonly unknown[] | undefined, before: readonly unknown[] | undefined): boolean {
  if (before === undefined) return now !== undefined
  const kept = new Set((now ?? []).map((one) => JSON.stringify(one)))
  return before.some((one) => !kept.has(JSON.stringify(one)))
}

const FRESH: Omit<IssuerValue, 'issuer'> = {
  enabled: true,
  algorithms: SIGNATURE_ALGORITHMS,
  claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
  skewSeconds: 60,
  maxLifetimeSeconds: LIFETIME_MAX_SECONDS,
}

/** What is agreed once the given members are put over what was; or the problem with them. */
function settled(
  before: IssuerValue,
  given: Omit<Settings, 'reason'>,
  { parts }: Pick<Ask, 'parts'>,
): IssuerValue | Problem {
  const { audience, types, claims, jwksUrl: givenUrl, keys, ...plain } = given
  const jwksUrl = givenUrl === undefined ? undefined : meantUrl(givenUrl, before.jwksUrl)
  if (givenUrl !== undefined && jwksUrl === undefined) return problem(422, 'jwksUrl: it is masked')
  if (jwksUrl !== undefined && keys !== undefined) return problem(422, 'jwksUrl and keys: give one of them')
  const { audience: oldAudience, types: oldTypes, jwksUrl: oldUrl, keys: oldKeys, ...rest } = before
  const agreed = { ...rest, ...defined(plain), claims: mapped(before.claims, claims ?? {}) }
  const audiences =
    audience === undefined ? oldAudience : typeof audience === 'string' ? [audience] : audience
  const isGiven = jwksUrl !== undefined || keys !== undefined
  const value: IssuerValue = {
    ...agreed,
    ...(audiences === undefined || audiences === null ? {} : { audience: audiences }),
    ...defined({ types: types === undefined ? oldTypes : (types ?? undefined) }),
    ...defined({ jwksUrl: isGiven ? jwksUrl : oldUrl }),
    ...defined({ keys: isGiven ? (keys as readonly JsonObject[] | undefined) : oldKeys }),
  }
  return wrongWith(value, parts.keySets.allowInternal) ?? value
}

const NOT_FETCHABLE =
  'jwksUrl: it would never be fetched; give an https URL without a user, of an address that is not internal'

function wrongWith({ jwksUrl, keys, algorithms }: IssuerValue, allowInternal: boolean): Problem | undefined {
  if (jwksUrl === undefined && keys === undefined)
    return problem(422, 'jwksUrl or keys: one of them must say how its signatures are checked')
  if (jwksUrl !== undefined)
    return isFetchable(jwksUrl, allowInternal) ? undefined : problem(422, NOT_FETCHABLE)
  const unusable = (keys ?? []).findIndex((key) => foreignKeys({ keys: [key] }, algorithms)?.length === 0)
  if (unusable < 0) return undefined
  return problem(422, `keys.${unusable}: no public signature key for one of the algorithms`)
}

function mapped(before: ClaimMap, given: z.output<typeof CLAIMS>): ClaimMap {
  const all = Object.entries({ ...before, ...defined(given) })
  return Object.fromEntries(all.filter(([, name]) => name !== null))
}

type Shower = Pick<Ask, 'realm' | 'parts'>

function shown(ask: Shower, status: number, entry: Entry<IssuerValue>): Answer {
  return jsonAnswer(status, issuerJson(ask, entry), { etag: etagOf(entry.version) })
}

function issuerJson(ask: Shower, { id, value }: Entry<IssuerValue>): object {
  const { issuer, enabled, algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds } = value
  const { keys, maxSessionSeconds, withoutIat } = value
  const jwksUrl = value.jwksUrl === undefined ? undefined : maskedUrl(value.jwksUrl)
  const settings = { algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds, jwksUrl, keys }
  const more = { maxSessionSeconds, withoutIat, fetch: fetchJson(ask, value) }
  return { id, issuer, source: foreignSource(issuer), enabled, ...settings, ...more }
}

type FetchJson = z.output<typeof FETCH>

/** No part of the record: its version says nothing about it. */
function fetchJson({ realm, parts }: Shower, value: IssuerValue): FetchJson | undefined {
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
