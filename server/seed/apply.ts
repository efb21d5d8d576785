import {
  changePrefixes,
  type Prefixes,
  type Realm,
  type Realms,
  TOKEN_PREFIXES,
  TOKEN_PREFIXES_ID,
} from '@rescind/authority'
import { SettingsRefused, StoreUnavailable } from '@rescind/core'
import { profileOf } from '../records/profile-schema.ts'
import { CHECK_PROFILES } from '../records/profiles.ts'
import { VERIFIERS, verifierId } from '../records/verifiers.ts'
import { createAll, plan, SEED_AUDIT } from './create.ts'
import type { SeedPart, SeedSecret, SeedTools } from './parts.ts'
import type { Seed, SeedRealm } from './schema.ts'

export type SeedParts = {
  readonly realms: Realms
  /** What the dialects can create, in this order. */
  readonly parts: readonly SeedPart[]
  /** @throws SettingsRefused when the secret is not where the file says. */
  readonly secretText: (secret: SeedSecret) => string
  /** Called for each guessable secret with its owner, never with its text. */
  readonly onWeakSecret: (of: string) => void
  readonly hashPassword: (password: string) => Promise<string>
}

/** Secrets shorter than this are called guessable: 16 characters of base64 are 96 bits. */
const STRONG_CHARS = 16

/**
 * Creates records that never existed. Existing records stay as they are, and deleted ones stay deleted, so the same
 * file can be used at every start. @returns how many records it created.
 */
export async function applySeed(parts: SeedParts, seed: Seed): Promise<number> {
  let created = 0
  for (const given of seed.realms) {
    // The contents of this realm are unreadable, so it is left as it is; the other realms are seeded.
    if (parts.realms.whyNot(given.name) !== undefined) continue
    // A realm that was disabled or deleted stays as it is, too.
    if (parts.realms.isKnown(given.name) && !parts.realms.isServed(given.name)) continue
    if (!parts.realms.isKnown(given.name)) await parts.realms.make(given.name, SEED_AUDIT)
    // The realm only has to exist, so it is not opened.
    if (isEmpty(given)) continue
    const realm = await parts.realms.get(given.name)
    if (realm === undefined) continue
    created += await seedRealm(parts, realm, given)
  }
  return created
}

/** Whether the file gives a realm without any contents. */
function isEmpty({ name: _name, ...given }: SeedRealm): boolean {
  return isNothing(given)
}

function isNothing(value: unknown): boolean {
  if (value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.values(value).every(isNothing)
}

async function seedRealm(parts: SeedParts, realm: Realm, given: SeedRealm): Promise<number> {
  const reveal = (secret: SeedSecret, of: string): string => {
    const text = parts.secretText(secret)
    if (text.length < STRONG_CHARS) parts.onWeakSecret(of)
    return text
  }
  // First, so that refused prefixes leave nothing behind.
  let created: number = await seedPrefixes(realm, given.tokenPrefixes)
  const tools: SeedTools = { reveal, hashPassword: parts.hashPassword }
  // Each part gets the members that its own schema has checked.
  for (const part of parts.parts) created += await part.create(realm, given as never, tools)
  created += await createAll(realm, given.checkProfiles, (profile) =>
    plan({ collection: CHECK_PROFILES, id: profile.name }, () => profileOf(profile)),
  )
  const { system } = parts.realms
  created += await createAll(system, given.verifiers, ({ name, key }) =>
    plan({ collection: VERIFIERS, id: verifierId(realm, name) }, () => ({
      name,
      realm: realm.name,
      keyDigest: system.secretDigest(reveal(key, `verifier ${name}`)),
    })),
  )
  return created
}

/** @throws SettingsRefused for prefixes that are not allowed. */
async function seedPrefixes(realm: Realm, given: SeedRealm['tokenPrefixes']): Promise<0 | 1> {
  if (given === undefined) return 0
  const { version } = await realm.directory.state(TOKEN_PREFIXES, TOKEN_PREFIXES_ID)
  if (version > 0) return 0
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  // The schema has checked the names; only undefined members were dropped.
  const change = await changePrefixes(realm, Object.fromEntries(named) as Partial<Prefixes>, {
    audit: SEED_AUDIT,
  })
  if (change.kind === 'refused') throw new SettingsRefused(`seed: tokenPrefixes: ${change.why}`)
  if (change.kind === 'stale') throw new StoreUnavailable('seed: tokenPrefixes could not be written')
  return 1
}
