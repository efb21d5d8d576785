import type { DatabaseSync } from 'node:sqlite'
import { type RealmOrdinal, realmOrdinal, StoreRefused } from '@rescind/core'
import { ROW_KINDS, type RowKind, rowKindOfCode } from '@rescind/core/log'
import type { Applier } from './apply.ts'
import type { StoredWrite } from './group-bytes.ts'
import { logId, realmOfLogId } from './log-id.ts'
import type { Stored, StoredOperation } from './operations.ts'
import { decodeWrites, type SideFrame, type SideHead, type SideLine } from './side-lines.ts'
import { type SideLog, sideHead } from './side-log.ts'

/** How a store and its side log compared when the store was opened. */
export type SideJoined = {
  /**
   * `started`: the file is new. `whole`: they agree, after `carried` lines that the store lacked were carried over. `gap`:
   * rows between the two are missing, so the file starts again; its earlier lines are only of use with backups of that time.
   */
  readonly kind: 'started' | 'whole' | 'gap'
  readonly carried: number
  /** Whether the file said at opening that its store had been closed in order. */
  readonly closed: boolean
}

type Sides = { readonly db: DatabaseSync; readonly applier: Applier; readonly side: SideLog }
type GroupFrame = Extract<SideFrame, { kind: 'group' }>

/**
 * Reconciles a store and its side log. Each line is written before its group commits, so the store may lack the last one. A
 * store that lacks more was rolled back, and gets all missing lines.
 * @param salvage a restore: even if the two do not match, rules that revoke are carried over, as new rows.
 * @throws StoreRefused when they do not match and nothing is to be salvaged.
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
  /** Where the side log's heads are after the lines so far. */
  readonly #heads: Map<RealmOrdinal, SideHead> = new Map()
  /** Lines without rows after the last line that the store surely has; nothing shows whether it has these. */
  #unsure: SideLine[] = []
  #ahead = false
  /** The store once went on without this side log, and this copy of the store may be from before that. */
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
        // A store that has reached these heads also has what happened while it had no side log.
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

  /** Call after the last line. */
  end(): void {
    // Changes that were never acknowledged may be left out; after a restore from a backup they may have been acknowledged.
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
      throw new StoreRefused('the side log differs from what was written to it')
    this.carried += 1
  }

  #write(write: StoredWrite, frame: GroupFrame): void {
    // A row of an unknown kind may end tokens, so it is neither left out nor copied unread.
    write.operations.forEach(rowKindIn)
    const operations = this.gap ? write.operations.filter(isSalvaged) : write.operations
    const rest: StoredOperation[] = []
    for (const operation of operations) {
      if (operation.kind === 'forget') this.#tombstone(write.realm, operation)
      else rest.push(operation)
    }
    if (rest.length === 0) return
    const outcome = this.#applier.write({ realm: write.realm, expects: [], operations: rest })
    // Only operations without rows may have been applied already, such as a consumption.
    if (outcome < 0 && frame.to.length > 0)
      throw new StoreRefused('the side log holds a change that does not apply to the store')
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
        `the store and its side log do not match: ${why}. Restore a backup with this side log, or begin another one`,
      )
    this.gap = true
  }
}

/** Operations that end or suspend tokens; they can be appended to every log, even if other rows were lost. */
function isSalvaged(operation: StoredOperation): boolean {
  const kind = rowKindIn(operation)
  return kind !== undefined && ROW_KINDS[kind].isSalvaged
}

function rowKindIn(operation: StoredOperation): RowKind | undefined {
  if (operation.kind !== 'append') return undefined
  const kind = rowKindOfCode(operation.row)
  if (kind === undefined)
    throw new StoreRefused(
      'the side log holds a row of an unknown kind, written by a newer version; use that version',
    )
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
