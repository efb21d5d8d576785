import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Random } from '@rescind/core'
import type { KeyPurpose } from '../kinds.ts'

const GCM_NONCE_BYTES = 12
const GCM_TAG_BYTES = 16
const KEY_BYTES = 32

/** The inputs of sealing: the key, the context (needed again to open), and the source of nonces. */
export type SealWith = { readonly key: Uint8Array; readonly associated: string; readonly random: Random }

/** AES-256-GCM; the result is nonce ‖ tag ‖ ciphertext. */
export function seal({ key, associated, random }: SealWith, plain: Uint8Array): Buffer {
  const nonce = random.bytes(GCM_NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(associated, 'utf8'))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** @returns undefined when the bytes were sealed with another key or other associated data. */
export function unseal(key: Uint8Array, sealed: Uint8Array, associated: string): Buffer | undefined {
  if (sealed.length < GCM_NONCE_BYTES + GCM_TAG_BYTES) return undefined
  const nonce = sealed.subarray(0, GCM_NONCE_BYTES)
  const tag = sealed.subarray(GCM_NONCE_BYTES, GCM_NONCE_BYTES + GCM_TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES })
  decipher.setAAD(Buffer.from(associated, 'utf8'))
  decipher.setAuthTag(tag)
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(GCM_NONCE_BYTES + GCM_TAG_BYTES)),
      decipher.final(),
    ])
  } catch {
    // node:crypto throws for a wrong tag; here that is an answer ("not ours"), not an outage.
    return undefined
  }
}

/** HKDF-SHA-256 without salt, because the input keys are uniformly random (RFC 5869 §3.1). */
export function subkey(key: Uint8Array, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), purpose, KEY_BYTES))
}
