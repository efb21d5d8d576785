import {
  type ClientTokensAsk,
  type Consumption,
  type DirectoryRecord,
  type ExpiredToken,
  type Group,
  type GroupOutcome,
  type Handle,
  type LogHead,
  type LogRow,
  type RealmOrdinal,
  type RecordKeyAsk,
  type RecordPage,
  type RecordsAsk,
  type Store,
  type TokenDigest,
  type TokenPage,
  type TokenRecord,
} from '@rescind/core'
import { applyUnit } from './apply.ts'
import { emptyRealm, type RealmMemory, recordKey } from './realm-memory.ts'

/** A store that forgets when the process ends: for tests and for trying things out. Nothing in it is durable. */
export class MemoryStore implements Store {
  readonly #realms: Map<RealmOrdinal, RealmMemory> = new Map()
  #floorMs: number

  constructor(floorMs: number) {
    this.#floorMs = floorMs
  }

  get floorMs(): number {
    return this.#floorMs
  }

  async commit(group: Group): Promise<GroupOutcome> {
    this.#floorMs = Math.max(this.#floorMs, group.floorMs)
    const heads = new Map<RealmOrdinal, LogHead>()
    const outcomes = group.units.map((unit) => {
      const realm = this.#realm(unit.realm)
      const outcome = applyUnit(realm, unit)
      heads.set(unit.realm, realm.head)
      return outcome
    })
    return { outcomes, heads }
  }

  async reopen(): Promise<void> {}

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): TokenRecord | undefined {
    return this.#realm(realm).tokens.get(digest)
  }

  tokenByHandle(realm: RealmOrdinal, handle: Handle): TokenRecord | undefined {
    const { byHandle, tokens } = this.#realm(realm)
    const digest = byHandle.get(handle)
    return digest === undefined ? undefined : tokens.get(digest)
  }

  async tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage> {
    const { tokens, places } = this.#realm(realm)
    const placed = [...tokens.values()]
      .filter(({ source, client }) => source === ask.source && client === ask.client)
      .map((record) => ({ record, place: places.get(record.digest) ?? 0 }))
      .filter(({ place }) => place > (ask.after ?? 0))
      .sort((left, right) => left.place - right.place)
    const page = placed.slice(0, ask.limit)
    const records = page.map(({ record }) => record)
    return { records, next: page.length < placed.length ? page.at(-1)?.place : undefined }
  }

  consumption(realm: RealmOrdinal, handle: Handle): Consumption | undefined {
    const { consumed } = this.#realm(realm)
    return consumed.has(handle) ? { handle, sealed: consumed.get(handle) } : undefined
  }

  isTombstone(realm: RealmOrdinal, digest: TokenDigest): boolean {
    return this.#realm(realm).tombstones.has(digest)
  }

  record(realm: RealmOrdinal, collection: string, id: string): DirectoryRecord | undefined {
    return this.#realm(realm).records.get(recordKey(collection, id))
  }

  recordByKey(realm: RealmOrdinal, ask: RecordKeyAsk): DirectoryRecord | undefined {
    for (const record of this.#realm(realm).records.values()) {
      const { collection, keys } = record
      if (
        collection === ask.collection &&
        keys.some((key) => key.name === ask.name && key.value === ask.value)
      ) {
        return record
      }
    }
    return undefined
  }

  async records(realm: RealmOrdinal, ask: RecordsAsk): Promise<RecordPage> {
    const live = [...this.#realm(realm).records.values()]
      .filter(
        ({ collection, body, id }) =>
          collection === ask.collection && body !== undefined && id > (ask.after ?? ''),
      )
      .sort((left, right) => (left.id < right.id ? -1 : 1))
    const records = live.slice(0, ask.limit)
    return { records, next: records.length < live.length ? records.at(-1)?.id : undefined }
  }

  async head(realm: RealmOrdinal): Promise<LogHead> {
    return this.#realm(realm).head
  }

  async rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    return this.#realm(realm).rows.slice(after, after + limit)
  }

  async expiredTokens(belowMs: number, limit: number): Promise<readonly ExpiredToken[]> {
    const expired: ExpiredToken[] = []
    for (const [realm, { tokens }] of this.#realms) {
      for (const record of tokens.values()) if (record.expiresAtMs <= belowMs) expired.push({ realm, record })
    }
    return expired.slice(0, limit)
  }

  async close(): Promise<void> {}

  #realm(ordinal: RealmOrdinal): RealmMemory {
    const found = this.#realms.get(ordinal)
    if (found !== undefined) return found
    const made = emptyRealm()
    this.#realms.set(ordinal, made)
    return made
  }
}
