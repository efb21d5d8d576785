import { defined } from '../bytes/defined.ts'
import { isObject, type Json, type JsonObject } from '../bytes/strict-json.ts'
import { grantId, parseHandle } from '../ids.ts'
import { BEYOND_LOGS, ordinalOf, type Position, position, seqOf } from '../position.ts'
import {
  ANCESTORS_MAX,
  type Ancestor,
  type ForeignFacts,
  type Principals,
  type TokenFacts,
} from '../records.ts'
import { isForeignSource } from './foreign-source.ts'
import { numericDateMs, type ParsedJws } from './jwt.ts'

/** The source of every JWT that we sign for others to accept. */
const SOURCE = 'oauth'
/** RFC 9068 §2.1. Our keys sign other things under another `typ`; those are never taken for tokens. */
export const ACCESS_TOKEN_TYP = 'at+jwt'

/** The claims by which a JWT of ours can be judged without its record. */
export function judgingClaims(facts: TokenFacts): JsonObject {
  const { handle, grant, session, tenant, position: at, ancestors } = facts
  return defined({
    jti: handle,
    grant_id: grant,
    sid: session,
    tenant,
    pos: [ordinalOf(at), seqOf(at)],
    anc: ancestors.length === 0 ? undefined : ancestors.map(ancestorClaim),
  })
}

function ancestorClaim(up: Ancestor): JsonObject {
  const { source, subject, client, tenant, handle, grant, session, keyId, foreign } = up
  return defined({
    // The `jti` of a foreign token is its issuer's.
    ...(foreign === undefined ? { jti: handle } : foreignClaims(foreign)),
    src: source,
    sub: subject,
    client_id: client,
    tenant,
    grant_id: grant,
    sid: session,
    pos: foreign === undefined ? [ordinalOf(up.position), seqOf(up.position)] : undefined,
    iat: up.issuedAtMs === undefined ? undefined : up.issuedAtMs / 1_000,
    exp: up.expiresAtMs / 1_000,
    kid: keyId,
  })
}

function foreignClaims({ jti, skewMs, authenticatedAtMs }: ForeignFacts): JsonObject {
  const authTime = authenticatedAtMs === undefined ? undefined : authenticatedAtMs / 1_000
  return defined({ jti, skew: skewMs / 1_000, auth_time: authTime })
}

/**
 * The facts that a JWT of ours states, once its signature has been verified with the key `keyId`.
 * @returns undefined when facts are missing: then it is not one of ours.
 */
export function factsOfClaims(jws: Pick<ParsedJws, 'claims' | 'typ'>, keyId: string): TokenFacts | undefined {
  const { claims, typ } = jws
  const handle = typeof claims.jti === 'string' ? parseHandle(claims.jti) : undefined
  const [issuedAtMs, expiresAtMs] = [numericDateMs(claims.iat), numericDateMs(claims.exp)]
  const at = positionOf(claims.pos)
  const ancestors = ancestorsOf(claims.anc)
  if (typ !== ACCESS_TOKEN_TYP || handle === undefined || at === undefined || ancestors === undefined)
    return undefined
  if (issuedAtMs === undefined || expiresAtMs === undefined || typeof claims.grant_id !== 'string')
    return undefined
  return {
    ...principalsOf(claims),
    source: SOURCE,
    handle,
    grant: grantId(claims.grant_id),
    ...(typeof claims.sid === 'string' ? { session: claims.sid } : {}),
    keyId,
    ancestors,
    position: at,
    issuedAtMs,
    expiresAtMs,
  }
}

function principalsOf({ sub, client_id, tenant }: JsonObject): Omit<Principals, 'source'> {
  return {
    ...(typeof sub === 'string' ? { subject: sub } : {}),
    ...(typeof client_id === 'string' ? { client: client_id } : {}),
    ...(typeof tenant === 'string' ? { tenant } : {}),
  }
}

function ancestorsOf(value: Json | undefined): readonly Ancestor[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > ANCESTORS_MAX) return undefined
  const read = value.map(ancestorOf)
  return read.every((one): one is Ancestor => one !== undefined) ? read : undefined
}

function ancestorOf(value: Json): Ancestor | undefined {
  if (!isObject(value) || typeof value.jti !== 'string' || typeof value.src !== 'string') return undefined
  const [issuedAtMs, expiresAtMs] = [numericDateMs(value.iat), numericDateMs(value.exp)]
  const own = isForeignSource(value.src) ? foreignOf(value.jti, value) : ownOf(value.jti, value)
  if (own === undefined || expiresAtMs === undefined) return undefined
  if (issuedAtMs === undefined && own.foreign === undefined) return undefined
  return {
    ...principalsOf(value),
    ...own,
    source: value.src,
    ...(typeof value.sid === 'string' ? { session: value.sid } : {}),
    ...(typeof value.kid === 'string' ? { keyId: value.kid } : {}),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    expiresAtMs,
  }
}

type Named = Pick<Ancestor, 'handle' | 'grant' | 'foreign' | 'position'>

function ownOf(jti: string, { grant_id, pos }: JsonObject): Named | undefined {
  const [handle, at] = [parseHandle(jti), positionOf(pos)]
  if (handle === undefined || at === undefined) return undefined
  return { handle, position: at, ...(typeof grant_id === 'string' ? { grant: grantId(grant_id) } : {}) }
}

function foreignOf(jti: string, { skew, auth_time }: JsonObject): Named | undefined {
  const authenticatedAtMs = numericDateMs(auth_time)
  if (typeof skew !== 'number') return undefined
  const named = { jti, skewMs: Math.round(skew * 1_000) }
  return {
    foreign: authenticatedAtMs === undefined ? named : { ...named, authenticatedAtMs },
    position: BEYOND_LOGS,
  }
}

function positionOf(value: Json | undefined): Position | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [ordinal, seq]: readonly (Json | undefined)[] = value
  if (!isCount(ordinal, ORDINALS) || !isCount(seq, SEQS)) return undefined
  return position(ordinal, seq)
}

const ORDINALS = 2 ** 13
const SEQS = 2 ** 40

function isCount(value: Json | undefined, below: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < below
}
