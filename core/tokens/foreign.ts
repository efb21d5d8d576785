import { defined } from '../bytes/defined.ts'
import { isObject, type Json, type JsonObject } from '../bytes/strict-json.ts'
import { sha256Base64url } from '../crypto/digests.ts'
import type { SignatureAlgorithm } from '../crypto/signatures.ts'
import { BEYOND_LOGS } from '../position.ts'
import type { TokenFacts } from '../records.ts'
import type { Credential } from '../verdict/admit.ts'
import { confirmationOf, scopesOfClaims } from './credential.ts'
import { type ForeignType, foreignKindOf } from './foreign-kind.ts'
import { foreignSource } from './foreign-source.ts'
import { importJwks, type VerificationKey } from './jwk.ts'
import { audienceOf, candidateKeys, numericDateMs, type ParsedJws, verifyJws } from './jwt.ts'

/**
 * Which claims of a foreign token hold its ids. A name is that of a top-level member; a name that starts with `/` is a JSON
 * pointer (RFC 6901). Rules cannot name a claim that is not mapped.
 */
export type ClaimMap = {
  readonly jti?: string
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
  readonly session?: string
  readonly authenticatedAt?: string
}

/** The settings agreed for an identity provider that mints the tokens judged here. */
export type ForeignIssuer = {
  /** Exactly as in `iss`. */
  readonly issuer: string
  readonly algorithms: readonly SignatureAlgorithm[]
  /** A token must name one of these. Absent: the audience is not checked. */
  readonly audience?: readonly string[]
  /** `typ` values of its access tokens; absent: all of `FOREIGN_TYPES`. */
  readonly types?: readonly ForeignType[]
  readonly claims: ClaimMap
  readonly skewSeconds: number
  readonly maxLifetimeSeconds: number
  /** Accept tokens without `iat`. By default they are refused, because a cutoff cannot tell whether they came before it. */
  readonly withoutIat?: boolean
}

export type ForeignQuestion = {
  readonly jws: ParsedJws
  readonly issuer: ForeignIssuer
  /** The issuer's own keys, as imported by `foreignKeys`; never another issuer's. */
  readonly keys: readonly VerificationKey[]
  readonly nowMs: number
}

export type ForeignRefused =
  /** None of the issuer's keys fits; it may have rotated them. */
  'unknown-key' | 'signature' | 'issuer' | 'audience' | 'claims' | 'lifetime'

export type ForeignRead =
  | { readonly kind: 'facts'; readonly facts: TokenFacts; readonly credential: Credential }
  | { readonly kind: 'refused'; readonly why: ForeignRefused }

/** Longest id in a claim, in characters; a longer one is refused. */
const CLAIM_TEXT_MAX = 1_024

/**
 * Imports a key set for the agreed algorithms. A key without `alg` counts for each agreed algorithm that fits its type; a
 * key that fits none is left out. @returns undefined for anything but a key set.
 */
export function foreignKeys(
  jwks: Json | undefined,
  algorithms: readonly SignatureAlgorithm[],
): readonly VerificationKey[] | undefined {
  const keys: VerificationKey[] = []
  for (const algorithm of algorithms) {
    const fitting = importJwks(jwks, algorithm)
    if (fitting === undefined) return undefined
    keys.push(...fitting)
  }
  return keys
}

/**
 * The facts of a foreign token that its issuer signed in the agreed form; `judge` says whether it is alive. Pure
 * and synchronous, because verifiers call it in process. An ambiguous token is refused: a claim of an unexpected type would
 * make a rule that silently hits nothing.
 */
export function readForeign({ jws, issuer, keys, nowMs }: ForeignQuestion): ForeignRead {
  if (jws.claims.iss !== issuer.issuer) return refused('issuer')
  const candidates = candidateKeys(jws, keys)
  if (candidates.length === 0) return refused('unknown-key')
  const key = candidates.find((candidate) => verifyJws(jws, candidate))
  if (key === undefined) return refused('signature')
  if (!isForAudience(jws.claims.aud, issuer.audience)) return refused('audience')
  const times = timesOf(jws.claims, issuer)
  const ids = idsOf(jws, issuer.claims)
  if (times === undefined || ids === undefined) return refused('claims')
  const { expiresAtMs, issuedAtMs, notBeforeMs, authenticatedAtMs } = times
  if (expiresAtMs - (issuedAtMs ?? nowMs) > issuer.maxLifetimeSeconds * 1_000) return refused('lifetime')
  const { jti, ...named } = ids
  const source = foreignSource(issuer.issuer)
  const skewMs = issuer.skewSeconds * 1_000
  const foreign = defined({ jti, skewMs, authenticatedAtMs })
  const facts: TokenFacts = defined({
    source,
    ...named,
    keyId: key.keyId,
    ancestors: [],
    position: BEYOND_LOGS,
    issuedAtMs,
    expiresAtMs,
    notBeforeMs,
    foreign,
  })
  return { kind: 'facts', facts, credential: credentialIn(jws, { source, types: issuer.types }) }
}

type Accepted = { readonly source: string; readonly types: ForeignIssuer['types'] }

/** What the token may be used as, by the claims that its issuer signed. */
function credentialIn(jws: ParsedJws, { source, types }: Accepted): Credential {
  const { claims, typ } = jws
  return defined({
    kind: foreignKindOf(jws, types),
    source,
    audience: audienceOf(claims.aud),
    scopes: scopesOfClaims(claims),
    cnf: confirmationOf(claims.cnf),
    typ,
  })
}

const refused = (why: ForeignRefused): ForeignRead => ({ kind: 'refused', why })

function isForAudience(aud: Json | undefined, agreed: readonly string[] | undefined): boolean {
  const audience = audienceOf(aud)
  // An unreadable audience is not the same as none.
  if (audience === undefined && aud !== undefined) return false
  if (agreed === undefined) return true
  return audience?.some((one) => agreed.includes(one)) ?? false
}

type Times = {
  readonly expiresAtMs: number
  readonly issuedAtMs?: number
  readonly notBeforeMs?: number
  readonly authenticatedAtMs?: number
}

/** @returns undefined when `exp` is missing or a time is invalid. */
function timesOf(
  claims: JsonObject,
  { claims: map, skewSeconds, withoutIat }: ForeignIssuer,
): Times | undefined {
  const login = map.authenticatedAt === undefined ? undefined : claimAt(claims, map.authenticatedAt)
  const expiresAtMs = numericDateMs(claims.exp)
  const [issuedAtMs, nbfMs, authenticatedAtMs] = [claims.iat, claims.nbf, login].map(numericDateMs)
  if (expiresAtMs === undefined) return undefined
  if (claims.iat === undefined && withoutIat !== true) return undefined
  if (claims.iat !== undefined && issuedAtMs === undefined) return undefined
  if (claims.nbf !== undefined && nbfMs === undefined) return undefined
  if (login !== undefined && authenticatedAtMs === undefined) return undefined
  // Every cutoff between now and then would miss a token dated in the future.
  const startMs = Math.max(issuedAtMs ?? 0, nbfMs ?? 0) - skewSeconds * 1_000
  const notBeforeMs = startMs > 0 ? startMs : undefined
  return defined({ expiresAtMs, notBeforeMs, issuedAtMs, authenticatedAtMs })
}

const NAMED = ['subject', 'client', 'tenant', 'session'] as const

type Ids = { readonly jti: string } & { readonly [name in (typeof NAMED)[number]]?: string }

/** @returns undefined when a mapped claim is present but is not an id. */
function idsOf(jws: ParsedJws, map: ClaimMap): Ids | undefined {
  const ids: { -readonly [name in keyof Ids]?: Ids[name] } = {}
  for (const name of ['jti', ...NAMED] as const) {
    const at = map[name]
    const value = at === undefined ? undefined : claimAt(jws.claims, at)
    if (value === undefined) continue
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    if (typeof text !== 'string' || text.length === 0 || text.length > CLAIM_TEXT_MAX) return undefined
    ids[name] = text
  }
  return { ...ids, jti: ids.jti ?? signingInputId(jws) }
}

/**
 * The id that a token claims by its issuer's map; its signature is not checked. For callers that name a token while its
 * issuer's keys are unavailable. @returns undefined when a mapped claim is not an id.
 */
export function claimedJti(jws: ParsedJws, { claims }: Pick<ForeignIssuer, 'claims'>): string | undefined {
  return idsOf(jws, claims)?.jti
}

/** The id of a JWS without `jti`: other signatures over the same input are the same token. */
function signingInputId({ signingInput }: ParsedJws): string {
  return `sha256:${sha256Base64url(signingInput)}`
}

function claimAt(claims: JsonObject, at: string): Json | undefined {
  if (!at.startsWith('/')) return claims[at]
  let value: Json | undefined = claims
  for (const step of at.slice(1).split('/')) {
    if (!isObject(value)) return undefined
    value = value[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value
}
