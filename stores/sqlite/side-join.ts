import type { DatabaseSync } from 'node:sqlite'
import { type RealmOrdinal, realmOrdinal, StoreRefused } from '@rescind/core'
import { ROW_KINDS, type RowKind, rowKindOfCode } from '@rescind/core/log'
import type { Applier } from './apply.ts'
import type { StoredWrite } from './group-bytes.ts'
import { logId, realmOfLogId } from './log-id.ts'
import type { Stored, StoredOperation } from './operations.ts'
import { decodeWrites, type SideFrame, type SideHead, type SideLine } from './side-lines.ts'
import { type SideLog, sideHead } from './side-log.ts'

/** What a store and its side log were to each other when the store was opened. */
export type SideJoined = {
  /**
   * `started`: the file is new. `whole`: they say the same, what the store lacked having been carried over (`carried`
   * lines). `gap`: rows are missing between the two: the file starts anew, and what it held before is of use only
   * with the backups of that time.
   */
  readonly kind: 'started' | 'whole' | 'gap'
  readonly carried: number
  /** Whether the file said, when it was opened, that its store had been closed in order. */
  readonly closed: boolean
}

type Sides = { readonly db: DatabaseSync; readonly applier: Applier; readonly side: SideLog }
type GroupFrame = Extract<SideFrame, { kind: 'group' }>

/**
 * Brings a store and its side log together. A line is written before its group commits, so the store may lack the last
 * one; a store that lacks more was rolled back, and gets all of it.
 * @param salvage a restore: where the two do not fit, what revokes is carried over all the same, as new rows.
 * @throws StoreRefused when they do not fit and nothing is to be salvaged.
 */
export function joinSideLog({ db, applier, side }: Sides, salvage: boolean): SideJoined {
  const joining = new Joining(db, applier, salvage)
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const line of side.lines()) joining.line(line)
    joining.end()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  const { carried } = joining
  const [closed, isNew] = [side.closed, side.isEmpty]
  if (isNew || joining.gap) side.start(allHeads(db, applier))
  return { kind: isNew ? 'started' : joining.gap ? 'gap' : 'whole', carried, closed }
}

class Joining {
  readonly #db: DatabaseSync
  readonly #applier: Applier
  readonly #salvage: boolean
  /** Where the side log stands so far. */
  readonly #heads: Map<RealmOrdinal, SideHead> = new Map()
  /** Lines without rows since the last line that the store has: whether it has these, nobody can tell. */
  #unsure: SideLine[] = []
  #ahead = false
  /** The store went on without these lines at some time, and this one may be of before. */
  #isLeft = false
  gap = false
  carried = 0

  constructor(db: DatabaseSync, applier: Applier, salvage: boolean) {
    this.#db = db
    this.#applier = applier
    this.#salvage = salvage
  }

  line(line: SideLine): void {
    const { frame } = line
    switch (frame.kind) {
      case 'closed':
        return
      case 'left':
        this.#isLeft = true
        return
      case 'start':
        // A store that has come this far has whatever happened while it was without.
        if (frame.heads.every(({ realm, seq }) => seq <= this.#applier.head(realm).seq)) this.#isLeft = false
        for (const head of frame.heads) {
          this.#heads.set(head.realm, head)
          if (head.seq > this.#applier.head(head.realm).seq) this.#misfit('rows between the two are missing')
        }
        return
      case 'group':
        for (const head of frame.to) this.#heads.set(head.realm, head)
        this.#group(line, frame)
    }
  }

  #group(line: SideLine, frame: GroupFrame): void {
    if (!this.#ahead && frame.to.length === 0) {
      this.#unsure.push(line)
      return
    }
    if (!this.#ahead) {
      const isAhead = frame.to.some(({ realm, seq }) => seq > this.#applier.head(realm).seq)
      if (!isAhead) {
        this.#unsure = []
        return
      }
      this.#ahead = true
      this.#carryUnsure()
    }
    this.#carry(line, frame)
  }

  /** After all lines. */
  end(): void {
    // What nobody was told of need not have happened; after a backup it has.
    if (this.#salvage && !this.#ahead) this.#carryUnsure()
    if (this.#isLeft) this.gap = true
    for (const head of allHeads(this.#db, this.#applier)) {
      const known = this.#heads.get(head.realm)
      if (known !== undefined && known.seq === head.seq && known.chain !== head.chain && !this.gap)
        this.#misfit('they hold different histories')
      // The store went on without its side log for a while.
      if (known === undefined || known.seq < head.seq) this.gap = true
    }
  }

  #carryUnsure(): void {
    for (const line of this.#unsure) if (line.frame.kind === 'group') this.#carry(line, line.frame)
    this.#unsure = []
  }

  #carry({ operations }: SideLine, frame: GroupFrame): void {
    if (!this.gap && !frame.from.every((head) => this.#isAt(head)))
      this.#misfit('they hold different histories')
    for (const write of decodeWrites(operations)) this.#write(write, frame)
    this.#db.prepare("UPDATE meta SET value = max(value, ?) WHERE name = 'floor'").run(frame.floorMs)
    if (!this.gap && !frame.to.every((head) => this.#isAt(head)))
      throw new StoreRefused('the side log does not say what it said when it was written')
    this.carried += 1
  }

  #write(write: StoredWrite, frame: GroupFrame): void {
    // A row whose kind is not known here may end tokens: it is neither left out nor taken unread.
    write.operations.forEach(rowKindIn)
    const operations = this.gap ? write.operations.filter(isSalvaged) : write.operations
    const rest: StoredOperation[] = []
    for (const operation of operations) {
      if (operation.kind === 'forget') this.#tombstone(write.realm, operation)
      else rest.push(operation)
    }
    if (rest.length === 0) return
    const outcome = this.#applier.write({ realm: write.realm, expects: [], operations: rest })
    // Only what has no rows can have been there already: a use that was used up, say.
    if (outcome < 0 && frame.to.length > 0)
      throw new StoreRefused('the side log holds a change that the store cannot take')
  }

  #tombstone(realm: RealmOrdinal, { digest, tombstoneOf }: Stored<'forget'>): void {
    if (tombstoneOf === null) return
    const sql = 'INSERT INTO tombstone (realm, digest, source) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    this.#db.prepare(sql).run(realm, digest, tombstoneOf)
  }

  #isAt({ realm, seq, chain }: SideHead): boolean {
    const head = sideHead(realm, this.#applier.head(realm))
    return head.seq === seq && head.chain === chain
  }

  #misfit(why: string): void {
    if (!this.#salvage)
      throw new StoreRefused(
        `the store and its side log do not fit: ${why}. Restore a backup with this side log, or begin another one`,
      )
    this.gap = true
  }
}

/** What ends or suspends tokens, whatever else was lost: it can be appended to any log. */
function isSalvaged(operation: StoredOperation): boolean {
  const kind = rowKindIn(operation)
  return kind !== undefined && ROW_KINDS[kind].isSalvaged
}

function rowKindIn(operation: StoredOperation): RowKind | undefined {
  if (operation.kind !== 'append') return undefined
  const kind = rowKindOfCode(operation.row)
  if (kind === undefined)
    throw new StoreRefused('the side log holds a row of a kind that only a newer version knows')
  return kind
}

/** Where the logs of all realms end. */
function allHeads(db: DatabaseSync, applier: Applier): readonly SideHead[] {
  const next = db.prepare(
    `SELECT id FROM log WHERE id BETWEEN ? AND ${Number.MAX_SAFE_INTEGER} ORDER BY id LIMIT 1`,
  )
  const heads: SideHead[] = []
  for (let realm = realmOrdinal(0); ; realm = realmOrdinal(realm + 1)) {
    const row = next.get(logId(realm, 0))
    if (row === undefined) return heads
    realm = realmOfLogId(Number(row.id))
    heads.push(sideHead(realm, applier.head(realm)))
  }
}
