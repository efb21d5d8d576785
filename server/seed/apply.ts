import {
  type Audit,
  type Collection,
  putRecord,
  type Realm,
  type Realms,
  SettingsRefused,
  StoreUnavailable,
} from '@rescind/core'
import {
  CHAT_APPS,
  chatAppValue,
  IDENTITY_TENANTS,
  IDENTITY_USERS,
  identityTenantValue,
  identityUserValue,
  OAUTH_CLIENTS,
  oauthClientValue,
} from '@rescind/dialects'
import { hashPassword } from '../passwords.ts'
import { VERIFIERS, verifierId } from '../verifiers.ts'
import type { Seed, SeedRealm, SeedSecret, SeedUser } from './schema.ts'

export type SeedParts = {
  readonly realms: Realms
  /** @throws SettingsRefused when the secret is not where the file says. */
  readonly secretText: (secret: SeedSecret) => string
  /** Told of each secret that could be guessed: what it belongs to, never its text. */
  readonly onWeakSecret: (of: string) => void
}

const AUDIT: Audit = { by: 'server', from: 'local', how: 'seed' }
/** Characters below which a secret is called guessable: 16 of base64 are 96 bits. */
const STRONG_CHARS = 16

/**
 * Creates what never existed; leaves what exists, and what was deleted stays deleted. So the same file can be given
 * at every start. @returns how many records it created.
 */
export async function applySeed(parts: SeedParts, seed: Seed): Promise<number> {
  let created = 0
  for (const given of seed.realms) {
    const realm = parts.realms.get(given.name) ?? (await parts.realms.create(given.name, AUDIT))
    created += await seedRealm(parts, realm, given)
  }
  return created
}

async function seedRealm(parts: SeedParts, realm: Realm, given: SeedRealm): Promise<number> {
  const reveal = (secret: SeedSecret, of: string): string => {
    const text = parts.secretText(secret)
    if (text.length < STRONG_CHARS) parts.onWeakSecret(of)
    return text
  }
  let created = 0
  for (const app of given.chatApps) {
    const of = `chat app ${app.name}`
    created += await create(realm, { collection: CHAT_APPS, id: app.name }, () =>
      chatAppValue(realm, { ...app, apiKey: reveal(app.apiKey, of), clientKey: reveal(app.clientKey, of) }),
    )
  }
  for (const client of given.oauthClients) {
    const of = `OAuth client ${client.clientId}`
    created += await create(realm, { collection: OAUTH_CLIENTS, id: client.clientId }, () =>
      oauthClientValue(realm, { ...client, clientSecret: reveal(client.clientSecret, of) }),
    )
  }
  for (const { description, ...tenant } of given.identity.tenants) {
    const value = description === undefined ? tenant : { ...tenant, description }
    created += await create(realm, { collection: IDENTITY_TENANTS, id: tenant.id }, () =>
      identityTenantValue(value),
    )
  }
  for (const user of given.identity.users) created += await seedUser(realm, user, reveal)
  const { system } = parts.realms
  for (const { name, key } of given.verifiers) {
    created += await create(system, { collection: VERIFIERS, id: verifierId(realm, name) }, () => ({
      name,
      realm: realm.name,
      keyDigest: system.secretDigest(reveal(key, `verifier ${name}`)),
    }))
  }
  return created
}

type Reveal = (secret: SeedSecret, of: string) => string

function seedUser(realm: Realm, user: SeedUser, reveal: Reveal): Promise<number> {
  return create(realm, { collection: IDENTITY_USERS, id: user.id }, async () => {
    const { password, apiKey, tenantId, accountId, domainId, ...rest } = user
    const of = `Identity user ${user.username}`
    return identityUserValue(realm, {
      ...rest,
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(accountId === undefined ? {} : { accountId }),
      ...(domainId === undefined ? {} : { domainId }),
      ...(apiKey === undefined ? {} : { apiKey: reveal(apiKey, of) }),
      ...(password === undefined ? {} : { passwordHash: await hashPassword(reveal(password, of)) }),
    })
  })
}

type Named<T> = { readonly collection: Collection<T>; readonly id: string }
type Make<T> = () => T | Promise<T>

/** @throws SettingsRefused when another record has one of its keys already. */
async function create<T>(realm: Realm, { collection, id }: Named<T>, make: Make<T>): Promise<0 | 1> {
  const { version } = await realm.directory.standing(collection, id)
  if (version > 0) return 0
  const outcome = await realm.commit({
    realm: realm.ordinal,
    standsOn: [],
    expects: [],
    operations: putRecord(realm, { collection, id, value: await make(), fromVersion: 0 }, AUDIT),
  })
  if (outcome.kind === 'applied') return 1
  if (outcome.kind === 'conflict' && outcome.what === 'key-taken') {
    throw new SettingsRefused(`seed: ${collection.name} "${id}" uses a name or key that another one has`)
  }
  throw new StoreUnavailable(`seed: ${collection.name} "${id}" could not be written`)
}
