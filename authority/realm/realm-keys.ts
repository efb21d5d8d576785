import { type Random, type RealmName, StoreRefused, type TokenRecord } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { seal, subkey, unseal } from '../keys/sealing.ts'
import { KEY_PURPOSES } from '../kinds.ts'

/** A realm's secrets: the key of its digests, and the key that seals its texts. */
export type RealmKeys = {
  /** 43 ASCII characters (256 bits), so that key ‖ text is one string to hash. */
  readonly digestKey: string
  readonly sealKey: Buffer
}

export type MasterKey = { readonly bytes: Buffer }

const KEY_BYTES = 32
const ID_BYTES = 16

/** Names a master key, and tells nothing about it. */
export function masterKeyId({ bytes }: MasterKey): string {
  return subkey(bytes, KEY_PURPOSES.masterKeyId).toString('hex', 0, ID_BYTES)
}

export function makeRealmKeys(random: Random): RealmKeys {
  return { digestKey: random.bytes(KEY_BYTES).toString('base64url'), sealKey: random.bytes(KEY_BYTES) }
}

export type Wrapping = { readonly realm: RealmName; readonly master: MasterKey; readonly random: Random }

/** @returns text that only this master key opens, and only for this realm. */
export function wrapRealmKeys(keys: RealmKeys, { realm, master, random }: Wrapping): string {
  const plain = Buffer.concat([Buffer.from(keys.digestKey, 'ascii'), keys.sealKey])
  const key = subkey(master.bytes, KEY_PURPOSES.realmKeys)
  return seal({ key, associated: `realm-keys:${realm}`, random }, plain).toString('base64url')
}

/** Whether this master key wrapped them. */
export function opensKeys(wrapped: string, realm: RealmName, master: MasterKey): boolean {
  const sealed = Buffer.from(wrapped, 'base64url')
  return unseal(subkey(master.bytes, KEY_PURPOSES.realmKeys), sealed, `realm-keys:${realm}`) !== undefined
}

/** @throws StoreRefused when another master key wrapped them. */
export function unwrapRealmKeys(wrapped: string, realm: RealmName, master: MasterKey): RealmKeys {
  const sealed = Buffer.from(wrapped, 'base64url')
  const plain = unseal(subkey(master.bytes, KEY_PURPOSES.realmKeys), sealed, `realm-keys:${realm}`)
  if (plain === undefined)
    throw new StoreRefused('the master key is not the one that this store was made with')
  const split = plain.length - KEY_BYTES
  return { digestKey: plain.toString('ascii', 0, split), sealKey: plain.subarray(split) }
}

type SealedOf = Pick<TokenRecord, 'handle' | 'digest'>

/** Seals a token's text under a key of its own, bound to its realm, handle and digest. */
export function sealTokenText(of: SealedOf, sealing: Sealing): Buffer {
  const { keys, realm } = sealing
  const key = subkey(keys.sealKey, KEY_PURPOSES.tokenText(of.handle))
  const plain = Buffer.from(sealing.raw.reveal(), 'utf8')
  return seal({ key, associated: associated(realm, of), random: sealing.random }, plain)
}

export type Sealing = {
  readonly keys: RealmKeys
  readonly realm: RealmName
  readonly raw: RawToken
  readonly random: Random
}

/** @returns undefined when the text was not sealed for exactly this record. */
export function unsealTokenText(
  keys: RealmKeys,
  realm: RealmName,
  of: SealedOf & Pick<TokenRecord, 'sealed'>,
): RawToken | undefined {
  if (of.sealed === undefined) return undefined
  const plain = unseal(
    subkey(keys.sealKey, KEY_PURPOSES.tokenText(of.handle)),
    of.sealed,
    associated(realm, of),
  )
  return plain === undefined ? undefined : RawToken.kept(plain.toString('utf8'))
}

function associated(realm: RealmName, of: SealedOf): string {
  return `token-text:${realm}:${of.handle}:${of.digest}`
}
