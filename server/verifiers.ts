import { type Collection, type Realm, shaped } from '@rescind/core'

/** A registered consumer of a realm's feed; kept in the system realm. */
export type Verifier = { readonly name: string; readonly realm: string; readonly keyDigest: string }

export const VERIFIERS: Collection<Verifier> = {
  name: 'verifiers',
  keys: ({ keyDigest }) => [{ name: 'digest', value: keyDigest }],
  isValue: shaped({ name: 'text', realm: 'text', keyDigest: 'text' }),
}

export function verifierId(realm: Realm, name: string): string {
  return `${realm.name}/${name}`
}
