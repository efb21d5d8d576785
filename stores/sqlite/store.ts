import type { DatabaseSync } from 'node:sqlite'
import {
  type ChainChecked,
  type ClientTokensAsk,
  type ConflictWhat,
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
  type LogHead,
  type NamedTokensAsk,
  type RecordPage,
  type RecordsAsk,
  type RecordsCounted,
  type RecordsCountedAsk,
  type RecordsListedAsk,
  type Store,
  storedKind,
  type TokenPage,
  type TokensAsk,
  type TombstonesAsk,
  type WriteOutcome,
} from '@rescind/authority'
import {
  isSought,
  type RealmOrdinal,
  realmOrdinal,
  type Source,
  StoreUnavailable,
  type TokenDigest,
  type TokenRecord,
} from '@rescind/core'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import { tokensOfNamedClient } from '../named-client.ts'
import { tokenOfScan } from '../token-record.ts'
import { Watches } from '../watches.ts'
import { CONFLICT } from './apply.ts'
import { Checkpoints } from './checkpoints.ts'
import { ENDING_SQL, type EndingRow, endingPage, endingStart } from './ending.ts'
import { EXPIRING_COLUMNS, exact, HIGHEST_EXPIRY, ROW_MAX, recordColumns } from './exact.ts'
import {
  EXPIRED_ENTRIES,
  EXPIRED_TOKENS,
  type ExpiredEntryRow,
  type ExpiredTokenRow,
  expiredAfter,
  NO_ENTRY,
  NO_TOKEN,
} from './expired.ts'
import { encodeGroup } from './group-bytes.ts'
import { SqliteKeyedReads } from './keyed-reads.ts'
import { takeLock } from './lock.ts'
import {
  CHAINED_COLUMNS,
  type ChainedRowColumns,
  chainedRowOf,
  decodeRows,
  type LogPage,
  timed,
} from './log-bytes.ts'
import { seqOfLogId } from './log-id.ts'
import { refuseMoving } from './moved.ts'
import { beginNames, renewNames } from './name-fill.ts'
import { consumedOf, tokensNamed } from './named-tokens.ts'
import { PAGE_ROWS } from './page.ts'
import { readIndex } from './read-index.ts'
import { Reader } from './reader.ts'
import {
  directoryRecord,
  type ExpiringRow,
  entryOfRow,
  logSpan,
  type Reads,
  type RecordRow,
  readAnchor,
  readHead,
  rowOf,
} from './reads.ts'
import { rewriteLog } from './rewrite-log.ts'
import type { SideJoined } from './side-join.ts'
import type { SideLeft, SideLogAsk } from './side-mark.ts'
import { Snapshot } from './snapshot.ts'
import { asOutage, Thread } from './thread.ts'
import type { Committed, Opened, Page, ReaderAsk, WriterAsk } from './thread-messages.ts'
import { TokenIndex } from './token-index.ts'
import { clientKey, TOKEN_COLUMNS } from './token-row.ts'
import { type Walked, type WalkedRow, walkOf } from './token-walk.ts'

const COUNTED_AT_ONCE = 1_000
/** Maximum rows of the log that a read may ask for without waiting behind lists. */
const FEW_ROWS = 32

/**
 * Opens or creates the embedded store. One process owns it; `path` names a file whose folder exists.
 * @param floorMs the floor of a store that is created now.
 * @throws StoreRefused when another process owns it, or a newer version made it.
 */
export async function openSqlite(
  path: string,
  floorMs: number,
  options: OpenSqlite = {},
): Promise<Store & SideLogged> {
  refuseMoving(path)
  const lock = takeLock(path)
  const { sideLog } = options
  const store = new SqliteStore({
    path,
    lock,
    sideLog,
    writer: new Thread('writer-thread'),
    reader: new Reader(),
  })
  try {
    await store.open(floorMs)
    return store
  } catch (error) {
    await store.abandon()
    throw error
  }
}

export type OpenSqlite = {
  /** A file on another volume that receives each group before the store does. */
  readonly sideLog?: SideLogAsk | undefined
}

/** How the store and its side log matched at the last opening; undefined without one. */
export type SideLogged = {
  readonly joined: SideJoined | undefined
  /** The side log that the store had and was opened without; undefined if it had none. */
  readonly left: SideLeft | undefined
}

type Parts = {
  readonly path: string
  readonly sideLog: SideLogAsk | undefined
  readonly lock: DatabaseSync
  readonly writer: Thread<WriterAsk>
  readonly reader: Reader
}

class SqliteStore implements Store, SideLogged {
  readonly isShared = false
  readonly nodes = undefined
  readonly sweep = undefined
  readonly #parts: Parts
  /** Present while the store is open. */
  #keyed: SqliteKeyedReads | undefined
  /** Set while the store is reopened; never rejects. */
  #reopening: Promise<void> | undefined
  #index: TokenIndex = new TokenIndex()
  #floorMs = 0
  #joined: SideJoined | undefined
  #left: SideLeft | undefined
  readonly #checkpoints: Checkpoints = new Checkpoints()
  readonly #watches: Watches = new Watches(this)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get urgent(): this {
    return this
  }

  get joined(): SideJoined | undefined {
    return this.#joined
  }

  get left(): SideLeft | undefined {
    return this.#left
  }

  async floor(): Promise<number> {
    return this.#floorMs
  }

  async open(floorMs: number): Promise<void> {
    const { path, writer, reader, sideLog } = this.#parts
    // The writer comes first: it creates the schema and recovers the write-ahead log.
    const opened = await writer.ask<Opened>({ kind: 'open', path, floorMs, sideLog })
    this.#floorMs = opened.floorMs
    this.#joined = opened.joined
    this.#left = opened.left
    await reader.now({ kind: 'open', path })
    this.#index = await readIndex(reader)
    this.#keyed = new SqliteKeyedReads(new Snapshot(path), this.#index)
    await beginNames(reader, this.#index)
  }

  async commit(group: Group): Promise<GroupOutcome> {
    const bytes = encodeGroup(group, this.#index)
    const finish = this.#checkpoints.mustFinish
    if (finish) this.#keyed?.snapshot.pause()
    const ask: WriterAsk = { kind: 'commit', group: bytes, checkpoint: finish }
    const done = await this.#parts.writer.ask<Committed>(ask, [bytes.buffer])
    const outcomes = Array.from(done.outcomes, outcomeOf)
    this.#index.committed(group, { outcomes }, done.rows)
    renewNames(this.#parts.reader, this.#index)
    this.#floorMs = Math.max(this.#floorMs, group.floorMs)
    this.#keyed?.snapshot.committed(touchesTokens(group))
    if (finish) this.#keyed?.snapshot.resume()
    if (this.#checkpoints.committed(done.logPages, finish)) this.#beginCheckpoint()
    for (const { realm } of done.heads) this.#watches.moved(realm)
    return {
      outcomes,
      syncMs: done.syncMs,
      heads: new Map(done.heads.map(({ realm, seq, chain }) => [realm, { seq, chain: Buffer.from(chain) }])),
    }
  }

  /** Reads that come meanwhile are answered afterwards: the disk is back, so a read is no error. */
  reopen(): Promise<void> {
    const done = this.#openAgain().then(undefined, asOutage)
    const over = (): void => {
      this.#reopening = undefined
    }
    this.#reopening = done.then(over, over)
    this.#parts.reader.hold(this.#reopening)
    return done
  }

  async #openAgain(): Promise<void> {
    const { writer, reader } = this.#parts
    // Close every connection first: only then does opening read the write-ahead log from disk again.
    this.#disconnect()
    await reader.now({ kind: 'close' })
    await writer.ask({ kind: 'close', inOrder: false })
    rewriteLog(this.#parts.path)
    await this.open(this.#floorMs)
    this.#watches.allMoved()
  }

  watch(...ask: Parameters<Store['watch']>): () => void {
    return this.#watches.begin(...ask)
  }

  get keyed(): KeyedReads | undefined {
    return this.#keyed
  }

  async tokenByDigest(...ask: Parameters<Store['tokenByDigest']>): Promise<TokenRecord | undefined> {
    return this.#whenOpen((keyed) => keyed.tokenByDigest(...ask))
  }

  async tokenByHandle(...ask: Parameters<Store['tokenByHandle']>): Promise<TokenRecord | undefined> {
    return this.#whenOpen((keyed) => keyed.tokenByHandle(...ask))
  }

  async tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage> {
    const client = clientKey(ask)
    if (client === undefined) return tokensOfNamedClient(this, realm, ask)
    const sql = `SELECT ${TOKEN_COLUMNS}, id FROM token
      WHERE realm = ? AND client = ? AND id > ? AND id <= ${ROW_MAX} ORDER BY id LIMIT ?`
    const { rows, more } = await this.#page<WalkedRow>(sql, [realm, client, ask.after ?? 0], ask.limit)
    return { records: rows.flatMap(tokenOfScan), next: more ? rows.at(-1)?.[6] : undefined }
  }

  async tokens(realm: RealmOrdinal, { after, limit, ...sought }: TokensAsk): Promise<TokenPage> {
    const ask = walkOf(realm, { after, limit: Math.min(limit, PAGE_ROWS), ...sought })
    const { rows, next } = await this.#parts.reader.walk<Walked>(ask)
    return { records: rows.flatMap(tokenOfScan).filter((record) => isSought(record, sought)), next }
  }

  async tokensNamed(realm: RealmOrdinal, ask: NamedTokensAsk): Promise<TokenPage | undefined> {
    return tokensNamed(this.#parts.reader, this.#index, { realm, ...ask })
  }

  async highestExpiries(realm: RealmOrdinal): Promise<ReadonlyMap<Source, number>> {
    const sql = `SELECT source, ${HIGHEST_EXPIRY} FROM source_expiry WHERE realm = ?`
    return new Map(await this.#scan<readonly [Source, number]>(sql, [realm]))
  }

  async consumption(...ask: Parameters<Store['consumption']>): Promise<Consumption | undefined> {
    return this.#whenOpen((keyed) => keyed.consumption(...ask))
  }

  consumed(...ask: Parameters<Store['consumed']>): Promise<ReadonlySet<string>> {
    return consumedOf(this.#parts.reader, ...ask)
  }

  async isTombstone(realm: RealmOrdinal, digest: TokenDigest): Promise<boolean> {
    return this.#newest((reads) => rowOf<[number]>(reads.tombstone, realm, digest) !== undefined)
  }

  async tombstones(realm: RealmOrdinal, { source, limit }: TombstonesAsk): Promise<number> {
    const sql = `SELECT count(*), max(digest) FROM (SELECT digest FROM tombstone
      WHERE realm = ? AND source = ? AND digest > ? ORDER BY digest LIMIT ?)`
    let [count, last] = [0, '']
    while (count < limit) {
      const room = Math.min(COUNTED_AT_ONCE, limit - count)
      const [row] = await this.#scan<readonly [number, string | null]>(sql, [realm, source, last, room])
      count += row?.[0] ?? 0
      if ((row?.[0] ?? 0) < room) break
      last = row?.[1] ?? ''
    }
    return count
  }

  async record(...ask: Parameters<Store['record']>): Promise<DirectoryRecord | undefined> {
    return this.#whenOpen((keyed) => keyed.record(...ask))
  }

  async recordByKey(...ask: Parameters<Store['recordByKey']>): Promise<DirectoryRecord | undefined> {
    return this.#whenOpen((keyed) => keyed.recordByKey(...ask))
  }

  async records(realm: RealmOrdinal, { collection, after, limit }: RecordsAsk): Promise<RecordPage> {
    const sql = `SELECT id, ${recordColumns()} FROM record
      WHERE realm = ? AND collection = ? AND id > ? AND body IS NOT NULL ORDER BY id LIMIT ?`
    const { rows, more } = await this.#page<RecordRow>(sql, [realm, collection, after ?? ''], limit)
    const records = rows.map((row) => directoryRecord(collection, row))
    return { records, next: more ? records.at(-1)?.id : undefined }
  }

  async recordsCounted(realm: RealmOrdinal, ask: RecordsCountedAsk): Promise<RecordsCounted> {
    const sql = `SELECT count(*), max(id) FROM (SELECT id FROM record
      WHERE realm = ? AND collection = ? AND id > ? AND id < ? AND body IS NOT NULL ORDER BY id LIMIT ?)`
    const values = [realm, ask.collection, ask.after, ask.below, ask.limit]
    const [row] = await this.#scan<readonly [number, string | null]>(sql, values)
    return { count: row?.[0] ?? 0, last: row?.[1] ?? undefined }
  }

  async recordsListed(realm: RealmOrdinal, ask: RecordsListedAsk): Promise<RecordPage> {
    const { collection, name, value, after, limit } = ask
    const sql = `SELECT r.id, ${recordColumns('r.')} FROM record_list l
      JOIN record r ON r.realm = l.realm AND r.collection = l.collection AND r.id = l.id
      WHERE l.realm = ? AND l.collection = ? AND l.name = ? AND l.value = ? AND l.id > ? ORDER BY l.id LIMIT ?`
    const values = [realm, collection, name, value, after ?? '']
    const { rows, more } = await this.#page<RecordRow>(sql, values, limit)
    const records = rows.map((row) => directoryRecord(collection, row))
    return { records, next: more ? records.at(-1)?.id : undefined }
  }

  async expiring(realm: RealmOrdinal, { kind, id }: ExpiringName): Promise<ExpiringEntry | undefined> {
    const row = await this.#newest((reads) => rowOf<ExpiringRow>(reads.memo, realm, kind, id))
    return row === undefined ? undefined : entryOfRow(kind, row)
  }

  async expiringPage(realm: RealmOrdinal, { kind, after, limit }: ExpiringAsk): Promise<ExpiringPage> {
    const sql = `SELECT id, ${EXPIRING_COLUMNS} FROM memo
      WHERE realm = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?`
    const { rows, more } = await this.#page<ExpiringRow>(sql, [realm, kind, after ?? ''], limit)
    const entries = rows.map((row) => entryOfRow(kind, row))
    return { entries, next: more ? entries.at(-1)?.id : undefined }
  }

  async expiredEntries(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredEntry[]> {
    const values = [belowMs, ...expiredAfter(after, NO_ENTRY), limit]
    const rows = await this.#scan<ExpiredEntryRow>(EXPIRED_ENTRIES, values)
    return rows.map(([id, value, expires, realm, kind, place]) => ({
      place,
      realm: realmOrdinal(realm),
      entry: entryOfRow(storedKind(kind), [id, value, expires]),
    }))
  }

  async head(realm: RealmOrdinal): Promise<LogHead> {
    return this.#newest((reads) => readHead(reads, realm))
  }

  async anchor(realm: RealmOrdinal): Promise<LogHead> {
    return this.#newest((reads) => readAnchor(reads, realm))
  }

  async keptRows(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    const sql = `SELECT id, ${exact('at')}, ${exact('kind')}, rule FROM log_kept WHERE id > ? AND id < ? ORDER BY id LIMIT ?`
    const rows = await this.#scan<KeptRow>(sql, [...logSpan(realm, after), limit])
    return rows.map(([id, atMs, kind, rule]) => timed({ seq: seqOfLogId(id), atMs, kind, rule }))
  }

  async rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    const [first, before] = logSpan(realm, after)
    const ask: ReaderAsk = { kind: 'log', after: first, before, limit }
    return decodeRows(await this.#parts.reader.ask<LogPage>(ask), first)
  }

  async checkRows(realm: RealmOrdinal, after: number, limit: number): Promise<ChainChecked> {
    const [first, before] = logSpan(realm, after)
    const anchor = await this.#newest((reads) => readAnchor(reads, realm))
    const chain = anchor.seq === after ? new Uint8Array(anchor.chain) : undefined
    return this.#parts.reader.ask<ChainChecked>({ kind: 'check', after: first, chain, before, limit })
  }

  async chainedRowsAfter(
    realm: RealmOrdinal,
    after: number,
    limit: number,
  ): Promise<readonly ChainedLogRow[]> {
    const sql = `SELECT ${CHAINED_COLUMNS} FROM log
      WHERE id > ? AND id < ? ORDER BY id LIMIT ?`
    const ask: ReaderAsk = { kind: 'scan', sql, values: [...logSpan(realm, after), limit] }
    // A proof of freshness reads just one row, and must not wait behind lists.
    const { reader } = this.#parts
    const rows = await (limit <= FEW_ROWS
      ? reader.ask<readonly ChainedRowColumns[]>(ask)
      : reader.list<readonly ChainedRowColumns[]>(ask))
    return rows.map(chainedRowOf)
  }

  async expiredTokens(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredToken[]> {
    const values = [belowMs, ...expiredAfter(after, NO_TOKEN), limit]
    const rows = await this.#scan<ExpiredTokenRow>(EXPIRED_TOKENS, values)
    return rows.map((row) => {
      const [record] = tokenOfScan(row)
      return { realm: realmOrdinal(row[6]), digest: row[0], record, place: row[7] }
    })
  }

  async tokensEnding(realm: RealmOrdinal, ask: EndingAsk): Promise<EndingPage> {
    const { sources, after, untilMs, limit } = ask
    const values = [realm, JSON.stringify(sources), ...endingStart(after), untilMs, limit, limit]
    return endingPage(await this.#scan<EndingRow>(ENDING_SQL, values), limit)
  }

  async close(): Promise<void> {
    const { lock, reader, writer } = this.#parts
    this.#disconnect()
    await reader.now({ kind: 'close' })
    await writer.ask({ kind: 'close', inOrder: true })
    await Promise.all([reader.end(), writer.end()])
    lock.close()
  }

  /** Releases everything without asking the threads, which may not have started. */
  async abandon(): Promise<void> {
    const { lock, reader, writer } = this.#parts
    this.#disconnect()
    await Promise.all([reader.end(), writer.end()])
    lock.close()
  }

  /** Reads on the main thread's connection, from the newest committed state. @throws StoreUnavailable. */
  #newest<T>(read: (reads: Reads) => T): Promise<T> {
    return this.#whenOpen(({ snapshot }) => snapshot.newest(read))
  }

  /** Waits while the store is being reopened. @throws StoreUnavailable when it is closed. */
  async #whenOpen<T>(read: (keyed: SqliteKeyedReads) => T): Promise<T> {
    while (this.#keyed === undefined) {
      if (this.#reopening === undefined) throw new StoreUnavailable('the store is closed')
      await this.#reopening
    }
    return read(this.#keyed)
  }

  /** Reads rows in turn, so that reads of many rows never delay what a single request needs. */
  #scan<Row>(sql: string, values: readonly (string | number)[]): Promise<readonly Row[]> {
    return this.#parts.reader.list<readonly Row[]>({ kind: 'scan', sql, values })
  }

  /** @param sql its last parameter is the number of rows to return. */
  #page<Row>(sql: string, values: readonly (string | number)[], limit: number): Promise<Page<Row>> {
    const ask: ReaderAsk = { kind: 'page', sql, values, limit: Math.min(limit, PAGE_ROWS) }
    return this.#parts.reader.list<Page<Row>>(ask)
  }

  #disconnect(): void {
    this.#index.names.abandonFill()
    this.#keyed?.snapshot.close()
    this.#keyed = undefined
  }

  #beginCheckpoint(): void {
    this.#keyed?.snapshot.release()
    this.#parts.reader.ask({ kind: 'checkpoint' }).then(
      () => this.#checkpoints.ended(true),
      () => this.#checkpoints.ended(false),
    )
  }
}

type KeptRow = readonly [id: number, atMs: number, kind: number, rule: Uint8Array]

/** Whether a group changes the records of tokens that existed before it. */
function touchesTokens({ writes }: Group): boolean {
  return writes.some(({ operations }) =>
    operations.some(({ kind }) => kind === 'extend-token' || kind === 'forget-token'),
  )
}

const CONFLICTS: ReadonlyMap<number, ConflictWhat> = new Map(
  // The keys of CONFLICT are those of its type.
  Object.entries(CONFLICT).map(([what, code]) => [code, what as ConflictWhat]),
)

function outcomeOf(code: number): WriteOutcome {
  const what = CONFLICTS.get(code)
  return what === undefined ? { kind: 'applied', firstSeq: code } : { kind: 'conflict', what }
}
