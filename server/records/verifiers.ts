import { type Collection, type Realm, shaped } from '@rescind/authority'

/** A registered consumer of a realm's feed; kept in the system realm. */
export type Verifier = {
  readonly name: string
  readonly realm: string
  readonly keyDigest: string
  /** While the key is rotated: the previous key, which is accepted until it is retired. */
  readonly olderKeyDigest?: string
}

export const VERIFIERS: Collection<Verifier> = {
  name: 'verifiers',
  keys: (value) => liveKeysOf(value).map((digest) => ({ name: 'digest', value: digest })),
  isValue: shaped({ name: 'text', realm: 'text', keyDigest: 'text' }, { olderKeyDigest: 'text' }),
}

export function verifierId(realm: Realm, name: string): string {
  return `${realm.name}/${name}`
}

/** Digests of the accepted keys: one, or two during a rotation. */
export function liveKeysOf({ keyDigest, olderKeyDigest }: Verifier): readonly string[] {
  return olderKeyDigest === undefined ? [keyDigest] : [keyDigest, olderKeyDigest]
}

/** The name in such an id. */
export function verifierName(realm: Pick<Realm, 'name'>, id: string): string {
  return id.slice(realm.name.length + 1)
}
