import { type Entry, ISSUERS, type IssuerValue, issuerId, SKEW_MAX_SECONDS } from '@rescind/authority'
import { LIFETIME_MAX_MS } from '@rescind/core'
import { defined, type JsonObject } from '@rescind/core/bytes'
import type { CutoffTarget } from '@rescind/core/log'
import {
  type ClaimMap,
  FOREIGN_TYPES,
  foreignKeys,
  foreignSource,
  SIGNATURE_ALGORITHMS,
} from '@rescind/core/tokens'
import type { Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { isFetchable } from '../../machine/net/fetchable.ts'
import { meantUrl } from '../../machine/net/masked-url.ts'
import { storedText } from '../../records/text-schemas.ts'
import type { Ask, Endpoint } from '../frame/endpoint.ts'
import type { Change, Made } from '../frame/records.ts'
import { changeOf, createOf, listOf, readOf, removeOf } from '../frame/resource.ts'
import { REGISTERED } from './issuer-json.ts'
import { isNarrower } from './issuer-narrowing.ts'
import { termed } from './issuer-terms.ts'
import { endingRows } from './rules/ending.ts'

/** How many issuers one realm may have. */
const ISSUERS_MAX = 500
const KEYS_MAX = 32
const TEXT_MAX = 512
const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000
/** Ten years: a longer limit is as good as none. */
const SESSION_MAX_SECONDS = 3_650 * 86_400

const text = storedText(TEXT_MAX)
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
  /** `typ` of its access tokens; null: any type that access tokens have. */
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
  /** The longest time that one of its sessions mints tokens. It may be lowered, but never raised. */
  maxSessionSeconds: z.int().min(1).max(SESSION_MAX_SECONDS).optional(),
  /** Its tokens may lack `iat`; cutoffs over its principals are then kept for good. */
  withoutIat: z.boolean().optional(),
  enabled: z.boolean().optional(),
}
const NEW = z.strictObject({ issuer: text, ...SETTINGS })
const CHANGE = z.strictObject({ ...SETTINGS, reason: text.optional() })

type Settings = z.output<typeof CHANGE>

export const ISSUER_ENDPOINTS: readonly Endpoint[] = [
  createOf(REGISTERED, {
    operation: 'createIssuer',
    summary: 'Register an identity provider whose tokens are to be judged and revoked here',
    body: NEW,
    make,
  }),
  listOf(REGISTERED, { operation: 'listIssuers', summary: 'Registered issuers', member: 'issuers' }),
  readOf(REGISTERED, { operation: 'readIssuer', summary: 'One issuer' }),
  changeOf(REGISTERED, {
    operation: 'changeIssuer',
    summary:
      'Change what is agreed with an issuer; whatever narrows it, or disables it, ends its tokens so far',
    body: CHANGE,
    change,
  }),
  removeOf(REGISTERED, {
    operation: 'deleteIssuer',
    summary: 'Forget an issuer; its tokens are over',
    what: 'It is gone, and so are its tokens',
    beside: async (ask, { value }) => {
      const ending = await endingRows(ask, targetOf(value))
      return isAnswer(ending) ? ending : { after: ending }
    },
  }),
]

async function make(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Made<IssuerValue> | Problem | Stale> {
  const { realm } = ask
  const { issuer, ...given } = ask.body
  // This realm signs tokens under that name, and other keys for it would be a second way to sign them.
  if (issuer === ask.parts.issuerOf(realm)) return problem(422, 'issuer: this realm itself is this issuer')
  const value = settled({ ...FRESH, issuer }, given, ask)
  if (isAnswer(value)) return value
  const id = issuerId(issuer)
  const { version, entry } = await realm.directory.state(ISSUERS, id)
  if (entry !== undefined) return problem(409, 'issuer: already registered')
  const { entries } = await realm.directory.page(ISSUERS, { after: undefined, limit: ISSUERS_MAX })
  if (entries.length >= ISSUERS_MAX) return problem(422, `a realm has at most ${ISSUERS_MAX} issuers`)
  const agreed = await termed(ask, value, { id, version })
  if (agreed === 'stale' || isAnswer(agreed)) return agreed
  return { id, version, value: agreed.value, after: agreed.operations }
}

async function change(
  ask: Ask<unknown, Settings>,
  before: Entry<IssuerValue>,
): Promise<Change<IssuerValue> | Problem | Stale> {
  const { reason, ...given } = ask.body
  const wanted = settled(before.value, given, ask)
  if (isAnswer(wanted)) return wanted
  const agreed = await termed(ask, wanted, before)
  if (agreed === 'stale' || isAnswer(agreed)) return agreed
  const { value, operations } = agreed
  const ending = isNarrower(value, before.value) ? await endingRows(ask, targetOf(value), reason) : []
  return isAnswer(ending) ? ending : { value, why: reason, after: [...operations, ...ending] }
}

function targetOf({ issuer }: IssuerValue): CutoffTarget {
  return { kind: 'cut', shape: 'source', principals: { source: foreignSource(issuer) } }
}

const FRESH: Omit<IssuerValue, 'issuer'> = {
  enabled: true,
  algorithms: SIGNATURE_ALGORITHMS,
  claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
  skewSeconds: 60,
  maxLifetimeSeconds: LIFETIME_MAX_SECONDS,
}

/** The terms after the given members replace the earlier ones, or the problem with them. */
function settled(
  before: IssuerValue,
  given: Omit<Settings, 'reason'>,
  { parts }: Pick<Ask, 'parts'>,
): IssuerValue | Problem {
  const { audience, types, claims, jwksUrl: givenUrl, keys, ...plain } = given
  const jwksUrl = givenUrl === undefined ? undefined : meantUrl(givenUrl, before.jwksUrl)
  if (givenUrl !== undefined && jwksUrl === undefined)
    return problem(422, 'jwksUrl: this is the masked form; give the whole URL')
  if (jwksUrl !== undefined && keys !== undefined)
    return problem(422, 'jwksUrl, keys: give exactly one of them')
  const { audience: oldAudience, types: oldTypes, jwksUrl: oldUrl, keys: oldKeys, ...rest } = before
  const agreed = { ...rest, ...defined(plain), claims: mapped(before.claims, claims ?? {}) }
  const audiences =
    audience === undefined ? oldAudience : typeof audience === 'string' ? [audience] : audience
  const isGiven = jwksUrl !== undefined || keys !== undefined
  const value: IssuerValue = defined({
    ...agreed,
    audience: audiences ?? undefined,
    types: types === undefined ? oldTypes : (types ?? undefined),
    jwksUrl: isGiven ? jwksUrl : oldUrl,
    keys: isGiven ? (keys as readonly JsonObject[] | undefined) : oldKeys,
  })
  return wrongWith(value, parts.keySets.allowInternal) ?? value
}

const NOT_FETCHABLE =
  'jwksUrl: it would never be fetched; give an https URL without a user, of an address that is not internal'

function wrongWith({ jwksUrl, keys, algorithms }: IssuerValue, allowInternal: boolean): Problem | undefined {
  if (jwksUrl === undefined && keys === undefined)
    return problem(422, 'jwksUrl, keys: give exactly one of them')
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
