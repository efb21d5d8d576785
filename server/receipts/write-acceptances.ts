import {
  type Dropped,
  type ExpiringEntry,
  ISSUERS,
  issuerId,
  joined,
  type Note,
  type Operation,
  type Realm,
} from '@rescind/authority'
import { type Handle, KEEP_MARGIN_MS, type RealmOrdinal, RecentMap } from '@rescind/core'
import { AcceptanceStock } from './acceptance-stock.ts'
import { lastUseEntry } from './last-use.ts'
import {
  type Accepted,
  acceptedEntry,
  droppedEntry,
  entryId,
  hashOf,
  merged,
  nameOf,
  storedAcceptance,
} from './stored-acceptances.ts'

/**
 * How long it stays known who accepted a token after the token has ended, unless the audit is forgotten sooner: a week to ask
 * in. An evidence file keeps it for good.
 */
export const ACCEPTANCES_KEPT_MS: number = 7 * 86_400_000
/** Acceptances per write, most of them two operations: a flush of some milliseconds. */
const BATCH = 100
/** How often a batch is tried again when other nodes wrote the same. */
const TRIES_MAX = 8
/** Drops of one acceptor within this time are one entry. */
const DROPPED_SPAN_MS = 3_600_000

type OfRealm = {
  readonly stock: AcceptanceStock
  /** Tells this process's entries about drops from those of others. */
  readonly process: string
  /** What was written of drops in this span, by id. */
  readonly dropped: Map<string, Dropped>
  spanMs: number
  /** What this process wrote lately, so that it is not read again each minute; not where others write, too. */
  readonly lately: Lately | undefined
}

type Lately = { readonly entries: RecentMap<string, Stored>; readonly uses: RecentMap<Handle, number> }

/** Entries that are remembered of each kind. */
const LATELY_MAX = 65_536

/** What is to be written of a note; undefined: it cannot be kept. */
type Planned =
  | {
      readonly id: string
      readonly operations: readonly Operation[]
      readonly isNew: boolean
      /** The entry as it is then stored. */
      readonly stored: Stored
      /** When the token ends, if it is known still. */
      readonly endsMs: number | undefined
    }
  | undefined

type Stored = { readonly accepted: Accepted | undefined; readonly expiresAtMs: number }
type LastUse = { readonly handle: Handle; readonly minuteMs: number; readonly entry: ExpiringEntry }

/** Writes what was noted of accepted tokens, in batches, away from the requests and never in a group with revocations. */
export class AcceptanceWriter {
  readonly #keptMs: number
  readonly #realms: Map<RealmOrdinal, OfRealm> = new Map()

  constructor(auditRetentionMs: number) {
    this.#keptMs = Math.max(KEEP_MARGIN_MS, Math.min(ACCEPTANCES_KEPT_MS, auditRetentionMs))
  }

  /** @throws StoreUnavailable, Overloaded. */
  async write(realm: Realm, isStopped: () => boolean): Promise<void> {
    const { acceptances } = realm
    if (acceptances.size > 0) await this.#of(realm).stock.settle(realm.nowMs(), isStopped)
    while (!isStopped()) {
      const some = acceptances.some(BATCH)
      if (some.length === 0) break
      await this.#writeSome(realm, some)
      acceptances.written(some)
    }
    if (!isStopped()) await this.#writeDropped(realm)
    // What is remembered of a realm takes megabytes, and nobody accepts its tokens any more.
    if (realm.isClosed) this.#realms.delete(realm.ordinal)
  }

  /** The last write of a process: what there is no time for is counted as dropped. @throws StoreUnavailable, Overloaded. */
  async writeLast(realm: Realm, isLate: () => boolean): Promise<void> {
    await this.write(realm, isLate)
    realm.acceptances.dropAll()
    await this.#writeDropped(realm)
  }

  async #writeSome(realm: Realm, some: readonly Note[]): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const planned = await Promise.all(some.map((note) => this.#planned(realm, note)))
      const uses = await this.#uses(realm, some, planned)
      const operations: Operation[] = planned.flatMap((one) => one?.operations ?? [])
      for (const { entry } of uses) operations.push({ kind: 'put-expiring', entry })
      if (operations.length > 0) {
        const write = { dependsOn: [], expects: [], operations, isBackground: true } as const
        const outcome = await realm.commit({ realm: realm.ordinal, ...write })
        if (outcome.kind !== 'applied') continue
      }
      for (const { handle, minuteMs } of uses) this.#of(realm).lately?.uses.set(handle, minuteMs)
      for (const [at, note] of some.entries()) this.#settled(realm, note, planned[at])
      return
    }
    for (const note of some) this.#settled(realm, note, undefined)
  }

  #settled(realm: Realm, note: Note, planned: Planned): void {
    const { acceptor, firstMs: sinceMs, lastMs: untilMs } = note
    if (planned === undefined) {
      realm.acceptances.drop(acceptor, { count: 1, sinceMs, untilMs })
      return
    }
    const { stock, lately } = this.#of(realm)
    if (planned.isNew) stock.added(nameOf(note), acceptor)
    lately?.entries.set(planned.id, planned.stored)
  }

  async #planned(realm: Realm, note: Note): Promise<Planned> {
    const name = nameOf(note)
    const id = entryId(name, note.acceptor)
    const { lately, stock } = this.#of(realm)
    const [stored, endsMs] = await Promise.all([
      lately?.entries.get(id) ?? storedAcceptance(realm, id),
      endOf(realm, note),
    ])
    if (stored === undefined && !stock.hasRoom(name, note.acceptor)) return undefined
    if (endsMs === undefined)
      return stored === undefined ? undefined : { id, stored, operations: [], isNew: false, endsMs }
    const accepted = stored?.accepted === undefined ? note : merged(stored.accepted, note)
    const expiresAtMs = Math.max(stored?.expiresAtMs ?? 0, endsMs + this.#keptMs)
    const put: Operation = { kind: 'put-expiring', entry: acceptedEntry(id, accepted, expiresAtMs) }
    const plan = { id, stored: { accepted, expiresAtMs }, isNew: stored === undefined, endsMs }
    // Another node may be the first to write about this token and acceptor: then both are merged.
    if (stored === undefined) return { ...plan, operations: [{ ...put, unlessAliveAtMs: realm.nowMs() }] }
    return { ...plan, operations: isSame(accepted, stored.accepted) ? [] : [put] }
  }

  /** The last uses that are not stored yet: one for each of our tokens, whoever accepted it last. */
  async #uses(realm: Realm, some: readonly Note[], planned: readonly Planned[]): Promise<readonly LastUse[]> {
    const uses = new Map<Handle, Omit<LastUse, 'entry'> & { readonly expiresAtMs: number }>()
    for (const [at, note] of some.entries()) {
      const [handle, minuteMs, expiresAtMs] = [nameOf(note), note.lastMs, planned[at]?.endsMs]
      if (typeof handle !== 'string' || expiresAtMs === undefined) continue
      if ((uses.get(handle)?.minuteMs ?? 0) < minuteMs) uses.set(handle, { handle, minuteMs, expiresAtMs })
    }
    const { lately } = this.#of(realm)
    const all = [...uses.values()].map(async (use): Promise<LastUse | undefined> => {
      const entry = await lastUseEntry(realm, use, lately?.uses.get(use.handle))
      return entry === undefined ? undefined : { ...use, entry }
    })
    return (await Promise.all(all)).filter((one) => one !== undefined)
  }

  async #writeDropped(realm: Realm): Promise<void> {
    const taken = realm.acceptances.takeDropped()
    if (taken.length === 0) return
    const of = this.#of(realm)
    const nowMs = realm.nowMs()
    const spanMs = nowMs - (nowMs % DROPPED_SPAN_MS)
    if (spanMs !== of.spanMs) of.dropped.clear()
    of.spanMs = spanMs
    const all = taken.map(({ acceptor, dropped }) => {
      const id = `${hashOf(acceptor)}.${spanMs}.${of.process}`
      const known = of.dropped.get(id)
      return { id, acceptor, dropped: known === undefined ? dropped : joined(known, dropped) }
    })
    const operations = all.map(
      (one): Operation => ({
        kind: 'put-expiring',
        entry: droppedEntry(one.id, one, nowMs + this.#keptMs),
      }),
    )
    const write = { dependsOn: [], expects: [], operations, isBackground: true } as const
    let isWritten = false
    try {
      isWritten = (await realm.commit({ realm: realm.ordinal, ...write })).kind === 'applied'
    } finally {
      if (isWritten) for (const { id, dropped } of all) of.dropped.set(id, dropped)
      else for (const { acceptor, dropped } of taken) realm.acceptances.drop(acceptor, dropped)
    }
  }

  #of(realm: Realm): OfRealm {
    const known = this.#realms.get(realm.ordinal)
    if (known !== undefined) return known
    const lately = realm.store.isShared
      ? undefined
      : {
          entries: new RecentMap<string, Stored>(LATELY_MAX),
          uses: new RecentMap<Handle, number>(LATELY_MAX),
        }
    const process = realm.random.bytes(6).toString('base64url')
    const made = {
      stock: new AcceptanceStock(realm),
      process,
      dropped: new Map<string, Dropped>(),
      spanMs: 0,
      lately,
    }
    this.#realms.set(realm.ordinal, made)
    return made
  }
}

/** When the token ends; undefined for one that is unknown here, or of an issuer that is not registered. */
async function endOf(realm: Realm, { name, expiresAtMs }: Note): Promise<number | undefined> {
  if ('handle' in name)
    return expiresAtMs ?? (await realm.store.tokenByHandle(realm.ordinal, name.handle))?.expiresAtMs
  const issuer = (await realm.directory.get(ISSUERS, issuerId(name.issuer)))?.value
  if (issuer === undefined) return undefined
  // The id of a foreign token is whatever its issuer, or the verifier, says: it may be a credential.
  if ((await realm.keptText(name.jti)) !== name.jti) return undefined
  return Math.min(name.expiresAtMs, realm.nowMs() + issuer.maxLifetimeSeconds * 1_000)
}

type Minutes = Pick<Note, 'firstMs' | 'lastMs' | 'instances'>

function isSame(one: Minutes, other: Minutes | undefined): boolean {
  if (other === undefined || one.firstMs !== other.firstMs || one.lastMs !== other.lastMs) return false
  return one.instances.length === other.instances.length
}
