import { sha256Latin1 } from '../crypto/digests.ts'
import { unreachable } from '../faults.ts'
import type { Brand, TokenDigest } from '../ids.ts'
import type { Principals } from '../records.ts'
import { CUTOFF_SHAPE_CODE, type CutoffShape, type ExactTarget } from './rules.ts'

/**
 * 128 bits as 16 one-byte characters: the first half of SHA-256(realm digest key ‖ NUL ‖ kind ‖ length-prefixed parts).
 * Token text holds no NUL, so no chosen text has another target's key as its digest.
 *
 * A string, because V8 stores it in 16 bytes and hashing text to text is the cheapest way to make it.
 */
export type IndexKey = Brand<string, 'IndexKey'>

const KEY_CHARS = 16
/** Kind bytes, all below 128 so that each is one byte of UTF-8. Never reuse one. */
const KIND = { handle: 1, foreign: 2, grant: 3, session: 4, key: 5, collection: 6 } as const
const CUTOFF_KIND_BASE = 32

/** A token digest serves as its own key: it is already a keyed hash. */
export function digestKeyOf(digest: TokenDigest): IndexKey {
  return Buffer.from(digest, 'base64url').toString('latin1', 0, KEY_CHARS) as IndexKey
}

export function handleKeyOf(digestKey: string, source: string, handle: string): IndexKey {
  return keyOf(digestKey, KIND.handle, prefixed(source) + handle)
}

export function foreignKeyOf(digestKey: string, issuer: string, jti: string): IndexKey {
  return keyOf(digestKey, KIND.foreign, prefixed(issuer) + jti)
}

export function grantKeyOf(digestKey: string, source: string, grant: string): IndexKey {
  return keyOf(digestKey, KIND.grant, prefixed(source) + grant)
}

export function sessionKeyOf(digestKey: string, source: string, session: string): IndexKey {
  return keyOf(digestKey, KIND.session, prefixed(source) + session)
}

export function signingKeyOf(digestKey: string, keyId: string): IndexKey {
  return keyOf(digestKey, KIND.key, prefixed('') + keyId)
}

/** Names no token: a write may depend on all records of a collection, such as those that decide how long rules are kept. */
export function collectionKeyOf(digestKey: string, collection: string): IndexKey {
  return keyOf(digestKey, KIND.collection, prefixed('') + collection)
}

/** @returns the keys under which an exact target is ended. A token has two: by its text and by its handle. */
export function keysOfExact(digestKey: string, target: ExactTarget): readonly IndexKey[] {
  switch (target.kind) {
    case 'token':
      return [digestKeyOf(target.digest), handleKeyOf(digestKey, target.source, target.handle)]
    case 'foreign':
      return [foreignKeyOf(digestKey, target.issuer, target.jti)]
    case 'grant':
      return [grantKeyOf(digestKey, target.source, target.grant)]
    case 'session':
      return [sessionKeyOf(digestKey, target.source, target.session)]
    case 'key':
      return [signingKeyOf(digestKey, target.keyId)]
    default:
      return unreachable(target)
  }
}

/** @returns undefined when the principals lack what the shape names: such a cutoff cannot hit them. */
export function cutoffKeyOf(digestKey: string, shape: CutoffShape, of: Principals): IndexKey | undefined {
  const kind = CUTOFF_KIND_BASE + CUTOFF_SHAPE_CODE[shape]
  switch (shape) {
    case 'realm':
      return keyOf(digestKey, kind, prefixed(''))
    case 'source':
      return keyOf(digestKey, kind, prefixed(of.source))
    case 'tenant':
      return of.tenant === undefined ? undefined : keyOf(digestKey, kind, prefixed(of.source) + of.tenant)
    case 'subject':
      return of.subject === undefined ? undefined : keyOf(digestKey, kind, prefixed(of.source) + of.subject)
    case 'client':
      return of.client === undefined ? undefined : keyOf(digestKey, kind, prefixed(of.source) + of.client)
    case 'subject+client':
      return keyOfPair(digestKey, kind, [of.source, of.subject, of.client])
    case 'subject+tenant':
      return keyOfPair(digestKey, kind, [of.source, of.subject, of.tenant])
    case 'tenant+client':
      return keyOfPair(digestKey, kind, [of.source, of.tenant, of.client])
    default:
      return unreachable(shape)
  }
}

type Pair = readonly [source: string, first: string | undefined, second: string | undefined]

function keyOfPair(digestKey: string, kind: number, [source, first, second]: Pair): IndexKey | undefined {
  if (first === undefined || second === undefined) return undefined
  return keyOf(digestKey, kind, prefixed(source) + prefixed(first) + second)
}

function keyOf(digestKey: string, kind: number, parts: string): IndexKey {
  return sha256Latin1(`${digestKey}\0${String.fromCharCode(kind)}${parts}`).slice(0, KEY_CHARS) as IndexKey
}

/** Length first, so that different lists of parts never make the same bytes. */
function prefixed(part: string): string {
  return `${Buffer.byteLength(part)}:${part}`
}
