import { setTimeout as wait } from 'node:timers/promises'
import type { GroupCounts } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { DatabaseError } from 'pg'
import { Connection, type PostgresAddress } from './connection.ts'
import { ENDING } from './failures.ts'
import { CONTENT_CLASSES } from './group-function.ts'
import type { GroupJson, GroupReply, MissedRow } from './group-json.ts'
import { ELSEWHERE, OTHER_SERVER, type ServerPlace } from './server-place.ts'
import { isOnStandby } from './standby.ts'

const GROUP = 'SELECT reply, missed FROM rescind.group_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'
const FENCE = 'SELECT group_no, reply FROM rescind.fence_1($1, $2, $3, $4)'
const REGISTER = `INSERT INTO rescind.node (id, fence, group_no, since)
  SELECT $1, 1, 0, clock_timestamp() WHERE rescind.place_1() = $2 RETURNING id`

/** How long a group is retried, and how long its outcome is looked for, before its callers get 503. */
const PATIENCE_MS = 2_000
const PAUSE_MS = 20
/** A write of 10,000 records has some megabytes, and takes seconds. */
const BYTES_PER_MS = 200
/** Lost a deadlock, a serialisation, or the wait for a lock: nothing was written, and the same group may succeed. */
const RETRIED = new Set(['40P01', '40001', '55P03'])

/** `missed` is undefined when the outcome had to be looked up: the rows of the reply are lost. */
export type WrittenGroup = {
  readonly reply: GroupReply
  readonly missed: readonly MissedRow[] | undefined
}

export type WriterOptions = {
  readonly address: PostgresAddress
  /** 128 random bits that no other process ever had. */
  readonly nodeId: string
  readonly place: ServerPlace
  /** Whether a group counts as written only once a synchronous standby has it. */
  readonly requireSync: boolean
  /** Called once when another process has taken this node's fence: this process must end. */
  readonly fenced: (why: string) => void
}

type FenceRow = readonly [groupNo: number, reply: GroupReply]

/** What the server answered to a group. `unknown`: it may have been written, or may be yet. */
type Tried =
  | ({ readonly kind: 'written' } & WrittenGroup)
  | { readonly kind: 'refused'; readonly error: DatabaseError }
  | { readonly kind: 'unreached'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly error: unknown }

/**
 * Writes groups, one at a time, on one connection. An outcome that is not known is looked up by raising the fence in this
 * node's own row: after that, the group in flight either has committed or never will, wherever its request still is.
 */
export class GroupWriter {
  readonly #options: WriterOptions
  #connection: Connection | undefined
  #fence = 1
  /** The highest fence that was ever asked for; a request that asked for it may still be on its way. */
  #asked = 1
  #groupNo = 0
  #isUnknown = false
  readonly counts: { -readonly [Count in keyof GroupCounts]: number } = { groups: 0, retries: 0, unknown: 0 }
  /** Why this writer writes no more. */
  #over: string | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    options.place.onMoved(() => this.#connection?.drop())
  }

  /** The fence that this node's row has at least. */
  get fence(): number {
    return this.#fence
  }

  async open(): Promise<void> {
    const { nodeId, place } = this.#options
    const connection = await this.#connect()
    const rows = await connection.rows<[string]>(REGISTER, [nodeId, place.last])
    if (rows.length !== 1) throw new StoreUnavailable(OTHER_SERVER)
  }

  /** @throws StoreUnavailable: the group may have been written; write no other before `recover` has succeeded. */
  async write(group: GroupJson, floorMs: number): Promise<WrittenGroup> {
    const untilMs = performance.now() + PATIENCE_MS
    await this.recover()
    this.#groupNo += 1
    this.counts.groups += 1
    const written = await this.#write(group, floorMs, untilMs)
    if (this.#options.requireSync) await this.#waitForStandby(untilMs)
    return written
  }

  async #write(group: GroupJson, floorMs: number, untilMs: number): Promise<WrittenGroup> {
    let isCareful = false
    for (;;) {
      const tried = await this.#try(group, floorMs, isCareful)
      if (tried.kind === 'written') return tried
      if (tried.kind === 'unknown') {
        this.#isUnknown = true
        this.counts.unknown += 1
        const reply = await this.#outcome(untilMs)
        if (reply !== undefined) return { reply, missed: undefined }
      } else if (tried.kind === 'refused' && !RETRIED.has(tried.error.code ?? '')) {
        // One write's content is no fault of the others in its group.
        if (isCareful || !isOfContent(tried.error)) throw this.#refused(tried.error)
        isCareful = true
      }
      if (performance.now() >= untilMs)
        throw new StoreUnavailable('PostgreSQL did not take a group in time', { cause: tried.error })
      this.counts.retries += 1
      await wait(PAUSE_MS)
    }
  }

  /** @throws StoreUnavailable. The group is written all the same, and folded when the log is read again. */
  async #waitForStandby(untilMs: number): Promise<void> {
    const connection = this.#connection
    const place = this.#options.place.now
    let isThere = false
    try {
      isThere =
        connection !== undefined &&
        place !== undefined &&
        (await isOnStandby((sql, values) => connection.rows(sql, values), place, untilMs)) &&
        place === this.#options.place.now
    } catch {
      // It is not known to be there.
    }
    if (!isThere) throw new StoreUnavailable('no synchronous standby is known to have what was written')
  }

  /** Makes sure that no earlier group can still be written. @throws StoreUnavailable while that cannot be known. */
  async recover(): Promise<void> {
    if (this.#over !== undefined) throw new StoreUnavailable(this.#over)
    if (this.#isUnknown) await this.#outcome(performance.now() + PATIENCE_MS)
  }

  close(): void {
    this.#over ??= 'the store is closed'
    this.#connection?.drop()
  }

  async #connect(): Promise<Connection> {
    const connection = await Connection.open(this.#options.address)
    this.#connection = connection
    if (this.#over !== undefined) connection.drop()
    return connection
  }

  async #try(group: GroupJson, floorMs: number, isCareful: boolean): Promise<Tried> {
    const { realms, deps, writes, upkeep } = group
    const { nodeId } = this.#options
    const place = this.#options.place.now
    if (place === undefined) return { kind: 'unreached', error: new Error('another server is taking over') }
    let connection = this.#connection
    try {
      // A connection that was lost between two groups carries none, so a new one needs no new fence.
      if (connection === undefined || connection.isLost) connection = await this.#connect()
    } catch (error) {
      return { kind: 'unreached', error }
    }
    const noticesBefore = connection.notices
    const of = [nodeId, this.#fence, this.#groupNo, place, floorMs]
    const values = [...of, realms, deps, writes, upkeep, isCareful]
    try {
      const [row] = await connection.rows<readonly [GroupReply, readonly MissedRow[] | null]>(
        GROUP,
        values,
        writes.length / BYTES_PER_MS,
      )
      // `canceling wait for synchronous replication` is a warning, and then comes success.
      if (row === undefined || connection.notices !== noticesBefore)
        return { kind: 'unknown', error: new Error('a notice came with a commit') }
      // Its server may be one that another has taken over from.
      if (this.#options.place.now !== place)
        return { kind: 'unknown', error: new Error('another server is taking over') }
      return { kind: 'written', reply: row[0], missed: row[1] ?? [] }
    } catch (error) {
      const isKnown = error instanceof DatabaseError && (await connection.isReady())
      if (error instanceof DatabaseError && error.code === ELSEWHERE) this.#elsewhere(connection, error)
      if (!isKnown || connection.notices !== noticesBefore) return { kind: 'unknown', error }
      // The address may have led to a standby for a moment: the next group opens another connection.
      if (!RETRIED.has(error.code ?? '') && !isOfContent(error)) connection.drop()
      return { kind: 'refused', error }
    }
  }

  #elsewhere(connection: Connection, { detail }: DatabaseError): void {
    connection.drop()
    this.#options.place.found(detail ?? '')
  }

  /**
   * What became of the group in flight: its reply, or undefined when it was not written and never will be. Each attempt asks
   * for a higher fence, because an earlier attempt may have been lost or may come late.
   */
  async #outcome(untilMs: number): Promise<GroupReply | undefined> {
    this.#connection?.drop()
    for (;;) {
      const found = await this.#raiseFence()
      if (found !== undefined) {
        this.#isUnknown = false
        return found.groupNo === this.#groupNo ? found.reply : undefined
      }
      if (performance.now() >= untilMs)
        throw new StoreUnavailable('the outcome of a group cannot be known: PostgreSQL is out of reach')
      await wait(PAUSE_MS)
    }
  }

  async #raiseFence(): Promise<{ readonly groupNo: number; readonly reply: GroupReply } | undefined> {
    const { nodeId, place } = this.#options
    const at = place.now
    if (at === undefined) return undefined
    let connection: Connection | undefined
    this.#asked += 1
    const asked = this.#asked
    try {
      connection = await this.#connect()
      const noticesBefore = connection.notices
      const rows = await connection.rows<FenceRow>(FENCE, [nodeId, this.#fence, asked, at])
      if (connection.notices !== noticesBefore) throw new Error('a notice came with a commit')
      // Its server may be one that another has taken over from.
      if (place.now !== at) throw new Error('another server is taking over')
      const [row] = rows
      if (row === undefined)
        throw this.#end('the fence of this node was raised by another process, or its row is gone')
      this.#fence = asked
      return { groupNo: row[0], reply: row[1] }
    } catch (error) {
      connection?.drop()
      if (error instanceof DatabaseError && error.code === ELSEWHERE) place.found(error.detail ?? '')
      if (this.#over !== undefined) throw error
      return undefined
    }
  }

  #refused(error: DatabaseError): StoreUnavailable {
    if (ENDING.has(error.code)) return this.#end(error.message)
    return new StoreUnavailable(`PostgreSQL refused a group: ${error.message}`, { cause: error })
  }

  #end(why: string): StoreUnavailable {
    this.#over = why
    this.#options.fenced(why)
    return new StoreUnavailable(why)
  }
}

function isOfContent({ code = '' }: DatabaseError): boolean {
  return CONTENT_CLASSES.includes(code.slice(0, 2))
}
