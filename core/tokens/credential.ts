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

/** Client names of tokens made for one purpose, and the scope of one of them; records older than their kind show it so. */
export const LIMITED_CLIENT = { setupMfa: 'setup-mfa', passwordReset: 'password-reset' } as const
export const SETUP_SCOPE = 'SETUP-MFA'
const LIMITED_CLIENTS: readonly string[] = Object.values(LIMITED_CLIENT)

/**
 * The kind of a stored token. Every acceptor must ask this instead of reading the record: Identity tokens for one purpose
 * were once written as `identity`, and they open no more than today's `limited` ones.
 */
export function kindOf({ kind, client, scope }: TokenRecord): TokenKind {
  if (kind !== 'identity') return kind
  const isLimited = scope === SETUP_SCOPE || (client !== undefined && LIMITED_CLIENTS.includes(client))
  return isLimited ? 'limited' : kind
}

/** What one of our own JWTs (RFC 9068) may be used as; its signature has been verified. */
export function credentialOfClaims(source: string, claims: JsonObject): Credential {
  const audience = audienceOf(claims.aud)
  // RFC 9068 §2.2 requires `aud`. A token without an audience names its issuer there, and only it.
  const isForNobody = audience?.length === 1 && audience[0] === claims.iss
  return {
    kind: 'access',
    source,
    ...(audience === undefined || isForNobody ? {} : { audience }),
    scopes: scopesOfClaims(claims),
    // Agrees with `delegationOf` for records: only an exchange leaves ancestors.
    ...(claims.anc === undefined ? {} : { delegated: EXCHANGED }),
  }
}

const EXCHANGED: Delegation = 'exchange'

/** The one way to read what was granted: `scope` (RFC 9068 §2.2.3), else `scp`, as some issuers call it. */
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

/** `cnf` as it is reported. A form outside RFC 7800 still binds the token, to a key that no bearer can prove. */
export function confirmationOf(cnf: Json | undefined): JsonObject | undefined {
  if (cnf === undefined || cnf === null) return undefined
  // Always a plain object: parsed members have no prototype, those of an answer have one.
  return isObject(cnf) ? { ...cnf } : {}
}
