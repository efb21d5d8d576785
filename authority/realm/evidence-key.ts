import { ContractBroken } from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import { exportPublicJwk, importPrivateJwk, type SigningKey } from '@rescind/core/tokens'
import { ed25519MembersOf } from '../keys/private-keys.ts'
import { subkey } from '../keys/sealing.ts'
import { KEY_PURPOSES } from '../kinds.ts'

export type EvidenceKey = { readonly signing: SigningKey; readonly publicJwk: JsonObject }

const made: WeakMap<Uint8Array, EvidenceKey> = new WeakMap()

/**
 * The key that signs a realm's evidence and nothing else. It is derived from the realm's seal key, so every node has it, and
 * it stays the same over restarts, restores and changes of the master key. Ed25519, whose signatures need no randomness.
 */
export function evidenceKeyOf(sealKey: Uint8Array): EvidenceKey {
  const known = made.get(sealKey)
  if (known !== undefined) return known
  const members = ed25519MembersOf(subkey(sealKey, KEY_PURPOSES.evidence))
  const signing = importPrivateJwk(members, 'EdDSA')
  if (signing === undefined) throw new ContractBroken('a seed of 32 bytes is no Ed25519 key')
  const key = { signing, publicJwk: exportPublicJwk(members, 'EdDSA') }
  made.set(sealKey, key)
  return key
}
