import type { Realms, Store } from '@rescind/authority'
import { DEFAULT_REALM, SettingsRefused } from '@rescind/core'
import { CHAT_APPS } from '@rescind/dialects'
import type { Config } from '../config/config.ts'
import { writtenSecrets } from '../seed/read.ts'
import type { Seed } from '../seed/schema.ts'

/** The prefix of the quick start's secrets, which are public. */
const PUBLISHED = 'NOT-A-SECRET-'
/** The key that marks a store as made by the quick start. */
const PUBLISHED_API_KEY = `${PUBLISHED}chat-api-key`

export function seedHasPublished(seed: Seed): boolean {
  return JSON.stringify(seed).includes(`"${PUBLISHED}`)
}

/** Whether the file of this seed tells its readers a secret: one in clear that is not public anyway. */
export function tellsSecrets(seed: Seed): boolean {
  for (const text of writtenSecrets(seed)) if (!text.startsWith(PUBLISHED)) return true
  return false
}

/** Looks only whether the record exists. This version may be unable to read the record, or its whole realm. */
export async function hasPublishedKeys(realms: Realms, store: Store): Promise<boolean> {
  const realm = realms.all().find(({ name }) => name === DEFAULT_REALM)
  if (realm === undefined) return false
  const key = { name: 'apiKey', value: realm.secretDigest(PUBLISHED_API_KEY) }
  return (await store.recordByKey(realm.ordinal, { collection: CHAT_APPS.name, ...key })) !== undefined
}

/**
 * Public keys are for trying the server out on one's own machine.
 * @throws SettingsRefused where others can connect.
 */
export function refusePublished({ allowWeakSecrets, listen, behindProxy }: Config): void {
  if (allowWeakSecrets || (listen.isLoopback && behindProxy?.any !== true)) return
  throw new SettingsRefused(
    'seed: these are the keys of the quick start, which everybody can read: make your own, or give --allow-weak-secrets',
  )
}
