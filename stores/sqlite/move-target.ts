import { existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ContractBroken, StoreRefused } from '@rescind/core'
import type {
  Came,
  Cursor,
  Facts,
  MoveTarget,
  Page,
  Progress,
  StoredHead,
  TargetState,
} from '../move/ends.ts'
import type { MovedTable, Row } from '../move/tables.ts'
import { flush } from './backup.ts'
import { refuseLeftJournal } from './left-files.ts'
import { takeLock } from './lock.ts'
import { MoveStage } from './move-stage.ts'
import { cameFrom, STAGE_ENDING } from './moved.ts'

/** Where no store may be yet. Nobody can make one there meanwhile: its lock is taken. @throws StoreRefused. */
export async function openMoveTarget(path: string): Promise<MoveTarget> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const lock = takeLock(path)
  try {
    return new SqliteTarget(path, lock, stateOf(path))
  } catch (error) {
    lock.close()
    throw error
  }
}

function stateOf(path: string): TargetState {
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined
  if (!isThere) refuseLeftJournal(path)
  const file = isThere ? path : `${path}${STAGE_ENDING}`
  if (!existsSync(file)) return { kind: 'empty' }
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const row = cameFrom(db)
    if (row !== undefined) return { kind: isThere ? 'whole' : 'begun', ...row }
  } finally {
    db.close()
  }
  if (isThere)
    throw new StoreRefused(
      `${path} exists: a move never replaces a store; move it away, or give another path`,
    )
  // It was killed while it made the file, before the first row.
  return { kind: 'empty' }
}

class SqliteTarget implements MoveTarget {
  readonly name: string
  readonly state: TargetState
  readonly #path: string
  readonly #lock: DatabaseSync
  #stage: MoveStage | undefined

  constructor(path: string, lock: DatabaseSync, state: TargetState) {
    this.name = `sqlite:${path}`
    this.#path = path
    this.#lock = lock
    this.state = state
  }

  async open(came: Came): Promise<Progress> {
    const file = `${this.#path}${STAGE_ENDING}`
    if (this.state.kind === 'empty') for (const one of filesOf(file)) rmSync(one, { force: true })
    this.#stage = new MoveStage(file, came)
    return this.#stage.progress()
  }

  async write(table: MovedTable, rows: readonly Row[], through: Cursor | 'done'): Promise<void> {
    this.#opened.write(table, rows, through)
  }

  async read(table: MovedTable, after: Cursor | undefined): Promise<Page> {
    return this.#opened.rows.read(table, after)
  }

  async count(table: MovedTable): Promise<number> {
    return this.#opened.rows.count(table)
  }

  async facts(): Promise<Facts> {
    return this.#opened.rows.facts()
  }

  async heads(): Promise<readonly StoredHead[] | undefined> {
    return undefined
  }

  async finish({ floorMs, highestNumber }: Facts): Promise<void> {
    this.#opened.finish(floorMs, highestNumber)
  }

  async place(): Promise<void> {
    const stage = this.#opened
    stage.complete()
    this.#stage = undefined
    flush(stage.file)
    renameSync(stage.file, this.#path)
    flush(dirname(this.#path))
  }

  async close(): Promise<void> {
    this.#stage?.close()
    this.#lock.close()
  }

  get #opened(): MoveStage {
    if (this.#stage === undefined) throw new ContractBroken('a copy that was not begun')
    return this.#stage
  }
}

function filesOf(file: string): readonly string[] {
  return [file, `${file}-wal`, `${file}-shm`]
}
