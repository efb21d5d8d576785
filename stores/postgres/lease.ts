import type {
  Beat,
  FoldMarksOf,
  GroupCounts,
  Heads,
  InstanceRow,
  InstancesRead,
  LeaseRow,
  NodesPort,
  NodesTold,
  Reading,
  UpkeepTurn,
} from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal, StoreUnavailable } from '@rescind/core'
import { DatabaseError } from 'pg'
import { AnnouncedKeys } from './announced-keys.ts'
import { Connection, type PostgresAddress } from './connection.ts'
import { DeadNodes } from './dead-nodes.ts'
import { ENDING, Failures } from './failures.ts'
import { instancesJson, nodeOf, readInstances } from './instance-rows.ts'
import type { KnownHeads } from './known-heads.ts'
import { READING } from './lease-functions.ts'
import { marksJson } from './lease-json.ts'
import type { Reads } from './reads.ts'
import { ELSEWHERE, OTHER_SERVER, type ServerPlace } from './server-place.ts'
import { isOnStandby } from './standby.ts'
import { PostgresTakeover } from './takeover.ts'
import { PostgresUpkeep } from './upkeep.ts'

const REGISTER = `INSERT INTO rescind.lease (node, counter, bound_ms)
  SELECT $1, 0, $2 WHERE rescind.place_1() = $3 RETURNING node`
const HEARTBEAT = 'CALL rescind.heartbeat_1($1, $2, $3, $4, $5, $6, NULL, NULL, NULL, NULL)'
const MARK = 'SELECT forked FROM rescind.mark_1($1, $2, $3, $4, $5)'
/**
 * On a server that took over, this node's row says that it may know more than the others. Without a place: the node has
 * acknowledged nothing.
 */
const LEAVE = `WITH gone AS (DELETE FROM rescind.lease WHERE node = $1 AND rescind.place_1() = coalesce($2, rescind.place_1()))
  DELETE FROM rescind.fold_mark WHERE node = $1 AND rescind.place_1() = coalesce($2, rescind.place_1())`
/** A lock was waited for in vain. */
const LOCKED = '55P03'

type LeaseJson = readonly [node: string, counter: number, boundMs: number]
type HeadJson = readonly [
  realm: number,
  seq: number,
  chain: string,
  forked: boolean,
  groups: number,
  ordinal: number,
]
type BeatRow = readonly [
  xmin: string,
  nowMs: number,
  heads: readonly HeadJson[] | null,
  leases: readonly LeaseJson[],
]
type ReadingRow = readonly [
  leases: readonly (readonly [...LeaseJson, marks: readonly (readonly [number, number])[]])[] | null,
  heads: readonly (readonly [realm: number, seq: number])[],
]

export type LeaseParts = {
  readonly address: PostgresAddress
  readonly nodeId: string
  readonly place: ServerPlace
  readonly reads: Reads
  /** Whether heartbeats and readings count only once a synchronous standby has what they show. */
  readonly requireSync: boolean
  readonly known: KnownHeads
  /** The fence in this node's other row. */
  readonly fence: () => number
  readonly counts: GroupCounts
  /** Called once when the row is gone or older than it was: this process must end. */
  readonly fenced: (why: string) => void
  readonly onMarked: (marked: NodesTold['marked']) => void
  /** Told why heartbeats, marks or a takeover fail, for the operator. */
  readonly failed: (why: string) => void
}

/** Later than every transaction: a first heartbeat asks for no heads, because no log has been read yet. */
const NEVER_MOVED = '18446744073709551615'
/** How long a heartbeat or a reading waits for a standby. */
const STANDBY_MS = 1_000

/** A row with a counter, and a mark per realm, by which the other nodes know what this one may still accept. */
export class PostgresLease implements NodesPort {
  readonly takeover: PostgresTakeover
  readonly #parts: LeaseParts
  #beats: Connection | undefined
  #marks: Connection | undefined
  #counter = 0
  #confirmed = 0
  /** Heads that moved since then were not seen yet. */
  #since = NEVER_MOVED
  #told: NodesTold | undefined
  #marksNo = 0
  readonly #upkeep: PostgresUpkeep
  readonly #dead: DeadNodes
  readonly #keys: AnnouncedKeys
  readonly #failures: Failures
  #isClosed = false
  #isLeaving = false
  #boundMs = 0
  #seen: readonly string[] = []

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#upkeep = new PostgresUpkeep(parts.nodeId, parts.reads)
    this.#dead = new DeadNodes(parts.nodeId, parts.reads)
    this.#keys = new AnnouncedKeys(parts.nodeId, parts.reads)
    const { address, nodeId, place, known, fenced, fence, failed } = parts
    this.#failures = new Failures('heartbeats', failed)
    this.takeover = new PostgresTakeover({
      ...{ address, nodeId, place, known, fenced, failed },
      self: () => ({ counter: this.#counter, bound: this.#boundMs, fence: fence() }),
      seen: () => this.#seen,
      nextMarks: () => {
        this.#marksNo += 1
        return this.#marksNo
      },
    })
    place.onMoved(() => {
      // The successor's transactions need not have later numbers.
      this.#since = '0'
      this.#beats?.drop()
      this.#marks?.drop()
    })
  }

  get counts(): GroupCounts {
    return this.#parts.counts
  }

  get failure(): string | undefined {
    return this.#failures.last
  }

  get self(): string {
    return this.#parts.nodeId
  }

  async register(boundMs: number, told: NodesTold): Promise<void> {
    this.#told = told
    this.#boundMs = boundMs
    this.#parts.onMarked(told.marked)
    this.#parts.place.onTakenOver(told.takenOver)
    const registered = await this.#registered(boundMs)
    if (!registered) throw new StoreUnavailable(OTHER_SERVER)
  }

  /** False: another server answers than the one on which the store was opened. */
  async #registered(boundMs: number): Promise<boolean> {
    const { address, nodeId, place } = this.#parts
    const at = place.last
    try {
      this.#beats = await Connection.open(address)
      const rows = await this.#beats.rows(REGISTER, [nodeId, boundMs, at])
      return rows.length === 1 && place.now === at
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new StoreUnavailable(`PostgreSQL did not take this node: ${why}`, { cause: error })
    }
  }

  read(realms: readonly RealmOrdinal[]): Promise<Reading | undefined> {
    return unlessOut(async () => {
      const { reads, place } = this.#parts
      const reading = await readLeases(reads, realms)
      const isSafe = await this.#isSafe((sql, values) => reads.rows(sql, values, 'urgent'), place.now)
      return isSafe ? reading : undefined
    })
  }

  /** If it fails, the others wait until the last heartbeat has lapsed. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    const { nodeId, place } = this.#parts
    // Without a heartbeat it has never begun, wherever its row is.
    const at = this.#confirmed === 0 ? null : place.now
    if (at !== undefined) await this.#known('beats', LEAVE, [nodeId, at])
    this.close()
  }

  /** Undefined: its outcome is not known. One at a time. */
  async beat(instances: readonly InstanceRow[] = []): Promise<Beat | undefined> {
    const { nodeId, place, known } = this.#parts
    const at = place.now
    if (at === undefined) return undefined
    this.#counter += 1
    const counter = this.#counter
    const values = [nodeId, this.#confirmed, counter, at, this.#since, instancesJson(instances)]
    const row = await this.#known<BeatRow>('beats', HEARTBEAT, values)
    if (row === undefined || !(await this.#isBeatSafe(at)) || place.now !== at) return undefined
    const [since, nowMs, heads, leases] = row
    this.#failures.succeeded()
    this.#confirmed = counter
    this.#since = since
    this.#seen = leases.map(([node]) => nodeOf(node))
    for (const [realm, seq, chain, , groups, ordinal] of heads ?? [])
      known.note(realmOrdinal(realm), { seq, chain: Buffer.from(chain, 'hex'), groups, ordinal })
    return { heads: headsOf(heads ?? []), forked: forkedIn(heads ?? []), rows: leases.map(rowOf), nowMs }
  }

  async #isBeatSafe(place: string): Promise<boolean> {
    const connection = this.#beats
    try {
      if (connection === undefined) return false
      return await this.#isSafe((sql, values) => connection.rows(sql, values), place)
    } catch (error) {
      this.#failures.failed(error)
      return false
    }
  }

  async #isSafe(ask: Parameters<typeof isOnStandby>[0], place: string | undefined): Promise<boolean> {
    if (!this.#parts.requireSync) return true
    return place !== undefined && isOnStandby(ask, place, performance.now() + STANDBY_MS)
  }

  /** The successor's transactions need not have later numbers: what was read before it took over is no beginning there. */
  async readInstances(since: string | undefined): Promise<InstancesRead | undefined> {
    const { reads, place } = this.#parts
    const [at, from] = since?.split(' ') ?? []
    const read = await unlessOut(() => readInstances(reads, at === place.now ? from : undefined))
    return read === undefined ? undefined : { ...read, next: `${place.now} ${read.next}` }
  }

  /** False: the marks may not be there. */
  async mark(marks: FoldMarksOf, durably: boolean): Promise<boolean> {
    const { nodeId, place } = this.#parts
    const at = place.now
    if (at === undefined) return false
    this.#marksNo += 1
    const values = [nodeId, at, this.#marksNo, marksJson(marks), durably]
    const row = await this.#known<readonly [readonly number[]]>('marks', MARK, values)
    // It may have been written on a server that another one has taken over from.
    if (place.now !== at) return false
    if (row !== undefined && row[0].length > 0) this.#told?.forked(row[0].map(realmOrdinal))
    return row !== undefined
  }

  claimUpkeep(nowMs: number): Promise<UpkeepTurn> {
    return this.#upkeep.claim(nowMs)
  }

  forgetDead(nowMs: number): Promise<void> {
    return this.#dead.forget(nowMs)
  }

  announceKeys(ids: readonly string[]): Promise<void> {
    return this.#keys.announce(ids)
  }

  announcedKeys(): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#keys.read()
  }

  get upkeepFence(): number | undefined {
    return this.#upkeep.fence
  }

  close(): void {
    this.#isClosed = true
    this.takeover.close()
    this.#beats?.drop()
    this.#marks?.drop()
  }

  /** The row of a statement that was committed for certain: without a notice, and on a connection that lives. */
  async #known<Row>(
    of: 'beats' | 'marks',
    sql: string,
    values: readonly (string | number | boolean | null)[],
  ): Promise<Row | undefined> {
    try {
      const connection = await this.#connected(of)
      const before = connection.notices
      const [row] = await connection.rows<Row>(sql, values)
      return connection.notices === before ? row : undefined
    } catch (error) {
      if (!this.#isClosed) this.#failures.failed(error)
      if (!(error instanceof DatabaseError)) return undefined
      if (ENDING.has(error.code) && !this.#isLeaving) this.#parts.fenced(error.message)
      // The address may have led to a standby for a moment: the next attempt opens another connection.
      if (error.code !== LOCKED) this.#drop(of)
      if (error.code === ELSEWHERE) this.#parts.place.found(error.detail ?? '')
      return undefined
    }
  }

  #drop(of: 'beats' | 'marks'): void {
    if (of === 'beats') this.#beats?.drop()
    else this.#marks?.drop()
  }

  /** Marks have a connection of their own: they do not wait for a heartbeat's commit. */
  async #connected(of: 'beats' | 'marks'): Promise<Connection> {
    const known = of === 'beats' ? this.#beats : this.#marks
    if (known !== undefined && !known.isLost) return known
    if (this.#isClosed) throw new StoreUnavailable('the store is closed')
    const opened = await Connection.open(this.#parts.address)
    if (this.#isClosed) opened.drop()
    if (of === 'beats') {
      this.#beats = opened
      if (known !== undefined) this.#told?.reconnected()
    } else this.#marks = opened
    return opened
  }
}

async function unlessOut<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined
    throw error
  }
}

/** @throws StoreUnavailable. */
async function readLeases(reads: Reads, realms: readonly RealmOrdinal[]): Promise<Reading> {
  const [row] = await reads.rows<ReadingRow>(READING, [`{${realms.join(',')}}`], 'urgent')
  const [leases, heads] = row ?? [null, []]
  return {
    rows: (leases ?? []).map(([node, counter, boundMs, marks]) => ({
      ...{ node: nodeOf(node), counter, boundMs },
      marks: new Map(marks.map(([realm, seq]) => [realmOrdinal(realm), seq])),
    })),
    heads: new Map(heads.map(([realm, seq]) => [realmOrdinal(realm), seq])),
  }
}

function headsOf(heads: readonly HeadJson[]): Heads {
  return new Map(
    heads.map(([realm, seq, chain]) => [realmOrdinal(realm), { seq, chain: Buffer.from(chain, 'hex') }]),
  )
}

function forkedIn(heads: readonly HeadJson[]): readonly RealmOrdinal[] {
  return heads.filter(([, , , forked]) => forked).map(([realm]) => realmOrdinal(realm))
}

function rowOf([node, counter, boundMs]: LeaseJson): LeaseRow {
  return { node: nodeOf(node), counter, boundMs, marks: new Map() }
}
