import { isObject, type Json, type JsonObject } from '../bytes/strict-json.ts'
import type { Delegation, TokenRecord } from '../records.ts'
import type { Credential } from '../verdict/admit.ts'
import { delegationOf } from '../verdict/delegation.ts'
import { audienceOf } from './jwt.ts'
import type { TokenKind } from './kinds.ts'

/** What a stored token may be used as. */
export function credentialOf(record: TokenRecord): Credential {
  const { source, audience, scope } = record
  const delegated = delegationOf(record)
  return {
    kind: kindOf(record),
    source,
    ...(audience === undefined ? {} : { audience }),
    scopes: scopesIn(scope),
    ...(delegated === undefined ? {} : { delegated }),
  }
}

/** The clients that tokens for one purpose bear, and the scope of one of them: records older than their kind say it so. */
export const LIMITED_CLIENT = { setupMfa: 'setup-mfa', passwordReset: 'password-reset' } as const
export const SETUP_SCOPE = 'SETUP-MFA'
const LIMITED_CLIENTS: readonly string[] = Object.values(LIMITED_CLIENT)

/**
 * The kind of a stored token. Every acceptor asks this and not the record: Identity tokens for one purpose were
 * written as `identity` before they were a kind of their own, and open no more than those of today.
 */
export function kindOf({ kind, client, scope }: TokenRecord): TokenKind {
  if (kind !== 'identity') return kind
  const isLimited = scope === SETUP_SCOPE || (client !== undefined && LIMITED_CLIENTS.includes(client))
  return isLimited ? 'limited' : kind
}

/** One of our own JWTs (RFC 9068); its signature has been verified. */
export function credentialOfClaims(source: string, claims: JsonObject): Credential {
  const audience = audienceOf(claims.aud)
  // RFC 9068 §2.2 asks for `aud`: a token for nobody in particular names its issuer there, and nobody else.
  const isForNobody = audience?.length === 1 && audience[0] === claims.iss
  return {
    kind: 'access',
    source,
    ...(audience === undefined || isForNobody ? {} : { audience }),
    scopes: scopesOfClaims(claims),
    // As `delegationOf` reads it in a record: nothing but exchange leaves ancestors.
    ...(claims.anc === undefined ? {} : { delegated: EXCHANGED }),
  }
}

const EXCHANGED: Delegation = 'exchange'

/** The one reading of what was granted: `scope` (RFC 9068 §2.2.3), else `scp` as some issuers call it. */
export function scopesOfClaims({ scope, scp }: JsonObject): readonly string[] {
  return scopesIn(scope ?? scp)
}

/** Space-separated text (RFC 6749 §3.3), or a list of it; anything else grants nothing. */
function scopesIn(value: Json | readonly string[] | undefined): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((one) => one !== '')
  if (!Array.isArray(value)) return NOTHING
  return value.filter((one): one is string => typeof one === 'string').flatMap((one) => scopesIn(one))
}

const NOTHING: readonly string[] = []

/**
 * `cnf` as it is reported. Whatever stands there in a form that RFC 7800 does not have still binds the token: to
 * nothing that anybody could prove.
 */
export function confirmationOf(cnf: Json | undefined): JsonObject | undefined {
  if (cnf === undefined || cnf === null) return undefined
  // A plain object whichever way it came: parsed members have no prototype, those of an answer have one.
  return isObject(cnf) ? { ...cnf } : {}
}
