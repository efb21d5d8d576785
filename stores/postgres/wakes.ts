import { setTimeout as wait } from 'node:timers/promises'
import type { NodesTold } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import type { Watches } from '../watches.ts'
import { Connection, type PostgresAddress } from './connection.ts'
import { mustBeFailure } from './failures.ts'
import type { ServerPlace } from './server-place.ts'

/** How often the heads are looked at, whatever notifications say. */
const POLL_MS = 100
/** Pause before a lost subscription is taken up again. */
const RELISTEN_MS = 1_000
/** Pause after a first notification until the next one: each commit of one takes a lock of the whole instance. */
const NOTIFY_PAUSE_MS = 5
/** Realms that one notification names; with more, it says only that something moved. */
const NAMED_MAX = 100

/**
 * Heads that moved since the last look. Transactions that were under way then have an xid at or above its `xmin`, so none is
 * missed, however late it commits.
 */
export const MOVED = `SELECT s.xmin::text, s.place, h.realm, h.seq FROM
  (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin, rescind.place_1() AS place) s
  LEFT JOIN rescind.head h ON h.moved_by >= $1::xid8`
/** Nothing of it has to be durable. */
const NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify('rescind', $1)"

export type Moved = readonly [xmin: string, place: string, realm: number | null, seq: number | null]

/**
 * Tells the watches of a store which logs other processes have moved: at once by NOTIFY, and by looking at the heads. Without
 * notifications, or behind a pooler that has none, it is only slower.
 */
export class Wakes {
  readonly #address: PostgresAddress
  readonly #place: ServerPlace
  readonly #watches: Watches
  readonly #self: string
  readonly #seen: Map<number, number> = new Map()
  #xmin = '0'
  #poller: Connection | undefined
  #listener: Connection | undefined
  #notifier: Connection | undefined
  #isNotifying = false
  readonly #toNotify: Set<RealmOrdinal> = new Set()
  #isClosed = false
  #marked: NodesTold['marked'] = () => {}

  constructor(address: PostgresAddress, place: ServerPlace, { watches, nodeId }: Woken) {
    this.#address = address
    this.#place = place
    this.#watches = watches
    this.#self = nodeId
    place.onMoved(() => {
      // The successor's transactions need not have later numbers.
      this.#xmin = '0'
      this.#seen.clear()
      this.#drop()
    })
  }

  start(): void {
    void this.#pollOn()
    void this.#listenOn()
  }

  /** Another node has moved its fold marks. */
  onMarked(marked: NodesTold['marked']): void {
    this.#marked = marked
  }

  /** Call after rows were committed to these realms. */
  notify(realms: Iterable<RealmOrdinal>): void {
    for (const realm of realms) this.#toNotify.add(realm)
    if (!this.#isNotifying) void this.#notifyOn()
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  #drop(): void {
    for (const connection of [this.#poller, this.#listener, this.#notifier]) connection?.drop()
  }

  async #pollOn(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#poller = await this.#open(this.#poller)
        const poller = this.#poller
        const rows = await poller.rows<Moved>(MOVED, [this.#xmin])
        if (!poller.isLost) this.#look(rows)
      } catch (error) {
        mustBeFailure(error)
        // Whoever waits for rows goes on waiting; the next look opens another connection.
        this.#poller?.drop()
      }
      await wait(POLL_MS, undefined, { ref: false })
    }
  }

  #look(rows: readonly Moved[]): void {
    const [first] = rows
    if (first === undefined) return
    if (first[1] !== this.#place.now) {
      this.#place.found(first[1])
      this.#poller?.drop()
      return
    }
    this.#xmin = first[0]
    for (const [, , realm, seq] of rows) {
      if (realm === null || seq === null || this.#seen.get(realm) === seq) continue
      this.#seen.set(realm, seq)
      this.#watches.moved(realmOrdinal(realm))
    }
    this.#watches.retry()
  }

  async #listenOn(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#listener = await this.#open(undefined)
        this.#listener.onNotification((payload) => this.#notified(payload))
        await this.#listener.run('LISTEN rescind')
        await this.#listener.ended()
      } catch (error) {
        mustBeFailure(error)
        this.#listener?.drop()
      }
      await wait(RELISTEN_MS, undefined, { ref: false })
    }
  }

  #notified(payload: string): void {
    const [from = '', realms = '', said = ''] = payload.split(':')
    if (from === this.#self) return
    if (realms === 'marked') {
      this.#marked(said === '' ? undefined : { node: from, seqs: seqsIn(said) })
      return
    }
    if (realms === '') this.#watches.allMoved()
    else for (const realm of realms.split(',')) this.#watches.moved(realmOrdinal(Number(realm)))
  }

  /** Never rejects: the others look at the heads anyway. */
  async #notifyOn(): Promise<void> {
    this.#isNotifying = true
    while (this.#toNotify.size > 0 && !this.#isClosed) {
      const realms = [...this.#toNotify]
      this.#toNotify.clear()
      try {
        this.#notifier = await this.#open(this.#notifier)
        const named = realms.length > NAMED_MAX ? '' : realms.join(',')
        await this.#notifier.rows(NOTIFY, [`${this.#self}:${named}`])
      } catch (error) {
        mustBeFailure(error)
        this.#notifier?.drop()
      }
      await wait(NOTIFY_PAUSE_MS, undefined, { ref: false })
    }
    this.#isNotifying = false
  }

  async #open(connection: Connection | undefined): Promise<Connection> {
    if (connection !== undefined && !connection.isLost) return connection
    const opened = await Connection.open(this.#address)
    if (this.#isClosed) opened.drop()
    return opened
  }
}

/** `realm=seq` pairs, as `mark_1` writes them. */
function seqsIn(said: string): ReadonlyMap<RealmOrdinal, number> {
  return new Map(
    said.split(',').map((pair) => {
      const [realm, seq] = pair.split('=')
      return [realmOrdinal(Number(realm)), Number(seq)]
    }),
  )
}

export type Woken = { readonly watches: Watches; readonly nodeId: string }
