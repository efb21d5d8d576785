import { randomBytes } from 'node:crypto'
import {
  carriedRow,
  type FoldMarksOf,
  type FoundHead,
  type InstanceRow,
  type KnownHead,
  lackingIn,
  type Settling,
  type Situation,
  type TakeoverPort,
  type Testimony,
} from '@rescind/authority'
import { position, type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { type ChainedLogRow, decodeRule, encodeRule, ROW_KINDS } from '@rescind/core/log'
import { Connection, type PostgresAddress } from './connection.ts'
import { Failures } from './failures.ts'
import { instancesJson, nodeOf } from './instance-rows.ts'
import type { KnownHeads } from './known-heads.ts'
import { marksJson } from './lease-json.ts'
import { isSuccessor, type ServerPlace } from './server-place.ts'
import { CLOSE_GATE, EPOCH_HEADS, FOUND } from './takeover-functions.ts'

const TESTIFY =
  'SELECT settled, joined, own, lacking, silent FROM rescind.testify_1($1, $2, $3, $4, $5, $6, $7, $8)'
const JOIN = 'SELECT rescind.join_1($1, $2, $3, $4)'
const SETTLE = 'SELECT rescind.settle_1($1, $2)'
const MARK = 'SELECT forked FROM rescind.mark_1($1, $2, $3, $4, true)'
/** Records that are named to the operator. */
const LOST_NAMED_MAX = 100
const EPOCH_AUDIT =
  '{"by":"server","from":"local","how":"store.takeover","why":"a server took over that lacks what was acknowledged"}'

type FoundJson = readonly [realm: number, seq: number, groups: number, chainAt: string | null]
type FoundRow = readonly [place: string, settled: boolean, heads: readonly FoundJson[] | null]
type Found = {
  readonly place: string
  readonly isSettled: boolean
  readonly heads: ReadonlyMap<RealmOrdinal, FoundHead>
}
type TestifiedRow = readonly [
  settled: boolean,
  joined: boolean,
  own: readonly number[],
  lacking: readonly number[],
  silent: readonly string[],
]
type EpochHead = readonly [realm: number, seq: number, ordinal: number]

export type TakeoverOptions = {
  readonly address: PostgresAddress
  readonly nodeId: string
  readonly place: ServerPlace
  readonly known: KnownHeads
  /** What this node's own rows held at least. */
  readonly self: () => { readonly counter: number; readonly bound: number; readonly fence: number }
  /** The nodes that the last heartbeat showed. */
  readonly seen: () => readonly string[]
  /** The number of another call that writes marks. */
  readonly nextMarks: () => number
  readonly fenced: (why: string) => void
  readonly failed: (why: string) => void
}

/** What this node does when a standby of its server has taken over, in the tables of the server that did. */
export class PostgresTakeover implements TakeoverPort {
  readonly #options: TakeoverOptions
  readonly #failures: Failures
  #connection: Connection | undefined
  /** Records whose last change the successor lacks. */
  readonly #lost: Set<string> = new Set()
  /** What was said last; its rows are there already. */
  #testified = ''

  constructor(options: TakeoverOptions) {
    this.#options = options
    this.#failures = new Failures('another server has taken over', options.failed)
  }

  testify(testimony: Testimony, instances: readonly InstanceRow[] = []): Promise<Situation | undefined> {
    return this.#asked(undefined, async (connection) => {
      const known = this.#options.known.with(testimony.heads)
      const found = await this.#found(connection, known)
      if (found === undefined) return undefined
      const { place, heads } = found
      const ownLacking = lackingIn(known, heads)
      const inEpoch = (r: RealmOrdinal) => ({
        r,
        ordinal: known.get(r)?.ordinal ?? 0,
        seq: known.get(r)?.seq,
      })
      const lacks = ownLacking.map(inEpoch)
      const wrote = [...this.#options.known.written].map(inEpoch)
      const testified = `${place} ${JSON.stringify(lacks)}`
      const carried = { testimony, known, ...found }
      for (const realm of ownLacking)
        for (const name of changesIn(realm, lostRows(realm, carried))) this.#lost.add(name)
      const rows =
        testified === this.#testified ? [] : ownLacking.flatMap((realm) => carriedJson(realm, carried))
      const { nodeId, self, seen } = this.#options
      const [row] = await connection.rows<TestifiedRow>(
        TESTIFY,
        [
          ...[nodeId, place, JSON.stringify(self()), JSON.stringify(lacks), JSON.stringify(wrote)],
          ...[`{${seen().join(',')}}`, JSON.stringify(rows), instancesJson(instances)],
        ],
        rows.length + instances.length,
      )
      if (row === undefined) return undefined
      this.#testified = testified
      const [isSettled, isJoined, own, lacking, silent] = row
      return {
        ...{ place, isSettled, isJoined },
        ...{ ownLacking: own.map(realmOrdinal), lacking: lacking.map(realmOrdinal) },
        silent: silent.map(nodeOf),
      }
    })
  }

  async settle(decision: Settling, place: string): Promise<boolean> {
    const done = await this.#asked(false, async (connection) => {
      if (decision.kind === 'go-on') await connection.rows(SETTLE, [place, true])
      else await this.#join(connection, place, decision.realms)
      return true
    })
    return done
  }

  async goOn(place: string, marks: FoldMarksOf): Promise<boolean> {
    const { nodeId, place: server, nextMarks } = this.#options
    const isMarked = await this.#asked(false, async (connection) => {
      await connection.rows(MARK, [nodeId, place, nextMarks(), marksJson(marks)])
      return true
    })
    if (!isMarked) return false
    this.close()
    this.#failures.succeeded()
    server.goOn(place)
    return true
  }

  end(): void {
    const records = [...this.#lost].slice(0, LOST_NAMED_MAX).join(', ')
    const more = this.#lost.size > LOST_NAMED_MAX ? `, and ${this.#lost.size - LOST_NAMED_MAX} more` : ''
    this.#options.fenced(
      `a new epoch has begun, and what this process remembers may be lost: start it again${
        records === '' ? '' : `; changes of these records are lost: ${records}${more}`
      }`,
    )
  }

  close(): void {
    this.#connection?.drop()
  }

  /** If it fails, the connection is dropped, and the transaction with it. */
  async #join(connection: Connection, place: string, realms: readonly RealmOrdinal[] | 'all'): Promise<void> {
    await connection.rows('BEGIN ISOLATION LEVEL READ COMMITTED')
    await connection.rows(CLOSE_GATE)
    const heads = await connection.rows<EpochHead>(EPOCH_HEADS)
    const epochs = heads.flatMap(([r, seq, last]) => {
      if (realms !== 'all' && !realms.includes(realmOrdinal(r))) return []
      const ordinal = last + 1
      const [epochId, lostBelow] = [randomBytes(16).toString('base64url'), position(ordinal, seq + 1)]
      const rule = encodeRule({ kind: 'epoch', ordinal, epochId, lostBelow }, '')
      return [{ r, seq, ordinal, rule: `\\x${rule.toString('hex')}` }]
    })
    const values = [place, JSON.stringify(epochs), ROW_KINDS.epoch.code, EPOCH_AUDIT]
    await connection.rows(JOIN, values, epochs.length)
    await connection.rows('COMMIT')
  }

  /** Undefined: no server that took over answers. */
  async #found(
    connection: Connection,
    known: ReadonlyMap<RealmOrdinal, KnownHead>,
  ): Promise<Found | undefined> {
    const asked = [...known].map(([r, { seq }]) => ({ r, seq }))
    const [row] = await connection.rows<FoundRow>(FOUND, [JSON.stringify(asked)])
    const [place, isSettled, heads] = row ?? ['', false, null]
    if (!isSuccessor(place, this.#options.place.last)) {
      connection.drop()
      return undefined
    }
    const found = (heads ?? []).map(([realm, seq, groups, chainAt]) => {
      const chain = chainAt === null ? undefined : Buffer.from(chainAt, 'hex')
      return [realmOrdinal(realm), { seq, groups, chainAt: chain }] as const
    })
    return { place, isSettled, heads: new Map(found) }
  }

  /** What was committed for certain: without a notice. Everything asked here may be asked again. */
  async #asked<T>(unknown: T, ask: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      if (this.#connection === undefined || this.#connection.isLost)
        this.#connection = await Connection.open(this.#options.address)
      const before = this.#connection.notices
      const done = await ask(this.#connection)
      return this.#connection.notices === before ? done : unknown
    } catch (error) {
      this.#connection?.drop()
      this.#failures.failed(error)
      return unknown
    }
  }
}

type Carried = Found & {
  readonly testimony: Testimony
  readonly known: ReadonlyMap<RealmOrdinal, KnownHead>
}

/** Where two logs part is known only while nobody has written to the other one: later, all rows that are remembered. */
function lostRows(
  realm: RealmOrdinal,
  { testimony, known, heads, isSettled }: Carried,
): readonly ChainedLogRow[] {
  const [found, head] = [heads.get(realm), known.get(realm)]
  if (head === undefined || found?.chainAt?.equals(head.chain) === true) return []
  const isParted = !isSettled && found !== undefined && found.seq < head.seq
  return testimony.rowsAfter(realm, isParted ? found.seq : 0)
}

function carriedJson(realm: RealmOrdinal, of: Carried): readonly object[] {
  return lostRows(realm, of).flatMap((row) => {
    const carried = carriedRow(row, of.known.get(realm)?.ordinal ?? 0)
    if (carried === undefined) return []
    const { seq, chain, kind, rule, audit } = carried
    return [{ r: realm, seq, kind, audit, chain: bytea(chain), rule: bytea(rule) }]
  })
}

function changesIn(realm: RealmOrdinal, rows: readonly ChainedLogRow[]): readonly string[] {
  return rows.flatMap((row) => {
    const rule = decodeRule(row)
    return rule.kind === 'change' ? [`realm ${realm} ${rule.collection}/${rule.id}`] : []
  })
}

function bytea(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes).toString('hex')}`
}
