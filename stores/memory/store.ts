import {
  type ChainChecked,
  type ClientTokensAsk,
  type Consumption,
  type DirectoryRecord,
  type EndingAsk,
  type EndingPage,
  type ExpiredEntry,
  type ExpiredToken,
  type ExpiringAsk,
  type ExpiringEntry,
  type ExpiringName,
  type ExpiringPage,
  type Group,
  type GroupOutcome,
  type KeyedReads,
  LogCheck,
  type LogHead,
  type NamedTokensAsk,
  type RecordPage,
  type RecordsAsk,
  type RecordsCounted,
  type RecordsCountedAsk,
  type RecordsListedAsk,
  type Store,
  type TokenPage,
  type TokensAsk,
  type TombstonesAsk,
} from '@rescind/authority'
import { bearsNames } from '@rescind/authority/names'
import {
  type Handle,
  isSought,
  type RealmOrdinal,
  type Source,
  type TokenDigest,
  type TokenRecord,
} from '@rescind/core'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import { Watches } from '../watches.ts'
import { applyWrite } from './apply.ts'
import { emptyRealm, type FiledRecord, type RealmMemory, recordKey, uniqueKey } from './realm-memory.ts'

/** A store that forgets everything when the process ends, for tests and trials. */
export class MemoryStore implements Store {
  readonly isShared = false
  readonly nodes = undefined
  readonly sweep = undefined
  readonly #realms: Map<RealmOrdinal, RealmMemory> = new Map()
  readonly #keyed: KeyedReads = keyedIn((realm) => this.#realm(realm))
  readonly #watches: Watches = new Watches(this)
  #floorMs: number

  constructor(floorMs: number) {
    this.#floorMs = floorMs
  }

  get urgent(): this {
    return this
  }

  async floor(): Promise<number> {
    return this.#floorMs
  }

  async commit(group: Group): Promise<GroupOutcome> {
    this.#floorMs = Math.max(this.#floorMs, group.floorMs)
    const heads = new Map<RealmOrdinal, LogHead>()
    const outcomes = group.writes.map((write) => {
      const realm = this.#realm(write.realm)
      const outcome = applyWrite(realm, write)
      heads.set(write.realm, realm.head)
      return outcome
    })
    for (const realm of heads.keys()) this.#watches.moved(realm)
    return { outcomes, heads }
  }

  watch(...ask: Parameters<Store['watch']>): () => void {
    return this.#watches.begin(...ask)
  }

  async reopen(): Promise<void> {}

  async highestExpiries(realm: RealmOrdinal): Promise<ReadonlyMap<Source, number>> {
    return new Map(this.#realm(realm).highest)
  }

  get keyed(): KeyedReads | undefined {
    return this.#keyed
  }

  async tokenByDigest(...ask: Parameters<Store['tokenByDigest']>): Promise<TokenRecord | undefined> {
    return this.#keyed.tokenByDigest(...ask)
  }

  async tokenByHandle(...ask: Parameters<Store['tokenByHandle']>): Promise<TokenRecord | undefined> {
    return this.#keyed.tokenByHandle(...ask)
  }

  async tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage> {
    return tokensIn(
      this.#realm(realm),
      ask,
      ({ source, client }) => source === ask.source && client === ask.client,
    )
  }

  async tokens(realm: RealmOrdinal, { after, limit, ...sought }: TokensAsk): Promise<TokenPage> {
    return tokensIn(this.#realm(realm), { after, limit }, (record) => isSought(record, sought))
  }

  async tokensNamed(realm: RealmOrdinal, { after, limit, ...sought }: NamedTokensAsk): Promise<TokenPage> {
    return tokensIn(this.#realm(realm), { after, limit }, (record) => bearsNames(record, sought))
  }

  async consumption(...ask: Parameters<Store['consumption']>): Promise<Consumption | undefined> {
    return this.#keyed.consumption(...ask)
  }

  async consumed(realm: RealmOrdinal, handles: readonly Handle[]): Promise<ReadonlySet<string>> {
    const { consumed } = this.#realm(realm)
    return new Set(handles.filter((handle) => consumed.has(handle)))
  }

  async isTombstone(realm: RealmOrdinal, digest: TokenDigest): Promise<boolean> {
    return this.#realm(realm).tombstones.has(digest)
  }

  async tombstones(realm: RealmOrdinal, { source, limit }: TombstonesAsk): Promise<number> {
    let count = 0
    for (const of of this.#realm(realm).tombstones.values()) if (of === source && count < limit) count += 1
    return count
  }

  async record(...ask: Parameters<Store['record']>): Promise<DirectoryRecord | undefined> {
    return this.#keyed.record(...ask)
  }

  async recordByKey(...ask: Parameters<Store['recordByKey']>): Promise<DirectoryRecord | undefined> {
    return this.#keyed.recordByKey(...ask)
  }

  async recordsCounted(realm: RealmOrdinal, ask: RecordsCountedAsk): Promise<RecordsCounted> {
    const { below, ...rest } = ask
    const { records } = pageOf(this.#realm(realm).records.values(), rest, ({ id }) => id < below)
    return { count: records.length, last: records.at(-1)?.id }
  }

  async recordsListed(realm: RealmOrdinal, ask: RecordsListedAsk): Promise<RecordPage> {
    const { records } = this.#realm(realm)
    return pageOf(records.values(), ask, ({ lists }) =>
      lists.some(({ name, value }) => name === ask.name && value === ask.value),
    )
  }

  async expiring(realm: RealmOrdinal, { kind, id }: ExpiringName): Promise<ExpiringEntry | undefined> {
    return this.#realm(realm).expiring.get(recordKey(kind, id))
  }

  async expiringPage(realm: RealmOrdinal, { kind, after, limit }: ExpiringAsk): Promise<ExpiringPage> {
    const found = [...this.#realm(realm).expiring.values()]
      .filter((entry) => entry.kind === kind && entry.id > (after ?? ''))
      .sort((left, right) => (left.id < right.id ? -1 : 1))
    const entries = found.slice(0, limit)
    return { entries, next: entries.length < found.length ? entries.at(-1)?.id : undefined }
  }

  async expiredEntries(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredEntry[]> {
    const expired: Placed<Omit<ExpiredEntry, 'place'>>[] = []
    for (const [realm, { expiring: entries }] of this.#realms) {
      for (const entry of entries.values())
        if (entry.expiresAtMs <= belowMs)
          expired.push({ realm, entry, at: [entry.expiresAtMs, realm, entry.kind, entry.id] })
    }
    return pageAfter(expired, after, limit)
  }

  async records(realm: RealmOrdinal, ask: RecordsAsk): Promise<RecordPage> {
    return pageOf(this.#realm(realm).records.values(), ask, () => true)
  }

  async head(realm: RealmOrdinal): Promise<LogHead> {
    return this.#realm(realm).head
  }

  async anchor(realm: RealmOrdinal): Promise<LogHead> {
    return this.#realm(realm).anchor
  }

  async keptRows(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    const rows = [...this.#realm(realm).kept.values()].filter(({ seq }) => seq > after)
    return rows.sort((left, right) => left.seq - right.seq).slice(0, limit)
  }

  async rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    return rowsOf(this.#realm(realm), after, limit)
  }

  async checkRows(realm: RealmOrdinal, after: number, limit: number): Promise<ChainChecked> {
    const { anchor, rows } = this.#realm(realm)
    const before = rows.find(({ seq }) => seq === after)
    const from = after === anchor.seq ? anchor : before
    if (from === undefined) return { through: after, fault: { seq: after, what: 'missing' } }
    const check = new LogCheck([], from)
    for (const row of rowsOf(this.#realm(realm), after, limit)) {
      const fault = check.accept(row)
      if (fault !== undefined) return { through: check.seq, fault }
    }
    return { through: check.seq }
  }

  async chainedRowsAfter(
    realm: RealmOrdinal,
    after: number,
    limit: number,
  ): Promise<readonly ChainedLogRow[]> {
    return rowsOf(this.#realm(realm), after, limit)
  }

  async expiredTokens(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredToken[]> {
    const expired: Placed<Omit<ExpiredToken, 'place'>>[] = []
    for (const [realm, { tokens, numbers }] of this.#realms) {
      for (const record of tokens.values()) {
        const { digest, expiresAtMs } = record
        if (expiresAtMs <= belowMs)
          expired.push({ realm, record, digest, at: [expiresAtMs, realm, numbers.get(digest) ?? 0] })
      }
    }
    return pageAfter(expired, after, limit)
  }

  async tokensEnding(
    realm: RealmOrdinal,
    { sources, after, untilMs, limit }: EndingAsk,
  ): Promise<EndingPage> {
    const { tokens, numbers } = this.#realm(realm)
    const { endMs, key } = after
    const looked = [...tokens.values()]
      .map((record) => ({ record, at: record.expiresAtMs, number: numbers.get(record.digest) ?? 0 }))
      .filter(({ at, number }) => at > endMs || (at === endMs && key !== undefined && number > Number(key)))
      .filter(({ at }) => at <= untilMs)
      .sort((left, right) => left.at - right.at || left.number - right.number)
    const page = looked.slice(0, limit)
    const last = page.at(-1)
    const next =
      last === undefined || page.length === looked.length
        ? undefined
        : { endMs: last.at, key: String(last.number) }
    return {
      records: page.map(({ record }) => record).filter(({ source }) => sources.includes(source)),
      next,
    }
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

function keyedIn(memoryOf: (realm: RealmOrdinal) => RealmMemory): KeyedReads {
  return {
    tokenByDigest: (realm, digest) => memoryOf(realm).tokens.get(digest),
    tokenByHandle(realm, handle) {
      const { byHandle, tokens } = memoryOf(realm)
      const digest = byHandle.get(handle)
      return digest === undefined ? undefined : tokens.get(digest)
    },
    consumption(realm, handle) {
      const { consumed } = memoryOf(realm)
      return consumed.has(handle) ? { handle, sealed: consumed.get(handle) } : undefined
    },
    record: (realm, collection, id) => memoryOf(realm).records.get(recordKey(collection, id)),
    recordByKey(realm, ask) {
      const { owners, records } = memoryOf(realm)
      const at = owners.get(uniqueKey(ask.collection, ask))
      return at === undefined ? undefined : records.get(at)
    },
  }
}

/** A page of matching tokens, in commit order. */
function tokensIn(
  { tokens, numbers }: RealmMemory,
  { after = 0, limit }: Pick<TokensAsk, 'after' | 'limit'>,
  isMeant: (record: TokenRecord) => boolean,
): TokenPage {
  const found: { readonly record: TokenRecord; readonly number: number }[] = []
  for (const [digest, number] of numbers) {
    if (number <= after) continue
    const record = tokens.get(digest)
    if (record !== undefined && isMeant(record)) found.push({ record, number })
  }
  found.sort((left, right) => left.number - right.number)
  const page = found.slice(0, limit)
  const records = page.map(({ record }) => record)
  return { records, next: page.length < found.length ? page.at(-1)?.number : undefined }
}

function pageOf(
  records: Iterable<FiledRecord>,
  ask: RecordsAsk,
  fits: (record: FiledRecord) => boolean,
): RecordPage {
  const live = [...records]
    .filter(
      (one) => one.collection === ask.collection && one.body !== undefined && one.id > (ask.after ?? ''),
    )
    .filter(fits)
    .sort((left, right) => (left.id < right.id ? -1 : 1))
  const page = live.slice(0, ask.limit)
  return { records: page, next: page.length < live.length ? page.at(-1)?.id : undefined }
}

function rowsOf({ rows, anchor }: RealmMemory, after: number, limit: number): readonly ChainedLogRow[] {
  const from = Math.max(0, after - anchor.seq)
  return rows.slice(from, from + limit)
}

type Place = readonly (string | number)[]
type Placed<T> = T & { readonly at: Place }

function pageAfter<T extends object>(
  found: readonly Placed<T>[],
  after: string | undefined,
  limit: number,
): readonly (T & { readonly place: string })[] {
  const from = after === undefined ? undefined : (JSON.parse(after) as Place)
  return found
    .filter(({ at }) => from === undefined || compared(at, from) > 0)
    .sort((left, right) => compared(left.at, right.at))
    .slice(0, limit)
    .map((one) => ({ ...one, place: JSON.stringify(one.at) }))
}

function compared(left: Place, right: Place): number {
  const nth = left.findIndex((value, at) => value !== right[at])
  const [one, other] = [left[nth], right[nth]]
  if (one === undefined || other === undefined) return 0
  return one < other ? -1 : 1
}
