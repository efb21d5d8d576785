import type { Realm } from '@rescind/authority'

/** Everything here that can grow; each has a defined answer when it is full. */
export type ChatBounds = {
  /** Clients that one listing looks at; past it 413. */
  readonly clientsScannedMax: number
  /** Tokens that the verify URL of one app is being asked about; past it 503. Verify URLs may be slow. */
  readonly externalPerAppMax: number
  /** Of these, for callers with the public client key alone: all of them, and those of one address. */
  readonly externalPublicMax: number
  readonly externalPerAddressMax: number
  /** Open streams of one app, and of all; past either 429. */
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

/** Names one app among all realms. */
export function appKey(realm: Realm, app: string): string {
  return `${realm.ordinal}/${app}`
}
