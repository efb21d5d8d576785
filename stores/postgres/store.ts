import { randomBytes } from 'node:crypto'
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
  LogCheck,
  type LogHead,
  type NamedTokensAsk,
  type NodesTold,
  type RecordKeyAsk,
  type RecordPage,
  type RecordsAsk,
  type RecordsCounted,
  type RecordsCountedAsk,
  type RecordsListedAsk,
  type Store,
  type Swept,
  storedKind,
  type TokenPage,
  type TokensAsk,
  type TombstonesAsk,
  type WriteOutcome,
} from '@rescind/authority'
import {
  type Handle,
  isSought,
  type RealmOrdinal,
  realmOrdinal,
  type Source,
  StoreRefused,
  type TokenDigest,
  type TokenRecord,
} from '@rescind/core'
import { CHAIN_START, type ChainedLogRow, type LogRow } from '@rescind/core/log'
import { DatabaseError } from 'pg'
import { tokensOfNamedClient } from '../named-client.ts'
import { listsByClient, type TokenRow } from '../token-facts.ts'
import { tokenOfScan } from '../token-record.ts'
import { Watches } from '../watches.ts'
import { Connection, type PostgresAddress } from './connection.ts'
import { decodeReply, encodeGroup } from './group-json.ts'
import { KnownHeads } from './known-heads.ts'
import { PostgresLease } from './lease.ts'
import { tokensNamed } from './named-tokens.ts'
import { NamesUpkeep } from './names-index.ts'
import { Reads } from './reads.ts'
import {
  CHAINED_COLUMNS,
  type ChainedColumns,
  chainedRow,
  directoryRecord,
  type ExpiringRow,
  entryOfRow,
  type LogRowColumns,
  logRow,
  type RecordRow,
  TOKEN_COLUMNS,
} from './rows.ts'
import { ServerPlace } from './server-place.ts'
import { type OpenChecks, prepareStore } from './start.ts'
import { isStorable } from './storable.ts'
import { PostgresTokenReads } from './token-reads.ts'
import { nextOf, type WalkRow, walkOf } from './token-walk.ts'
import { Wakes } from './wakes.ts'
import { GroupWriter } from './writer.ts'

export type OpenPostgres = OpenChecks & {
  /** Called once when another process has taken over this one's place: it must end. */
  readonly fenced?: (why: string) => void
  /** Told why what this process asks again and again fails. */
  readonly failed?: (why: string) => void
}

/** What an operator does about a store when no node is running. */
export type TakenOver = {
  readonly takeover: {
    /** Whether a server has taken over, and nobody has said what becomes of the tokens. */
    readonly isDue: boolean
    /** From now on the store is used on this server. @throws StoreUnavailable. */
    readonly settle: () => Promise<void>
  }
}

/**
 * Opens or creates the store in a PostgreSQL database, which several processes may share.
 * @throws StoreRefused when the server or the store must not be used as it is.
 */
export async function openPostgres(
  address: PostgresAddress,
  options: OpenPostgres,
): Promise<Store & TakenOver> {
  const connection = await reached(address)
  try {
    const { place: at, isTakeoverDue, hasNames } = await prepareStore(connection, options)
    const place = new ServerPlace(at)
    const nodeId = randomBytes(16).toString('hex')
    const { requireSync = false, fenced = () => {}, failed = () => {} } = options
    const shared = { address, nodeId, place, requireSync, fenced, failed }
    const writer = new GroupWriter(shared)
    await opened(writer)
    return new PostgresStore({ ...shared, writer, reads: new Reads(address, place), isTakeoverDue, hasNames })
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw new StoreRefused(`PostgreSQL refused to prepare the store: ${error.message}`)
  } finally {
    connection.drop()
  }
}

async function opened(writer: GroupWriter): Promise<void> {
  try {
    await writer.open()
  } catch (error) {
    writer.close()
    throw error
  }
}

/** @throws StoreRefused. */
export async function reached(address: PostgresAddress): Promise<Connection> {
  try {
    return await Connection.open(address)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`PostgreSQL at ${address.host}:${address.port} cannot be used: ${why}`)
  }
}

type HeadRow = readonly [seq: number, chain: Uint8Array, groups: number, ordinal: number]
const EMPTY_LOG: LogHead = { seq: 0, chain: CHAIN_START }
const UNSTORABLE: WriteOutcome = { kind: 'conflict', what: 'record-changed' }

type Parts = {
  readonly writer: GroupWriter
  readonly reads: Reads
  readonly address: PostgresAddress
  readonly place: ServerPlace
  readonly nodeId: string
  readonly requireSync: boolean
  readonly isTakeoverDue: boolean
  /** Whether the index of names is whole. */
  readonly hasNames: boolean
  readonly fenced: (why: string) => void
  readonly failed: (why: string) => void
}

class PostgresStore implements Store, TakenOver {
  readonly isShared = true
  readonly nodes: PostgresLease
  readonly #writer: GroupWriter
  readonly #reads: Reads
  readonly #tokens: PostgresTokenReads
  readonly #names: NamesUpkeep
  readonly urgent: PostgresTokenReads
  readonly #watches: Watches = new Watches(this)
  readonly #wakes: Wakes
  readonly #place: ServerPlace
  readonly #known: KnownHeads = new KnownHeads()

  constructor(parts: Parts) {
    const { writer, reads, address, place, nodeId, requireSync, isTakeoverDue, fenced, failed } = parts
    this.#writer = writer
    this.#place = place
    this.#reads = reads
    const isOurs = (): boolean => this.nodes.upkeepFence !== undefined
    this.#names = new NamesUpkeep({ address, reads, failed, isOurs })
    if (!parts.hasNames) void this.#names.make()
    this.#tokens = new PostgresTokenReads(reads, 'keys')
    this.urgent = new PostgresTokenReads(reads, 'urgent')
    this.#wakes = new Wakes(address, place, { watches: this.#watches, nodeId })
    const onMarked = (marked: NodesTold['marked']): void => this.#wakes.onMarked(marked)
    this.nodes = new PostgresLease({
      ...{ address, nodeId, place, reads, requireSync, fenced, failed, onMarked },
      known: this.#known,
      fence: () => writer.fence,
      counts: writer.counts,
    })
    this.takeover = {
      isDue: isTakeoverDue,
      settle: async () => {
        await reads.rows('SELECT rescind.settle_1($1, false)', [place.last], 'pages')
      },
    }
    this.#wakes.start()
  }

  readonly takeover: TakenOver['takeover']

  /** For all nodes, until a new epoch begins. */
  async markForked(realm: RealmOrdinal): Promise<void> {
    await this.#reads.rows('SELECT rescind.forked_1($1, $2)', [this.#place.last, realm], 'urgent')
  }

  readonly sweep = async (realm: RealmOrdinal, { tokens, entries }: Swept): Promise<void> => {
    const gone = tokens.map(({ digest, handle, ifExpiresAtMs }) => ({ digest, handle, ends: ifExpiresAtMs }))
    const expired = entries.map(({ kind, id, ifExpiresAtMs }) => ({ kind, id, ends: ifExpiresAtMs }))
    const values = [realm, this.#reads.place, JSON.stringify(gone), JSON.stringify(expired)]
    await this.#reads.rows('SELECT rescind.sweep_1($1, $2, $3, $4)', values, 'pages')
  }

  /** Nothing is answered without a round trip. */
  get keyed(): undefined {
    return undefined
  }

  async floor(): Promise<number> {
    const [row] = await this.#reads.rows<[number]>('SELECT floor FROM rescind.store', [], 'keys')
    return row?.[0] ?? 0
  }

  async commit(group: Group): Promise<GroupOutcome> {
    const storable = group.writes.filter(isStorable)
    if (storable.length === group.writes.length) return this.#commit(group)
    const done = await this.#commit({ ...group, writes: storable })
    const settled = new Map(storable.map((write, nth) => [write, done.outcomes[nth] ?? UNSTORABLE]))
    return { ...done, outcomes: group.writes.map((write) => settled.get(write) ?? UNSTORABLE) }
  }

  async #commit(group: Group): Promise<GroupOutcome> {
    const { reply, missed } = await this.#writer.write(
      encodeGroup(group, this.nodes.upkeepFence),
      group.floorMs,
    )
    const outcome = decodeReply(group, reply, missed)
    this.#names.committed(group)
    for (const { r, seq, chain, groups, ordinal } of reply.heads)
      this.#known.wrote(realmOrdinal(r), { seq, chain: Buffer.from(chain, 'hex'), groups, ordinal })
    const moved = reply.heads.flatMap(({ r, from, seq }) => (seq > from ? [realmOrdinal(r)] : []))
    for (const realm of moved) this.#watches.moved(realm)
    this.#wakes.notify(moved)
    return outcome
  }

  async reopen(): Promise<void> {
    await this.#writer.recover()
    this.#watches.allMoved()
  }

  watch(...ask: Parameters<Store['watch']>): () => void {
    return this.#watches.begin(...ask)
  }

  async close(): Promise<void> {
    this.nodes.close()
    this.#names.close()
    this.#wakes.close()
    this.#writer.close()
    await this.#reads.close()
  }

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): Promise<TokenRecord | undefined> {
    return this.#tokens.tokenByDigest(realm, digest)
  }

  tokenByHandle(realm: RealmOrdinal, handle: Handle): Promise<TokenRecord | undefined> {
    return this.#tokens.tokenByHandle(realm, handle)
  }

  consumption(realm: RealmOrdinal, handle: Handle): Promise<Consumption | undefined> {
    return this.#tokens.consumption(realm, handle)
  }

  async tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage> {
    const { source, client, after = 0, limit } = ask
    // For other sources only operators list a client's tokens.
    if (!listsByClient(ask)) return tokensOfNamedClient(this, realm, ask)
    const sql = `SELECT ${TOKEN_COLUMNS}, t.number FROM rescind.token t
      WHERE t.realm = $1 AND t.source = $2 AND t.client = $3 AND t.number > $4 ORDER BY t.number LIMIT $5`
    const rows = await this.#reads.rows<readonly [...TokenRow, number]>(
      sql,
      [realm, source, client, after, limit + 1],
      'pages',
    )
    const page = rows.slice(0, limit)
    return {
      records: page.flatMap(tokenOfScan),
      next: rows.length > limit ? page.at(-1)?.[6] : undefined,
    }
  }

  async tokens(realm: RealmOrdinal, { after, limit, ...sought }: TokensAsk): Promise<TokenPage> {
    const { sql, values } = walkOf(realm, { after, limit, ...sought })
    const rows = await this.#reads.rows<WalkRow>(sql, values, 'pages')
    const records = rows.flatMap(([, , number, ...token]) => (number === null ? [] : tokenOfScan(token)))
    return { records: records.filter((record) => isSought(record, sought)), next: nextOf(rows, limit) }
  }

  tokensNamed(realm: RealmOrdinal, ask: NamedTokensAsk): Promise<TokenPage | undefined> {
    return tokensNamed(this.#reads, realm, ask)
  }

  async highestExpiries(realm: RealmOrdinal): Promise<ReadonlyMap<Source, number>> {
    const sql = 'SELECT source, expires_at FROM rescind.source_expiry WHERE realm = $1'
    return new Map(await this.#reads.rows<readonly [Source, number]>(sql, [realm], 'keys'))
  }

  async consumed(realm: RealmOrdinal, handles: readonly Handle[]): Promise<ReadonlySet<string>> {
    const sql = 'SELECT handle FROM rescind.consumption WHERE realm = $1 AND handle = ANY ($2)'
    return new Set((await this.#reads.rows<[string]>(sql, [realm, handles], 'pages')).map(([one]) => one))
  }

  async isTombstone(realm: RealmOrdinal, digest: TokenDigest): Promise<boolean> {
    const sql = 'SELECT 1 FROM rescind.tombstone WHERE realm = $1 AND digest = $2'
    return (await this.#reads.rows(sql, [realm, digest], 'keys')).length > 0
  }

  async tombstones(realm: RealmOrdinal, { source, limit }: TombstonesAsk): Promise<number> {
    const sql = `SELECT count(*) FROM
      (SELECT FROM rescind.tombstone WHERE realm = $1 AND source = $2 LIMIT $3) counted`
    const [row] = await this.#reads.rows<readonly [number]>(sql, [realm, source, limit], 'pages')
    return row?.[0] ?? 0
  }

  async record(realm: RealmOrdinal, collection: string, id: string): Promise<DirectoryRecord | undefined> {
    const sql = `SELECT r.id, r.version, r.body FROM rescind.record r
      WHERE r.realm = $1 AND r.collection = $2 AND r.id = $3`
    const [row] = await this.#reads.rows<RecordRow>(sql, [realm, collection, id], 'keys')
    return row === undefined ? undefined : directoryRecord(collection, row)
  }

  async recordByKey(realm: RealmOrdinal, ask: RecordKeyAsk): Promise<DirectoryRecord | undefined> {
    const { collection, name, value } = ask
    const sql = `SELECT r.id, r.version, r.body FROM rescind.record_key k
      JOIN rescind.record r ON r.realm = k.realm AND r.collection = k.collection AND r.id = k.id
      WHERE k.realm = $1 AND k.collection = $2 AND k.name = $3 AND k.value = $4`
    const [row] = await this.#reads.rows<RecordRow>(sql, [realm, collection, name, value], 'keys')
    return row === undefined ? undefined : directoryRecord(collection, row)
  }

  records(realm: RealmOrdinal, { collection, after, limit }: RecordsAsk): Promise<RecordPage> {
    const sql = `SELECT r.id, r.version, r.body FROM rescind.record r
      WHERE r.realm = $1 AND r.collection = $2 AND r.id > $3 AND r.body IS NOT NULL ORDER BY r.id LIMIT $4`
    return this.#records(sql, [realm, collection, after ?? '', limit + 1])
  }

  async recordsCounted(realm: RealmOrdinal, ask: RecordsCountedAsk): Promise<RecordsCounted> {
    const sql = `SELECT count(*), max(id) FROM (SELECT r.id FROM rescind.record r
      WHERE r.realm = $1 AND r.collection = $2 AND r.id > $3 AND r.id < $4 AND r.body IS NOT NULL ORDER BY r.id LIMIT $5) c`
    const values = [realm, ask.collection, ask.after, ask.below, ask.limit]
    const [row] = await this.#reads.rows<readonly [number, string | null]>(sql, values, 'pages')
    return { count: row?.[0] ?? 0, last: row?.[1] ?? undefined }
  }

  recordsListed(realm: RealmOrdinal, ask: RecordsListedAsk): Promise<RecordPage> {
    const sql = `SELECT r.id, r.version, r.body FROM rescind.record_list l
      JOIN rescind.record r ON r.realm = l.realm AND r.collection = l.collection AND r.id = l.id
      WHERE l.realm = $1 AND l.collection = $2 AND l.id > $3 AND l.name = $5 AND l.value = $6 ORDER BY l.id LIMIT $4`
    const { collection, after, limit, name, value } = ask
    return this.#records(sql, [realm, collection, after ?? '', limit + 1, name, value])
  }

  /** @param values the second one is the collection, the fourth one more than the page holds. */
  async #records(
    sql: string,
    values: readonly [number, string, string, number, ...string[]],
  ): Promise<RecordPage> {
    const rows = await this.#reads.rows<RecordRow>(sql, values, 'pages')
    const records = rows.slice(0, values[3] - 1).map((row) => directoryRecord(values[1], row))
    return { records, next: rows.length > records.length ? records.at(-1)?.id : undefined }
  }

  async expiring(realm: RealmOrdinal, { kind, id }: ExpiringName): Promise<ExpiringEntry | undefined> {
    const sql =
      'SELECT id, value, expires_at FROM rescind.expiring WHERE realm = $1 AND kind = $2 AND id = $3'
    const [row] = await this.#reads.rows<ExpiringRow>(sql, [realm, kind, id], 'keys')
    return row === undefined ? undefined : entryOfRow(kind, row)
  }

  async expiringPage(realm: RealmOrdinal, { kind, after, limit }: ExpiringAsk): Promise<ExpiringPage> {
    const sql = `SELECT id, value, expires_at FROM rescind.expiring
      WHERE realm = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`
    const rows = await this.#reads.rows<ExpiringRow>(sql, [realm, kind, after ?? '', limit + 1], 'pages')
    const entries = rows.slice(0, limit).map((row) => entryOfRow(kind, row))
    return { entries, next: rows.length > limit ? entries.at(-1)?.id : undefined }
  }

  async expiredEntries(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredEntry[]> {
    const sql = `SELECT id, value, expires_at, realm, kind FROM rescind.expiring
      WHERE expires_at <= $1 AND (expires_at, realm, kind, id) > ($3, $4, $5, $6)
      ORDER BY expires_at, realm, kind, id LIMIT $2`
    const place = after === undefined ? [Number.MIN_SAFE_INTEGER, 0, '', ''] : parsedPlace(after)
    const values = [belowMs, limit, ...place]
    const rows = await this.#reads.rows<readonly [...ExpiringRow, number, string]>(sql, values, 'pages')
    return rows.map(([id, value, expires, realm, kind]) => ({
      place: JSON.stringify([expires, realm, kind, id]),
      realm: realmOrdinal(realm),
      entry: entryOfRow(storedKind(kind), [id, value, expires]),
    }))
  }

  async head(realm: RealmOrdinal): Promise<LogHead> {
    const sql = 'SELECT seq, chain, groups, ordinal FROM rescind.head WHERE realm = $1'
    const [row] = await this.#reads.rows<HeadRow>(sql, [realm], 'keys')
    if (row === undefined) return EMPTY_LOG
    const [seq, bytes, groups, ordinal] = row
    const chain = Buffer.from(bytes)
    this.#known.note(realm, { seq, chain, groups, ordinal })
    return { seq, chain }
  }

  async anchor(realm: RealmOrdinal): Promise<LogHead> {
    const sql = 'SELECT seq, chain FROM rescind.log_anchor WHERE realm = $1'
    const [row] = await this.#reads.rows<readonly [number, Uint8Array]>(sql, [realm], 'keys')
    return row === undefined ? EMPTY_LOG : { seq: row[0], chain: Buffer.from(row[1]) }
  }

  async keptRows(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    const sql = `SELECT seq, at, kind, rule FROM rescind.log_kept
      WHERE realm = $1 AND seq > $2 ORDER BY seq LIMIT $3`
    return (await this.#reads.rows<LogRowColumns>(sql, [realm, after, limit], 'keys')).map(logRow)
  }

  async rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]> {
    const sql = `SELECT seq, at, kind, rule FROM rescind.log
      WHERE realm = $1 AND seq > $2 ORDER BY seq LIMIT $3`
    return (await this.#reads.rows<LogRowColumns>(sql, [realm, after, limit], 'keys')).map(logRow)
  }

  async checkRows(realm: RealmOrdinal, after: number, limit: number): Promise<ChainChecked> {
    const anchor = await this.anchor(realm)
    const [before] = after === anchor.seq ? [anchor] : await this.chainedRowsAfter(realm, after - 1, 1)
    if (before === undefined || before.seq !== after)
      return { through: after, fault: { seq: after, what: 'missing' } }
    const check = new LogCheck([], before)
    for (const row of await this.chainedRowsAfter(realm, after, limit)) {
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
    const sql = `SELECT ${CHAINED_COLUMNS} FROM rescind.log l
      WHERE l.realm = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3`
    return (await this.#reads.rows<ChainedColumns>(sql, [realm, after, limit], 'keys')).map(chainedRow)
  }

  async expiredTokens(belowMs: number, limit: number, after?: string): Promise<readonly ExpiredToken[]> {
    const sql = `SELECT ${TOKEN_COLUMNS}, t.realm, t.number FROM rescind.token t
      WHERE t.expires_at <= $1 AND (t.expires_at, t.realm, t.number) > ($3, $4, $5)
      ORDER BY t.expires_at, t.realm, t.number LIMIT $2`
    const place = after === undefined ? [Number.MIN_SAFE_INTEGER, 0, 0] : parsedPlace(after)
    const values = [belowMs, limit, ...place]
    const rows = await this.#reads.rows<readonly [...TokenRow, number, number]>(sql, values, 'pages')
    return rows.map((row) => {
      const [record] = tokenOfScan(row)
      const at = JSON.stringify([row[2], row[6], row[7]])
      return { realm: realmOrdinal(row[6]), digest: row[0], record, place: at }
    })
  }

  async tokensEnding(realm: RealmOrdinal, ask: EndingAsk): Promise<EndingPage> {
    const { sources, after, untilMs, limit } = ask
    const place =
      after.key === undefined ? [after.endMs + 1, 0, 0] : [after.endMs, ...after.key.split('.').map(Number)]
    const sql = `SELECT ${TOKEN_COLUMNS}, t.realm, t.number, t.source FROM rescind.token t
      WHERE (t.expires_at, t.realm, t.number) > ($1, $2, $3) AND t.expires_at <= $4
      ORDER BY t.expires_at, t.realm, t.number LIMIT $5`
    const values = [...place, untilMs, limit]
    const rows = await this.#reads.rows<readonly [...TokenRow, number, number, string]>(sql, values, 'pages')
    const last = rows.at(-1)
    return {
      records: rows.filter((row) => row[6] === realm && sources.includes(row[8])).flatMap(tokenOfScan),
      next:
        last === undefined || rows.length < limit
          ? undefined
          : { endMs: last[2], key: `${last[6]}.${last[7]}` },
    }
  }
}

/** Written by this store. */
function parsedPlace(place: string): readonly (string | number)[] {
  return JSON.parse(place) as readonly (string | number)[]
}
