import type {
  Beat,
  FoldMarksOf,
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
import { Connection, type PostgresAddress } from './connection.ts'
import { instancesJson, nodeOf, readInstances } from './instance-rows.ts'
import { READING } from './lease-functions.ts'
import type { Reads } from './reads.ts'
import { isOnStandby } from './standby.ts'
import { PostgresUpkeep } from './upkeep.ts'

const REGISTER = 'INSERT INTO rescind.lease (node, counter, bound_ms) VALUES ($1, 0, $2)'
const HEARTBEAT = 'CALL rescind.heartbeat_1($1, $2, $3, $4, $5, $6, NULL, NULL, NULL, NULL)'
const MARK = 'SELECT forked FROM rescind.mark_1($1, $2, $3, $4, $5)'
const LEAVE =
  'WITH gone AS (DELETE FROM rescind.lease WHERE node = $1) DELETE FROM rescind.fold_mark WHERE node = $1'
/** Codes for a lease row that is gone or from before this node's last heartbeat, and for a store that was moved elsewhere. */
const ENDING: ReadonlySet<string | undefined> = new Set(['RS002', 'RS005'])

type LeaseJson = readonly [node: string, counter: number, boundMs: number]
type HeadJson = readonly [realm: number, seq: number, chain: string, forked: boolean]
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
  readonly place: string
  readonly reads: Reads
  /** Whether heartbeats and readings count only once a synchronous standby has what they show. */
  readonly requireSync: boolean
  /** Called once when the row is gone or older than it was: this process must end. */
  readonly fenced: (why: string) => void
  readonly onMarked: (marked: () => void) => void
}

/** Later than every transaction: a first heartbeat asks for no heads, because no log has been read yet. */
const NEVER_MOVED = '18446744073709551615'
/** Marks wake the others at most so often; they look by themselves, too. */
const NOTIFY_PAUSE_MS = 5
/** How long a heartbeat or a reading waits for a standby. */
const STANDBY_MS = 1_000

/** A row with a counter, and a mark per realm, by which the other nodes know what this one may still accept. */
export class PostgresLease implements NodesPort {
  readonly #parts: LeaseParts
  #beats: Connection | undefined
  #marks: Connection | undefined
  #counter = 0
  #confirmed = 0
  /** Heads that moved since then were not seen yet. */
  #since = NEVER_MOVED
  #told: NodesTold | undefined
  #notifiedAtMs = 0
  #marksNo = 0
  readonly #upkeep: PostgresUpkeep
  #isClosed = false
  #isLeaving = false

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#upkeep = new PostgresUpkeep(parts.nodeId, parts.reads)
  }

  get self(): string {
    return this.#parts.nodeId
  }

  async register(boundMs: number, told: NodesTold): Promise<void> {
    this.#told = told
    this.#parts.onMarked(told.marked)
    try {
      this.#beats = await Connection.open(this.#parts.address)
      await this.#beats.rows(REGISTER, [this.#parts.nodeId, boundMs])
    } catch (error) {
      throw new StoreUnavailable('PostgreSQL did not take this node', { cause: error })
    }
  }

  read(realms: readonly RealmOrdinal[]): Promise<Reading | undefined> {
    return unlessOut(async () => {
      const reading = await readLeases(this.#parts.reads, realms)
      const isSafe = await this.#isSafe((sql, values) => this.#parts.reads.rows(sql, values, 'urgent'))
      return isSafe ? reading : undefined
    })
  }

  /** If it fails, the others wait until the last heartbeat has lapsed. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#known('beats', LEAVE, [this.#parts.nodeId])
    this.close()
  }

  /** Undefined: its outcome is not known. One at a time. */
  async beat(instances: readonly InstanceRow[] = []): Promise<Beat | undefined> {
    const { nodeId, place } = this.#parts
    this.#counter += 1
    const counter = this.#counter
    const values = [nodeId, this.#confirmed, counter, place, this.#since, instancesJson(instances)]
    const row = await this.#known<BeatRow>('beats', HEARTBEAT, values)
    if (row === undefined || !(await this.#isBeatSafe())) return undefined
    const [since, nowMs, heads, leases] = row
    this.#confirmed = counter
    this.#since = since
    return { heads: headsOf(heads ?? []), forked: forkedIn(heads ?? []), rows: leases.map(rowOf), nowMs }
  }

  async #isBeatSafe(): Promise<boolean> {
    const connection = this.#beats
    try {
      return connection !== undefined && (await this.#isSafe((sql, values) => connection.rows(sql, values)))
    } catch {
      return false
    }
  }

  async #isSafe(ask: Parameters<typeof isOnStandby>[0]): Promise<boolean> {
    const { requireSync, place } = this.#parts
    return !requireSync || isOnStandby(ask, place, performance.now() + STANDBY_MS)
  }

  readInstances(since: string | undefined): Promise<InstancesRead | undefined> {
    return unlessOut(() => readInstances(this.#parts.reads, since))
  }

  /** False: the marks may not be there. */
  async mark(marks: FoldMarksOf, durably: boolean): Promise<boolean> {
    const json = [...marks].map(([r, { seq, chain }]) => {
      return { r, seq, chain: chain === undefined ? null : `\\x${chain.toString('hex')}` }
    })
    this.#marksNo += 1
    const values = [
      this.#parts.nodeId,
      this.#marksNo,
      JSON.stringify(json),
      durably,
      !durably && this.#mayNotify(),
    ]
    const row = await this.#known<readonly [readonly number[]]>('marks', MARK, values)
    if (row !== undefined && row[0].length > 0) this.#told?.forked(row[0].map(realmOrdinal))
    return row !== undefined
  }

  claimUpkeep(nowMs: number): Promise<UpkeepTurn> {
    return this.#upkeep.claim(nowMs)
  }

  get upkeepFence(): number | undefined {
    return this.#upkeep.fence
  }

  #mayNotify(): boolean {
    const nowMs = performance.now()
    if (nowMs - this.#notifiedAtMs < NOTIFY_PAUSE_MS) return false
    this.#notifiedAtMs = nowMs
    return true
  }

  close(): void {
    this.#isClosed = true
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
      if (error instanceof DatabaseError && ENDING.has(error.code) && !this.#isLeaving)
        this.#parts.fenced(error.message)
      return undefined
    }
  }

  /** Marks have a connection of their own: they do not wait for a heartbeat's commit. */
  async #connected(of: 'beats' | 'marks'): Promise<Connection> {
    const known = of === 'beats' ? this.#beats : this.#marks
    if (known !== undefined && !known.isLost) return known
    const opened = await Connection.open(this.#parts.address)
    if (this.#isClosed) opened.drop()
    if (of === 'beats') this.#beats = opened
    else this.#marks = opened
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
