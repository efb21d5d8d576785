import type {
  ConflictWhat,
  ExpiringEntry,
  NewRecord,
  Operation,
  Write,
  WriteOutcome,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { conflict } from './samples.ts'

type Filed = Omit<NewRecord, 'fromVersion' | 'body'> & { readonly version: number; readonly body?: string }

/** A realm as plain lists, simple enough to be obviously right; every store must behave like it. */
export type NaiveRealm = {
  readonly tokens: readonly TokenRecord[]
  readonly consumed: readonly (readonly [handle: string, sealed: Uint8Array | undefined])[]
  readonly tombstones: readonly string[]
  readonly records: readonly Filed[]
  readonly expiring: readonly ExpiringEntry[]
  readonly rows: readonly Extract<Operation, { kind: 'append' }>[]
}

export const EMPTY: NaiveRealm = {
  tokens: [],
  consumed: [],
  tombstones: [],
  records: [],
  expiring: [],
  rows: [],
}

/** Applies all of a write or nothing. Lists are never changed, so undoing means keeping the old ones. */
export function applyNaively(before: NaiveRealm, write: Write): readonly [NaiveRealm, WriteOutcome] {
  const met = write.expects.every(({ id, version }) => versionOf(before, id) === version)
  if (!met) return [before, conflict('record-changed')]
  let realm = before
  for (const operation of write.operations) {
    const next = step(realm, operation)
    if (typeof next === 'string') return [before, conflict(next)]
    realm = next
  }
  const rows = realm.rows.length - before.rows.length
  const firstSeq = rows > 0 ? before.rows.length + 1 : realm.rows.length
  return [realm, { kind: 'applied', firstSeq }]
}

function step(realm: NaiveRealm, operation: Operation): NaiveRealm | ConflictWhat {
  switch (operation.kind) {
    case 'append':
      return { ...realm, rows: [...realm.rows, operation] }
    case 'put-token': {
      const { record } = operation
      const known = realm.tokens.some(
        ({ digest, handle }) => digest === record.digest || handle === record.handle,
      )
      return known ? 'token-exists' : { ...realm, tokens: [...realm.tokens, record] }
    }
    case 'extend-token': {
      const { digest, expiresAtMs, atMs } = operation
      if (!realm.tokens.some((token) => token.digest === digest)) return 'token-missing'
      const extended = (token: TokenRecord): TokenRecord =>
        token.digest === digest ? { ...token, expiresAtMs, extendedAtMs: atMs } : token
      return { ...realm, tokens: realm.tokens.map(extended) }
    }
    case 'consume': {
      if (realm.consumed.some(([handle]) => handle === operation.handle)) return 'consumed'
      return { ...realm, consumed: [...realm.consumed, [operation.handle, operation.sealed]] }
    }
    case 'put-expiring': {
      const { entry, unlessAliveAtMs = Number.POSITIVE_INFINITY } = operation
      const known = realm.expiring.find(({ id }) => id === entry.id)
      if (known !== undefined && known.expiresAtMs > unlessAliveAtMs) return 'expiring-exists'
      return { ...realm, expiring: [...realm.expiring.filter((other) => other !== known), entry] }
    }
    case 'drop-expiring': {
      const { entry, ifExpiresAtMs } = operation
      const isIt = ({ id, expiresAtMs }: ExpiringEntry): boolean =>
        id === entry.id && (ifExpiresAtMs === undefined || ifExpiresAtMs === expiresAtMs)
      return { ...realm, expiring: realm.expiring.filter((one) => !isIt(one)) }
    }
    case 'forget-audit':
    case 'trim-log':
      // Neither rows nor the chain change; trims have their own clauses.
      return realm
    case 'forget-token':
      return forgotten(realm, operation.token)
    case 'put-record':
      return filed(realm, operation.record)
    case 'delete-record': {
      const { id, fromVersion } = operation
      const known = realm.records.find((record) => record.id === id)
      if (known?.body === undefined || known.version !== fromVersion) return 'record-changed'
      const { collection } = operation
      return withRecord(realm, { collection, id, version: fromVersion + 1, keys: [] })
    }
  }
}

type Forgotten = Extract<Operation, { kind: 'forget-token' }>['token']

function forgotten(realm: NaiveRealm, { digest, handle, tombstone }: Forgotten): NaiveRealm | ConflictWhat {
  const isIt = (token: TokenRecord): boolean => token.digest === digest && token.handle === handle
  if (!realm.tokens.some(isIt)) return 'token-missing'
  return {
    ...realm,
    tokens: realm.tokens.filter((token) => !isIt(token)),
    consumed: realm.consumed.filter(([used]) => used !== handle),
    tombstones: tombstone ? [...realm.tombstones, digest] : realm.tombstones,
  }
}

function filed(realm: NaiveRealm, { collection, id, fromVersion, body, keys, lists = [] }: NewRecord) {
  if (versionOf(realm, id) !== fromVersion) return 'record-changed'
  const taken = realm.records.some(
    (other) => other.id !== id && other.keys.some(({ value }) => keys.some((key) => key.value === value)),
  )
  if (taken) return 'key-taken'
  return withRecord(realm, { collection, id, version: fromVersion + 1, body, keys, lists })
}

function withRecord(realm: NaiveRealm, record: Filed): NaiveRealm {
  return { ...realm, records: [...realm.records.filter(({ id }) => id !== record.id), record] }
}

function versionOf(realm: NaiveRealm, id: string): number {
  return realm.records.find((record) => record.id === id)?.version ?? 0
}
