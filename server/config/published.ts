import { type Realm, SettingsRefused } from '@rescind/core'
import { CHAT_APPS } from '@rescind/dialects'
import type { Seed } from '../seed/schema.ts'
import type { Config } from './config.ts'

/** What the secrets of the quick start begin with: everybody can read them. */
const PUBLISHED = 'NOT-A-SECRET-'
/** The key by which a store that was made by the quick start is known. */
const PUBLISHED_API_KEY = `${PUBLISHED}chat-api-key`

export function seedHasPublished(seed: Seed): boolean {
  return JSON.stringify(seed).includes(`"${PUBLISHED}`)
}

export async function hasPublishedKeys(realm: Realm): Promise<boolean> {
  const key = { name: 'apiKey', value: realm.secretDigest(PUBLISHED_API_KEY) }
  return (await realm.directory.find(CHAT_APPS, key)) !== undefined
}

/**
 * Keys that everybody can read are for trying out on one's own machine.
 * @throws SettingsRefused where others can connect.
 */
export function refusePublished({ allowWeakSecrets, isLoopback, proxies }: Config): void {
  if (allowWeakSecrets || (isLoopback && !proxies.any)) return
  throw new SettingsRefused(
    'seed: these are the keys of the quick start, which everybody can read: make your own, or give --allow-weak-secrets',
  )
}
