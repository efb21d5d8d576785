import {
  type Dropped,
  ISSUERS,
  issuerId,
  joined,
  type Note,
  type Operation,
  type Realm,
} from '@rescind/authority'
import { KEEP_MARGIN_MS, type RealmOrdinal } from '@rescind/core'
import { AcceptanceStock } from './acceptance-stock.ts'
import { lastUseEntry } from './last-use.ts'
import {
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
/** Acceptances per write. */
const BATCH = 50
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
}

/** What is to be written of a note; undefined: it cannot be kept. */
type Planned = { readonly operations: readonly Operation[]; readonly isNew: boolean } | undefined

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
  }

  async #writeSome(realm: Realm, some: readonly Note[]): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const planned = await Promise.all(some.map((note) => this.#planned(realm, note)))
      const operations = planned.flatMap((one) => one?.operations ?? [])
      if (operations.length > 0) {
        const write = { dependsOn: [], expects: [], operations, isBackground: true } as const
        const outcome = await realm.commit({ realm: realm.ordinal, ...write })
        if (outcome.kind !== 'applied') continue
      }
      for (const [at, note] of some.entries()) this.#settled(realm, note, planned[at])
      return
    }
    for (const note of some) this.#settled(realm, note, undefined)
  }

  #settled(realm: Realm, note: Note, planned: Planned): void {
    const { acceptor, firstMs: sinceMs, lastMs: untilMs } = note
    if (planned === undefined) realm.acceptances.drop(acceptor, { count: 1, sinceMs, untilMs })
    else if (planned.isNew) this.#of(realm).stock.added(nameOf(note), acceptor)
  }

  async #planned(realm: Realm, note: Note): Promise<Planned> {
    const name = nameOf(note)
    const id = entryId(name, note.acceptor)
    const [stored, endsMs] = await Promise.all([storedAcceptance(realm, id), endOf(realm, note)])
    if (stored === undefined && !this.#of(realm).stock.hasRoom(name, note.acceptor)) return undefined
    if (endsMs === undefined) return stored === undefined ? undefined : { operations: [], isNew: false }
    const used =
      typeof name === 'string'
        ? await lastUseEntry(realm, name, { minuteMs: note.lastMs, expiresAtMs: endsMs })
        : undefined
    const operations: Operation[] = used === undefined ? [] : [{ kind: 'put-expiring', entry: used }]
    const accepted = stored?.accepted === undefined ? note : merged(stored.accepted, note)
    const expiresAtMs = Math.max(stored?.expiresAtMs ?? 0, endsMs + this.#keptMs)
    const entry = acceptedEntry(id, accepted, expiresAtMs)
    // Another node may be the first to write about this token and acceptor: then both are merged.
    if (stored === undefined) operations.push({ kind: 'put-expiring', entry, unlessAliveAtMs: realm.nowMs() })
    else if (!isSame(accepted, stored.accepted)) operations.push({ kind: 'put-expiring', entry })
    return { operations, isNew: stored === undefined }
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
    const process = realm.random.bytes(6).toString('base64url')
    const made = {
      stock: new AcceptanceStock(realm),
      process,
      dropped: new Map<string, Dropped>(),
      spanMs: 0,
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
