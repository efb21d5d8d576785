import type { Realm, Realms } from '@rescind/authority'
import { ordinalOf, type RealmOrdinal, seqOf } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { Feed } from '@rescind/feed'
import { unfinishedCalls } from '../../../bulk/progress.ts'
import { openIn } from '../../../pending/open-counts.ts'
import { OPEN_MAX } from '../../../pending/pending.ts'
import { VERIFIERS, verifierId } from '../../../records/verifiers.ts'
import { TokenCount } from './live-tokens.ts'
import { RecentRules } from './recent-rules.ts'
import type { ClusterJson, NodeJson } from './stats-json.ts'

/** How old the numbers of an answer may be, and how often a stream gets new ones. */
export const FRESH_MS = 1_000
/** Verifiers that are counted. */
const VERIFIERS_MAX = 1_000

export type StatsParts = {
  readonly realms: Realms
  readonly feed: Feed
  readonly monotonicMs: () => number
  readonly node: () => NodeJson
}

/** The numbers of a realm, and when they were read. */
export type Read = { readonly at: string; readonly cluster: ClusterJson }

type OfRealm = {
  readonly realm: Realm
  readonly tokens: TokenCount
  readonly rules: RecentRules
  readMs: number
  reading: Promise<Read> | undefined
}

/**
 * Numbers about realms and this node. However many ask, a realm's are read at most once a second. Only realms that were asked about
 * cost anything.
 */
export class Stats {
  readonly #parts: StatsParts
  readonly #byRealm: Map<RealmOrdinal, OfRealm> = new Map()

  constructor(parts: StatsParts) {
    this.#parts = parts
    const { ledger } = parts.realms
    // Closing a realm cuts off its tokens, by a row of its own; one that another node closes may be known as closed later.
    ledger.onRow((ordinal, row) => {
      const of = this.#byRealm.get(ordinal)
      if (of?.realm.isClosed === true) this.#byRealm.delete(ordinal)
      else of?.rules.told(row)
    })
    parts.realms.onClosed(({ ordinal }) => this.#byRealm.delete(ordinal))
  }

  node(): NodeJson {
    return this.#parts.node()
  }

  /** @throws StoreUnavailable. */
  read(realm: Realm): Promise<Read> {
    const known = this.#byRealm.get(realm.ordinal)
    // A realm that another node closed and opened again is another object, with an index of its own.
    const of = known?.realm === realm ? known : this.#made(realm)
    const nowMs = this.#parts.monotonicMs()
    if (of.reading !== undefined && nowMs - of.readMs < FRESH_MS) return of.reading
    of.readMs = nowMs
    const reading = this.#read(realm, of)
    of.reading = reading
    // A failure is told to those who wait for it, and not kept for those who come later.
    reading.catch(() => {
      if (of.reading === reading) of.reading = undefined
    })
    return reading
  }

  #made(realm: Realm): OfRealm {
    const made = {
      realm,
      tokens: new TokenCount(realm),
      rules: new RecentRules(realm),
      readMs: 0,
      reading: undefined,
    }
    this.#byRealm.set(realm.ordinal, made)
    return made
  }

  async #read(realm: Realm, { tokens, rules }: OfRealm): Promise<Read> {
    const { realms, feed } = this.#parts
    await rules.catchUp()
    await feed.refresh()
    const [live, open, registered, bulk] = await Promise.all([
      tokens.read(),
      openIn(realm),
      this.#registered(realm),
      unfinishedCalls(realm),
    ])
    const { applied, behind, lapsed } = feed.of(realm).instanceCounts
    const nowMs = realm.nowMs()
    const at = realm.position()
    const cluster: ClusterJson = {
      nodes: realms.nodes?.known ?? 1,
      log: { epoch: ordinalOf(at), seq: seqOf(at), floor: formatInstant(realm.durableFloorMs) },
      tokens: {
        at: formatInstant(live.atMs),
        live: live.live,
        complete: live.complete,
        sources: [...live.sources],
      },
      revocations: rules.read(nowMs).map(({ windowSeconds, sinceMs, count, complete }) => ({
        ...{ windowSeconds, since: formatInstant(sinceMs), rules: count, complete },
      })),
      holds: openJson(open.holds),
      approvals: openJson(open.approvals),
      schedules: openJson(open.schedules),
      verifiers: { ...registered, instances: applied + behind + lapsed, applied, behind, lapsed },
      bulk: { unfinished: bulk.count, complete: bulk.complete },
    }
    return { at: formatInstant(nowMs), cluster }
  }

  /** Ids of verifiers begin with the name of their realm. */
  async #registered(realm: Realm): Promise<{ readonly registered: number; readonly complete: boolean }> {
    const { system } = this.#parts.realms
    const between = { after: verifierId(realm, ''), below: `${verifierId(realm, '')}\u{10FFFF}` }
    const ask = { collection: VERIFIERS.name, ...between, limit: VERIFIERS_MAX }
    const { count } = await system.store.recordsCounted(system.ordinal, ask)
    return { registered: count, complete: count < VERIFIERS_MAX }
  }
}

function openJson(open: number): ClusterJson['holds'] {
  return { open, complete: open < OPEN_MAX }
}
