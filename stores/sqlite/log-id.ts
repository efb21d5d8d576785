import { type RealmOrdinal, realmOrdinal } from '@rescind/core'

/** The ids of one realm's log lie between two multiples of this. */
const SPAN = 2 ** 40

export function logId(realm: RealmOrdinal, seq: number): number {
  return realm * SPAN + seq
}

export function seqOfLogId(id: number): number {
  return id % SPAN
}

export function realmOfLogId(id: number): RealmOrdinal {
  return realmOrdinal(Math.floor(id / SPAN))
}
