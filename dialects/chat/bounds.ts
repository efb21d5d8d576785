import type { Realm } from '@rescind/authority'

/** Bounds of everything here that can grow, each with a defined answer when it is reached. */
export type ChatBounds = {
  /** Clients that one listing may read; beyond that 413. */
  readonly clientsScannedMax: number
  /** Requests to the verify URL of one app at once, which may be slow; beyond that 503. */
  readonly externalPerAppMax: number
  /** Of these, requests for callers who have only the public client key: in all, and per address. */
  readonly externalPublicMax: number
  readonly externalPerAddressMax: number
  /** Open streams per app and in all; beyond either 429. */
  readonly streamsPerAppMax: number
  readonly streamsMax: number
}

export const CHAT_BOUNDS: ChatBounds = {
  clientsScannedMax: 1_000_000,
  externalPerAppMax: 16,
  externalPublicMax: 12,
  externalPerAddressMax: 4,
  streamsPerAppMax: 64,
  streamsMax: 1_024,
}

/** Identifies an app among all realms. */
export function appKey(realm: Realm, app: string): string {
  return `${realm.ordinal}/${app}`
}
