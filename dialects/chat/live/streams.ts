import type { Realm } from '@rescind/authority'
import { Overloaded, type RealmOrdinal } from '@rescind/core'
import { type LogRow, rowKindOf } from '@rescind/core/log'
import type { Answer } from '../../wire/answer.ts'
import { newestOfMost } from '../../wire/shares.ts'
import { appKey, type ChatBounds } from '../bounds.ts'
import type { AdminAct, AdminAsk } from '../call.ts'
import {
  CHAT_APPS,
  CHAT_CLIENTS,
  clientRecordId,
  isAllowedFrom,
  isClientId,
  liveApiKeysOf,
} from '../directory.ts'
import { fail, tooMany } from '../envelope.ts'
import { readQuery } from '../query.ts'
import { Expiries } from './expiries.ts'
import { RecentRows } from './recent-rows.ts'
import { LiveStream } from './stream.ts'

/** Interval between two signs of life. */
const BEAT_MS = 15_000
/** How often expired tokens are looked up. */
const EXPIRY_MS = 1_000
const FULL_SECONDS = 15

/** What the server provides: rows as they are folded, and a timer that stops with the server. */
export type LivePort = {
  readonly onRow: (listener: (realm: RealmOrdinal, row: LogRow) => void) => void
  /** Another process has closed a realm. */
  readonly onClosed: (listener: () => void) => void
  readonly every: (ms: number, task: () => void | Promise<void>) => void
}

type RealmStreams = {
  readonly realm: Realm
  readonly rows: RecentRows
  readonly expiries: Expiries
  readonly open: Set<LiveStream>
}

/** All open streams. They tell a chat server that holds sockets at once which of them to close. */
export class LiveStreams {
  readonly #bounds: ChatBounds
  readonly #realms: Map<RealmOrdinal, RealmStreams> = new Map()
  readonly #perApp: Map<string, number> = new Map()
  #open = 0
  #closed = false
  #looking = false

  constructor(port: LivePort, bounds: ChatBounds) {
    this.#bounds = bounds
    port.onRow((ordinal, row) => {
      // A realm is closed by a change of its record, which is in another realm's log.
      if (rowKindOf(row) === 'change') this.#endClosed()
      const streams = this.#realms.get(ordinal)
      if (streams === undefined) return
      streams.rows.add(row)
      for (const stream of streams.open) stream.wake()
    })
    port.onClosed(() => this.#endClosed())
    port.every(BEAT_MS, () => this.beat())
    port.every(EXPIRY_MS, () => this.#tellExpired())
  }

  get open(): number {
    return this.#open
  }

  beat(): void {
    for (const { open } of this.#realms.values()) for (const stream of open) stream.beat()
  }

  /** Ends all streams and refuses new ones. */
  close(): void {
    this.#closed = true
    for (const { open } of this.#realms.values()) for (const stream of open) stream.end()
  }

  /** `GET /admin/revocations`. */
  readonly ofApp: AdminAct = (realm, ask) => this.#answer(realm, ask, undefined)

  /** `GET /admin/clients/:client-id/revocations`. */
  readonly ofClient: AdminAct = async (realm, ask) => {
    if (!isClientId(ask.client)) return fail('INVALID_REQUEST', 'A client id has 1 to 256 characters.')
    const id = clientRecordId(ask.admin.app.name, ask.client)
    const known = await realm.directory.get(CHAT_CLIENTS, id)
    return known === undefined ? fail('CLIENT_NOT_FOUND') : this.#answer(realm, ask, ask.client)
  }

  async #answer(realm: Realm, ask: AdminAsk, client: string | undefined): Promise<Answer> {
    const query = readQuery(ask.request, [])
    if (query.kind === 'refused') return query.answer
    const start = await startOf(realm, ask)
    if (this.#closed) throw new Overloaded('the server is stopping')
    const app = appKey(realm, ask.admin.app.name)
    if ((this.#perApp.get(app) ?? 0) >= this.#bounds.streamsPerAppMax || !this.#hasRoom(realm, app))
      return tooMany(FULL_SECONDS, 'Too many streams are open.')
    const open = this.#perApp.get(app) ?? 0
    this.#open += 1
    this.#perApp.set(app, open + 1)
    const streams = this.#of(realm)
    const stream: LiveStream = new LiveStream({
      app,
      realm,
      audience: { source: ask.admin.source, client },
      rows: streams.rows,
      ...start,
      mayStay: () => mayStay(realm, ask),
      isOwnApp: (collection, id) => collection === CHAT_APPS.name && id === ask.admin.app.name,
      onEnd: () => this.#ended(realm, app, stream),
    })
    streams.open.add(stream)
    if (realm.isClosed) stream.endWithRealm()
    return stream.answer()
  }

  /**
   * Makes room when all places are taken, by ending a stream of the realm with most streams, or else of the caller's
   * own realm. Within that realm, the app with most streams gives one up.
   */
  #hasRoom({ ordinal }: Realm, app: string): boolean {
    if (this.#open < this.#bounds.streamsMax) return true
    const all = [...this.#realms].flatMap(([realm, { open }]) =>
      Array.from(open, (stream) => ({ realm, stream })),
    )
    const other = newestOfMost(all, ({ realm }) => realm, ordinal)
    const within = all.filter(({ realm }) => realm === (other?.realm ?? ordinal))
    const last = newestOfMost(within, ({ stream }) => stream.app, app) ?? other
    last?.stream.giveWay()
    return last !== undefined
  }

  /** Realm by realm. A run that takes longer than the interval is not started again meanwhile. */
  async #tellExpired(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      for (const { expiries, open } of this.#realms.values()) await expiries.tell(open)
    } finally {
      this.#looking = false
    }
  }

  #endClosed(): void {
    for (const { realm, open } of this.#realms.values())
      if (realm.isClosed) for (const stream of open) stream.endWithRealm()
  }

  #of(realm: Realm): RealmStreams {
    const known = this.#realms.get(realm.ordinal)
    if (known !== undefined) return known
    const [rows, expiries] = [new RecentRows(realm), new Expiries(realm)]
    const made: RealmStreams = { realm, rows, expiries, open: new Set() }
    this.#realms.set(realm.ordinal, made)
    return made
  }

  #ended(realm: Realm, app: string, stream: LiveStream): void {
    const streams = this.#realms.get(realm.ordinal)
    if (streams?.open.delete(stream) !== true) return
    if (streams.open.size === 0) this.#realms.delete(realm.ordinal)
    this.#open -= 1
    const left = (this.#perApp.get(app) ?? 1) - 1
    if (left === 0) this.#perApp.delete(app)
    else this.#perApp.set(app, left)
  }
}

type Start = { readonly after: number; readonly reset: boolean }

/**
 * Where a stream begins: at the head, or after the reader's last event. An event that this log does not hold (unknown,
 * before a restore, or trimmed) gives a reset.
 */
async function startOf(realm: Realm, { request }: AdminAsk): Promise<Start> {
  const last = request.header('last-event-id')
  const anchor = await realm.store.anchor(realm.ordinal)
  const { seq, epochId } = realm.index
  if (last === undefined || last === '') return { after: seq, reset: false }
  const split = last.lastIndexOf('.')
  const text = last.slice(split + 1)
  const after = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  const isKnown = last.slice(0, Math.max(0, split)) === epochId && after >= anchor.seq && after <= seq
  return isKnown ? { after, reset: false } : { after: seq, reset: true }
}

/** The app must be enabled and still accept the key that opened the stream, from this address. */
async function mayStay(realm: Realm, { admin, request }: AdminAsk): Promise<boolean> {
  const now = await realm.directory.get(CHAT_APPS, admin.app.name)
  if (now === undefined || now.value.disabled === true) return false
  const presented = admin.keyDigest ?? admin.app.apiKeyDigest
  return liveApiKeysOf(now.value).includes(presented) && isAllowedFrom(now.value, request.from)
}
