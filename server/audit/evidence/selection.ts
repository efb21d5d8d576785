import type { Audit, Realm } from '@rescind/authority'
import { seqOf } from '@rescind/core'
import { type ChainedLogRow, ROW_KINDS } from '@rescind/core/log'
import { nextTurn } from '../../machine/turns.ts'
import type { Filters } from '../../receipts/filters.ts'
import { parseRevocationId, type Written } from '../../receipts/receipt.ts'
import { epochOf, searchReceipts, writtenAt } from '../../receipts/search.ts'
import { storedAudit } from '../../receipts/stored-row.ts'

/** Maximum receipts of one evidence file. */
export const EVIDENCE_RECEIPTS_MAX = 10_000
/** Maximum rows of the log from the first to the last row of one evidence file. */
export const EVIDENCE_ROWS_MAX = 100_000
/** How far before and after its receipts rows that belong to them are looked for, unless the request says a time. */
const AROUND_MS = 86_400_000
const AROUND_ROWS = 10_000
const FOUND_PER_PAGE = 500
/** Pages of receipts that are looked through: each covers two million rows of the log, or twenty thousand new ones. */
const PAGES_MAX = 100
/** Rows of one read, and between two turns of the event loop. */
const READ_ROWS = 250

/** What an incident is: everything that any of these names. */
export type Incident = {
  readonly receipts?: readonly string[] | undefined
  /** The reason of revocations and of other rows. */
  readonly reason?: string | undefined
  /** The id of a hold, a schedule, an approval or a bulk call. */
  readonly cause?: string | undefined
  /** Rows of the log, by number. */
  readonly rows?: readonly number[] | undefined
  /** Without any of the above, all receipts between the two; with them, where rows are looked for. */
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
}

/** A receipt that was named and can no longer be read. */
export type Gone = { readonly id: string; readonly why: 'trimmed' | 'audit-expired' }

export type Selected = {
  readonly kind: 'selected'
  /** By the seq of their last row. */
  readonly receipts: ReadonlyMap<number, Written>
  readonly gone: readonly Gone[]
  /** The numbers of all rows that belong to it, ascending. */
  readonly rows: readonly number[]
  /** The rows that were looked through for others that belong to it; undefined: there was nothing to look around. */
  readonly searched: { readonly from: number; readonly through: number } | undefined
}

export type NotSelected =
  | { readonly kind: 'no-such'; readonly name: string }
  | { readonly kind: 'too-many'; readonly what: 'receipts' | 'rows' | 'searched' }
  | { readonly kind: 'nothing' }

/** Finds what belongs to an incident. @param head the last row that counts. @throws StoreUnavailable. */
export async function selectIncident(
  realm: Realm,
  incident: Incident,
  head: number,
): Promise<Selected | NotSelected> {
  const { seq: anchor } = await realm.store.anchor(realm.ordinal)
  const found = new Found(realm, anchor)
  for (const id of incident.receipts ?? [])
    if (!(await found.name(id, head))) return { kind: 'no-such', name: id }
  for (const seq of incident.rows ?? []) {
    if (seq <= anchor || seq > head) return { kind: 'no-such', name: `row ${seq}` }
    found.own.add(seq)
  }
  for (const filters of searchesOf(incident)) {
    const what = await found.search(incident, filters, head)
    if (what !== undefined) return { kind: 'too-many', what }
  }
  if (found.own.size === 0 && found.gone.length === 0) return { kind: 'nothing' }
  if (found.receipts.size > EVIDENCE_RECEIPTS_MAX) return { kind: 'too-many', what: 'receipts' }
  const span = await found.spanOf(incident, head)
  if (span === 'too-long') return { kind: 'too-many', what: 'rows' }
  if (span !== undefined) await found.related(incident, span)
  const rows = [...found.own].sort((one, other) => one - other)
  const isLong = (rows.at(-1) ?? 0) - (rows[0] ?? 0) >= EVIDENCE_ROWS_MAX
  if (isLong) return { kind: 'too-many', what: 'rows' }
  return { kind: 'selected', receipts: found.receipts, gone: found.gone, rows, searched: span }
}

function searchesOf({ receipts, reason, cause, rows }: Incident): readonly Filters[] {
  if (receipts === undefined && reason === undefined && cause === undefined && rows === undefined) return [{}]
  return [...(reason === undefined ? [] : [{ reason }]), ...(cause === undefined ? [] : [{ cause }])]
}

/** The rows of one write are made within a moment. */
const TOGETHER_MS = 1_000
/** Times that rows are looked through, because one of them may lead to others before it. */
const PASSES_MAX = 3

type Related = { readonly reason: string | undefined; readonly causes: Set<string> }
type Span = { readonly from: number; readonly through: number }

class Found {
  readonly receipts: Map<number, Written> = new Map()
  readonly gone: Gone[] = []
  readonly own: Set<number> = new Set()
  readonly #realm: Realm
  readonly #anchor: number

  constructor(realm: Realm, anchor: number) {
    this.#realm = realm
    this.#anchor = anchor
  }

  /** Adds a receipt by its id. @returns false when there never was such a one. */
  async name(id: string, head: number): Promise<boolean> {
    const place = parseRevocationId(id)
    if (place === undefined || place.seq > head) return false
    if (epochOf(this.#realm, place.seq) !== place.epoch) return false
    const { seq } = place
    if (seq <= this.#anchor) {
      // Whether it was a revocation is no longer known.
      this.#goneOnce({ id, why: 'trimmed' })
      return true
    }
    const written = await writtenAt(this.#realm, seq)
    if (written !== undefined) {
      this.#add(seq, written)
      return true
    }
    const [row] = await this.#realm.store.chainedRowsAfter(this.#realm.ordinal, seq - 1, 1)
    if (row?.seq !== seq || !isRevocation(row) || row.audit !== undefined) return false
    this.#goneOnce({ id, why: 'audit-expired' })
    this.own.add(seq)
    return true
  }

  #goneOnce(gone: Gone): void {
    if (!this.gone.some(({ id }) => id === gone.id)) this.gone.push(gone)
  }

  #add(seq: number, written: Written): void {
    if (this.receipts.has(seq)) return
    this.receipts.set(seq, written)
    const parts = written.audit.part?.[1] ?? 1
    for (let nth = seq - parts + 1; nth <= seq; nth += 1) this.own.add(nth)
  }

  /** Adds the receipts that match. @returns what there is too much of. */
  async search(
    { sinceMs, untilMs }: Incident,
    filters: Filters,
    head: number,
  ): Promise<'receipts' | 'searched' | undefined> {
    let before: number | undefined = head + 1
    const limit = FOUND_PER_PAGE
    for (let pages = 0; before !== undefined; pages += 1) {
      if (pages === PAGES_MAX) return 'searched'
      const ask = { filters, before, sinceMs, untilMs, limit }
      const { found, next }: Awaited<ReturnType<typeof searchReceipts>> = await searchReceipts(
        this.#realm,
        ask,
      )
      for (const written of found) this.#add(seqOf(written.at), written)
      if (this.receipts.size > EVIDENCE_RECEIPTS_MAX) return 'receipts'
      before = next
      await nextTurn()
    }
    return undefined
  }

  /** Where other rows of the incident are looked for. */
  async spanOf({ sinceMs, untilMs }: Incident, head: number): Promise<Span | undefined | 'too-long'> {
    const first = Math.min(...this.own)
    const last = Math.max(...this.own)
    if (this.own.size === 0) return undefined
    const [firstMs, lastMs] = [await this.#atOf(first), await this.#atOf(last)]
    const since = await this.#firstAt(sinceMs ?? firstMs - AROUND_MS, head)
    const until = (await this.#firstAt(untilMs ?? lastMs + AROUND_MS + 1, head)) - 1
    const from = Math.min(first, sinceMs === undefined ? Math.max(since, first - AROUND_ROWS) : since)
    const through = Math.max(last, untilMs === undefined ? Math.min(until, last + AROUND_ROWS) : until)
    const span = { from: Math.max(from, this.#anchor + 1), through: Math.min(through, head) }
    return span.through - span.from >= EVIDENCE_ROWS_MAX + 2 * AROUND_ROWS ? 'too-long' : span
  }

  async #atOf(seq: number): Promise<number> {
    const [row] = await this.#realm.store.chainedRowsAfter(this.#realm.ordinal, seq - 1, 1)
    return row?.atMs ?? 0
  }

  /** The first row at or after a time, by bisection: times rise with rows but for steps of the clock. */
  async #firstAt(atMs: number, head: number): Promise<number> {
    let [low, high] = [this.#anchor + 1, head + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((await this.#atOf(middle)) >= atMs) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Adds the other rows of a span that belong to the incident: by reason, by cause, or written together with a receipt. */
  async related({ reason, cause }: Incident, span: Span): Promise<void> {
    const causes = new Set(cause === undefined ? [] : [cause])
    for (const { audit } of this.receipts.values()) for (const id of followedCauses(audit)) causes.add(id)
    let known: number
    let left = PASSES_MAX
    do {
      known = causes.size
      await this.#pass({ reason, causes }, span)
      left -= 1
      // A hold that was placed for something else may have been released, or prolonged, in this incident.
    } while (causes.size > known && left > 0)
  }

  async #pass({ reason, causes }: Related, { from, through }: Span): Promise<void> {
    /** Changes right before the row that is looked at, with what all rows of their request share. */
    let changes: { readonly seqs: number[]; readonly request: string; atMs: number } | undefined
    for await (const row of this.#rowsOf(from, through)) {
      const audit = row.audit === undefined ? undefined : storedAudit(row.audit)
      const request = audit === undefined ? undefined : requestOf(audit)
      if (audit === undefined || request === undefined) {
        changes = undefined
        continue
      }
      if (isRevocation(row)) {
        if (this.own.has(row.seq) && changes?.request === request && row.atMs - changes.atMs < TOGETHER_MS)
          for (const seq of changes.seqs) this.own.add(seq)
        changes = undefined
        continue
      }
      if ((audit.why !== undefined && audit.why === reason) || isCausedBy(audit, causes)) {
        this.own.add(row.seq)
        for (const id of followedCauses(audit)) causes.add(id)
      }
      if (changes?.request === request && row.atMs - changes.atMs < TOGETHER_MS) changes.seqs.push(row.seq)
      else changes = { seqs: [row.seq], request, atMs: row.atMs }
    }
  }

  async *#rowsOf(from: number, through: number): AsyncGenerator<ChainedLogRow, void> {
    const { store, ordinal } = this.#realm
    for (let after = from - 1; after < through; ) {
      const rows = await store.chainedRowsAfter(ordinal, after, Math.min(READ_ROWS, through - after))
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.seq
      await nextTurn()
    }
  }
}

/** Rows of a kind that only a newer version knows are none. */
function isRevocation({ kind }: ChainedLogRow): boolean {
  return kind === ROW_KINDS.revoke.code
}

/** Causes that are one act of operators. A bulk call is none: one of its receipts does not stand for a hundred thousand. */
const FOLLOWED: ReadonlySet<string> = new Set(['hold', 'schedule', 'approval'])

function followedCauses({ cause }: Audit): readonly string[] {
  const id = cause !== undefined && FOLLOWED.has(cause.code) ? cause[cause.code] : undefined
  return id === undefined ? [] : [id]
}

function isCausedBy({ cause }: Audit, ids: ReadonlySet<string>): boolean {
  const id = cause?.[cause.code]
  return id !== undefined && ids.has(id)
}

/** What all rows of one request share. */
function requestOf({ by, from, how, why, once }: Audit): string {
  return JSON.stringify([by, from, how, why, once])
}
