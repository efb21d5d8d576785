import { randomBytes128 } from './crypto/digests.ts'
import { ContractBroken } from './faults.ts'
import type { Random } from './random.ts'

/** A string or number that only its own constructor can make, so that the compiler keeps kinds of ids apart. */
declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Keyed SHA-256 of a token's exact bytes, base64url, 43 characters. Safe to log, grants nothing. */
export type TokenDigest = Brand<string, 'TokenDigest'>
/** A token's public id: `tok_` and 128 random bits as 22 base64url characters. Safe to show, grants nothing. */
export type Handle = Brand<string, 'Handle'>
/** The family of tokens that one login began: `grt_` and 128 random bits. */
export type GrantId = Brand<string, 'GrantId'>
/** A realm's name as in its paths: 1 to 63 of `a-z 0-9 -`. */
export type RealmName = Brand<string, 'RealmName'>
/** A realm's small number within one store, by which stores index. 0 is `system`. */
export type RealmOrdinal = Brand<number, 'RealmOrdinal'>

const DIGEST_CHARS = 43
const HANDLE_PREFIX = 'tok_'
const GRANT_PREFIX = 'grt_'
const REALM_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** The only text of 128 bits: the last character holds just two of them. */
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

export function tokenDigest(text: string): TokenDigest {
  if (text.length !== DIGEST_CHARS) throw new ContractBroken('a token digest has 43 base64url characters')
  return text as TokenDigest
}

/** @returns undefined when the text is not a handle. */
export function parseHandle(text: string): Handle | undefined {
  const canonical = text.startsWith(HANDLE_PREFIX) && ID.test(text.slice(HANDLE_PREFIX.length))
  return canonical ? (text as Handle) : undefined
}

export function mintHandle(random: Random): Handle {
  return (HANDLE_PREFIX + randomBytes128(random)) as Handle
}

/** The 16 bytes of a handle, as in rule bytes. */
export function handleBytes(handle: Handle): Buffer {
  return Buffer.from(handleBits(handle), 'base64url')
}

/** The same as base64url text. */
export function handleBits(handle: Handle): string {
  return handle.slice(HANDLE_PREFIX.length)
}

export function handleFromBytes(bytes: Uint8Array): Handle {
  return (HANDLE_PREFIX + Buffer.from(bytes).toString('base64url')) as Handle
}

/** A token that starts a grant lends it its random bits. One draw makes both ids; their prefixes differ. */
export function grantOf(handle: Handle): GrantId {
  return (GRANT_PREFIX + handle.slice(HANDLE_PREFIX.length)) as GrantId
}

/** The handle of the token that began a grant. If no token lent its bits, the result names no token. */
export function beginnerOf(grant: string): string {
  return HANDLE_PREFIX + grant.slice(GRANT_PREFIX.length)
}

export function grantId(text: string): GrantId {
  return text as GrantId
}

/** @returns undefined when the text cannot be a realm's name. */
export function parseRealmName(text: string): RealmName | undefined {
  return REALM_NAME.test(text) ? (text as RealmName) : undefined
}

export const SYSTEM_REALM: RealmName = 'system' as RealmName
export const DEFAULT_REALM: RealmName = 'default' as RealmName

export function realmOrdinal(value: number): RealmOrdinal {
  return value as RealmOrdinal
}
