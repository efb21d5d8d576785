import type { Handle, TokenFacts, TokenRecord } from '@rescind/core'
import { foreignIssuer } from '@rescind/core/tokens'
import { ForeignUses } from './foreign-uses.ts'

/** Who accepts tokens: the verifiers, by their own word; and what asks this server, or is part of it. */
export const ACCEPTOR_KINDS = ['verifier', 'check', 'client', 'review', 'dialect'] as const
export type AcceptorKind = (typeof ACCEPTOR_KINDS)[number]

/**
 * `name`: a verifier's, a check profile's (empty: plain `/check`), an OAuth client's that introspects, a key's that asks for
 * token reviews, or the source of tokens that a dialect itself takes.
 */
export type Acceptor = { readonly by: AcceptorKind; readonly name: string }

/** Acceptances, and characters of the names of their tokens. */
type Room = { readonly notes: number; readonly chars: number }

/** Maximum acceptances that wait to be written; beyond it, those of further tokens are dropped, and counted. */
export const NOTES_MAX: Room = { notes: 200_000, chars: 33_554_432 }
/** Maximum of these by all verifiers: what the server has seen itself is not crowded out by what it is told. */
export const REPORTED_MAX: Room = { notes: 150_000, chars: 25_165_824 }
/** Maximum of these by one acceptor, so that none fills it alone. */
export const NOTES_PER_ACCEPTOR_MAX: Room = { notes: 100_000, chars: 16_777_216 }
/** Instances of a verifier that are named for one token. */
export const INSTANCES_NAMED_MAX = 4
const MINUTE_MS = 60_000

/** One of our tokens, just judged. */
export type Accepted = Pick<TokenRecord, 'handle' | 'source' | 'expiresAtMs'> & { readonly kind: string }

export type AcceptedName =
  | { readonly handle: Handle }
  | { readonly issuer: string; readonly jti: string; readonly expiresAtMs: number }

/** That one token was accepted by one acceptor: the first and the last minute since this was last written. */
export type Note = {
  readonly acceptor: Acceptor
  readonly name: AcceptedName
  /** When one of our tokens ends, if that was known when this was noted and cannot change. */
  readonly expiresAtMs: number | undefined
  firstMs: number
  lastMs: number
  /** Labels or ids of the instances, where they are known. */
  instances: readonly string[]
}

/** Acceptances that were not kept: how many, and between which times. */
export type Dropped = { readonly count: number; readonly sinceMs: number; readonly untilMs: number }

type Span = {
  readonly firstMs: number
  readonly lastMs: number
  readonly instance?: string | undefined
  readonly expiresAtMs?: number | undefined
}
type Taken = { -readonly [name in keyof Room]: Room[name] }
type OfAcceptor = {
  readonly acceptor: Acceptor
  readonly notes: Map<string, Note>
  chars: number
  dropped: Dropped | undefined
}

/**
 * Which tokens were accepted, by whom and when to the minute, until that is written beside the log. Noting it again within a
 * minute costs two map accesses.
 */
export class Acceptances {
  readonly #by: Readonly<Record<AcceptorKind, Map<string, OfAcceptor>>> = {
    verifier: new Map(),
    check: new Map(),
    client: new Map(),
    review: new Map(),
    dialect: new Map(),
  }
  /** Tokens of registered issuers that were used lately. */
  readonly foreign: ForeignUses = new ForeignUses()
  readonly #taken: { readonly own: Taken; readonly reported: Taken } = {
    own: { notes: 0, chars: 0 },
    reported: { notes: 0, chars: 0 },
  }
  #last: OfAcceptor | undefined

  get size(): number {
    return this.#taken.own.notes + this.#taken.reported.notes
  }

  /** One of our tokens. */
  accepted(acceptor: Acceptor, { kind, handle, expiresAtMs }: Accepted, nowMs: number): void {
    const known = this.#known(acceptor)?.notes.get(handle)
    if (known !== undefined && known.lastMs === nowMs - (nowMs % MINUTE_MS)) return
    // The end of assigned text can move, so it is looked up when this is written.
    const end = kind === 'assigned' ? undefined : expiresAtMs
    this.#note(acceptor, { handle }, { firstMs: nowMs, lastMs: nowMs, expiresAtMs: end })
  }

  /** A registered issuer's token. */
  acceptedForeign(acceptor: Acceptor, facts: TokenFacts, nowMs: number): void {
    this.foreign.accepted(facts, nowMs)
    const { source, foreign, expiresAtMs } = facts
    if (foreign === undefined) return
    const name = { issuer: foreignIssuer(source), jti: foreign.jti, expiresAtMs }
    this.#note(acceptor, name, { firstMs: nowMs, lastMs: nowMs })
  }

  /** What a verifier reports. */
  note(acceptor: Acceptor, name: AcceptedName, span: Pick<Span, 'firstMs' | 'lastMs' | 'instance'>): void {
    this.#note(acceptor, name, span)
  }

  #note(acceptor: Acceptor, name: AcceptedName, { firstMs, lastMs, instance, expiresAtMs }: Span): void {
    const key = keyOf(name)
    const [first, last] = [firstMs - (firstMs % MINUTE_MS), lastMs - (lastMs % MINUTE_MS)]
    const of = this.#of(acceptor)
    const known = of.notes.get(key)
    if (known !== undefined) {
      if (first < known.firstMs) known.firstMs = first
      if (last > known.lastMs) known.lastMs = last
      if (instance !== undefined) known.instances = named(known.instances, [instance])
      return
    }
    if (!this.#hasRoom(of, key)) {
      this.drop(acceptor, { count: 1, sinceMs: first, untilMs: last })
      return
    }
    this.#take(of, key, 1)
    const instances = instance === undefined ? [] : [instance]
    of.notes.set(key, { acceptor, name, expiresAtMs, firstMs: first, lastMs: last, instances })
  }

  #hasRoom({ acceptor, notes, chars }: OfAcceptor, key: string): boolean {
    const { own, reported } = this.#taken
    const all = { notes: own.notes + reported.notes, chars: own.chars + reported.chars }
    if (!fits(all, key, NOTES_MAX) || !fits({ notes: notes.size, chars }, key, NOTES_PER_ACCEPTOR_MAX))
      return false
    return acceptor.by !== 'verifier' || fits(reported, key, REPORTED_MAX)
  }

  /** @param notes 1 for one that comes, -1 for one that goes. */
  #take(of: OfAcceptor, key: string, notes: 1 | -1): void {
    const taken = of.acceptor.by === 'verifier' ? this.#taken.reported : this.#taken.own
    taken.notes += notes
    taken.chars += notes * key.length
    of.chars += notes * key.length
  }

  /** Counts acceptances that are not kept. */
  drop(acceptor: Acceptor, dropped: Dropped): void {
    const of = this.#of(acceptor)
    of.dropped = of.dropped === undefined ? dropped : joined(of.dropped, dropped)
  }

  /** Counts everything that waits as dropped. */
  dropAll(): void {
    for (const of of this.#all()) {
      for (const [key, { firstMs, lastMs }] of of.notes) {
        this.drop(of.acceptor, { count: 1, sinceMs: firstMs, untilMs: lastMs })
        this.#take(of, key, -1)
      }
      of.notes.clear()
    }
  }

  /** The minute of the last acceptance of one of our tokens that is not written yet. */
  lastMs(handle: Handle): number | undefined {
    let lastMs: number | undefined
    for (const { notes } of this.#all()) {
      const ms = notes.get(handle)?.lastMs
      if (ms !== undefined && (lastMs === undefined || ms > lastMs)) lastMs = ms
    }
    return lastMs
  }

  /** What is not written yet about one token. */
  of(name: Handle | { readonly issuer: string; readonly jti: string }): readonly Note[] {
    const key = typeof name === 'string' ? name : foreignKey(name)
    return [...this.#all()].flatMap(({ notes }) => notes.get(key) ?? [])
  }

  /** Some of what is to be written; each stays until `written` is called for it. */
  some(count: number): readonly Note[] {
    const some: Note[] = []
    for (const { notes } of this.#all())
      for (const note of notes.values()) {
        if (some.length === count) return some
        some.push({ ...note })
      }
    return some
  }

  written(some: readonly Note[]): void {
    for (const note of some) {
      const of = this.#of(note.acceptor)
      const key = keyOf(note.name)
      const now = of.notes.get(key)
      // What was accepted again meanwhile is written again.
      if (now?.firstMs !== note.firstMs || now.lastMs !== note.lastMs || now.instances !== note.instances)
        continue
      of.notes.delete(key)
      this.#take(of, key, -1)
    }
    this.#last = undefined
    for (const kind of ACCEPTOR_KINDS)
      for (const [name, { notes, dropped }] of this.#by[kind])
        if (notes.size === 0 && dropped === undefined) this.#by[kind].delete(name)
  }

  /** What was dropped and is not written yet. */
  dropped(): readonly { readonly acceptor: Acceptor; readonly dropped: Dropped }[] {
    return [...this.#all()].flatMap(({ acceptor, dropped }) =>
      dropped === undefined ? [] : [{ acceptor, dropped }],
    )
  }

  /** Takes out what was dropped, to write it. */
  takeDropped(): readonly { readonly acceptor: Acceptor; readonly dropped: Dropped }[] {
    const taken = this.dropped()
    for (const of of this.#all()) of.dropped = undefined
    return taken
  }

  /** What the server has seen itself comes first, however much verifiers report meanwhile. */
  *#all(): Generator<OfAcceptor, void> {
    for (const kind of ACCEPTOR_KINDS) if (kind !== 'verifier') yield* this.#by[kind].values()
    yield* this.#by.verifier.values()
  }

  /** Most acceptances are by the same acceptor as the one before. */
  #known(acceptor: Acceptor): OfAcceptor | undefined {
    const last = this.#last
    if (last?.acceptor.name === acceptor.name && last.acceptor.by === acceptor.by) return last
    const known = this.#by[acceptor.by].get(acceptor.name)
    if (known !== undefined) this.#last = known
    return known
  }

  #of(acceptor: Acceptor): OfAcceptor {
    const known = this.#known(acceptor)
    if (known !== undefined) return known
    const made = { acceptor, notes: new Map<string, Note>(), chars: 0, dropped: undefined }
    this.#by[acceptor.by].set(acceptor.name, made)
    return made
  }
}

/** Whether one more of this name stays within the bound. */
function fits({ notes, chars }: Room, key: string, max: Room): boolean {
  return notes < max.notes && chars + key.length <= max.chars
}

function keyOf(name: AcceptedName): string {
  return 'handle' in name ? name.handle : foreignKey(name)
}

function foreignKey({ issuer, jti }: { readonly issuer: string; readonly jti: string }): string {
  return `${issuer}\0${jti}`
}

export function joined(one: Dropped, other: Dropped): Dropped {
  return {
    count: one.count + other.count,
    sinceMs: Math.min(one.sinceMs, other.sinceMs),
    untilMs: Math.max(one.untilMs, other.untilMs),
  }
}

/** The same list if nothing is new in it. */
export function named(known: readonly string[], more: readonly string[]): readonly string[] {
  const fresh = more.filter((one) => !known.includes(one))
  return fresh.length === 0 || known.length >= INSTANCES_NAMED_MAX
    ? known
    : [...known, ...fresh].slice(0, INSTANCES_NAMED_MAX)
}
