import { type IdentitySeal, KEY_PURPOSES, type Realm, seal, subkey, unseal } from '@rescind/authority'

/** What a text is sealed as, and for whom. It cannot be unsealed with another purpose. */
export type SealPurpose = { readonly label: IdentitySeal; readonly id: string }

/** AES-256-GCM under a separate key per purpose, base64url. */
export function sealText(realm: Realm, purpose: SealPurpose, text: string): string {
  const sealing = { key: keyOf(realm, purpose), associated: labelOf(realm, purpose), random: realm.random }
  return seal(sealing, Buffer.from(text, 'utf8')).toString('base64url')
}

/** @returns undefined when the text was sealed for another purpose. */
export function unsealText(realm: Realm, purpose: SealPurpose, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  return unseal(keyOf(realm, purpose), bytes, labelOf(realm, purpose))?.toString('utf8')
}

function keyOf(realm: Realm, { label, id }: SealPurpose): Buffer {
  return subkey(realm.keys.sealKey, KEY_PURPOSES.identityText(label, id))
}

function labelOf(realm: Realm, { label, id }: SealPurpose): string {
  return `${label}:${realm.name}:${id}`
}
