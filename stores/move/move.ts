import { randomBytes } from 'node:crypto'
import { type MasterKey, opensKeys, readRealmValue } from '@rescind/authority'
import { type RealmName, StoreRefused } from '@rescind/core'
import { digestOf, type StoreDigest } from './digest.ts'
import type { Cursor, MoveSource, MoveTarget } from './ends.ts'
import { columnsOf, MOVED_TABLES, type MovedTable } from './tables.ts'

/** What a move is at, for whoever watches it. */
export type MoveStep = {
  readonly what: 'copied' | 'compared'
  readonly rows: number
  readonly of: number
}

export type MoveOptions = {
  readonly master: MasterKey
  readonly onStep?: (step: MoveStep) => void
}

export type MoveDone = {
  readonly from: string
  readonly to: string
  /** Absent: an earlier run had ended, and only its last words were missing. */
  readonly digest?: Pick<StoreDigest, 'rows' | 'text'>
}

/**
 * Moves a store to another engine. In this order, so that a crash between any two steps leaves one store that serves, or none
 * until the command is run again: the move is durable in the source, the copy is made where no server opens it, both are read
 * and compared, nobody answers by the source any more, the copy is put in place.
 * @throws StoreRefused with one line for the operator.
 */
export async function moveStore(
  source: MoveSource,
  target: MoveTarget,
  { master, onStep = () => {} }: MoveOptions,
): Promise<MoveDone> {
  const ends = { from: source.name, to: target.name }
  await checkMaster(source, master)
  const id = await settled(source, target)
  if (target.state.kind === 'whole') {
    await source.end()
    return ends
  }
  await copy(source, target, { id, onStep })
  const digest = await compared(source, target, onStep)
  await source.quiet()
  await target.place()
  await source.end()
  return { ...ends, digest }
}

/** @throws StoreRefused unless this key opens the store: its sealed texts move as they are. */
async function checkMaster(source: MoveSource, master: MasterKey): Promise<void> {
  const body = await systemRecord(source)
  if (body === undefined) throw new StoreRefused(`${source.name} holds no realms: there is nothing to move`)
  const value = readRealmValue(body)
  if (value === undefined || !opensKeys(value.wrappedKeys, 'system' as RealmName, master))
    throw new StoreRefused('the master key is not the one that this store was made with')
}

async function systemRecord(source: MoveSource): Promise<string | undefined> {
  const names = columnsOf('record').map(({ name }) => name)
  const at = (name: string): number => names.indexOf(name)
  // The first page after everything that sorts below it.
  const { rows } = await source.read('record', ['0', 'realms', 'systel'])
  const found = rows.find(
    (row) => row[at('realm')] === '0' && row[at('collection')] === 'realms' && row[at('id')] === 'system',
  )
  const body = found?.[at('body')]
  return typeof body === 'string' ? body : undefined
}

/**
 * The id of the move: of the one that was begun, or of a new one, which is durable in the source by then.
 * @throws StoreRefused when the two ends do not belong together.
 */
async function settled(source: MoveSource, target: MoveTarget): Promise<string> {
  const { moved } = source
  const { state } = target
  if (moved !== undefined && moved.to !== target.name)
    throw new StoreRefused(
      `${source.name} is being moved, or was moved, to ${moved.to}: it cannot go anywhere else`,
    )
  if (state.kind !== 'empty' && state.id !== moved?.id)
    throw new StoreRefused(
      state.kind === 'whole'
        ? `${target.name} holds a store already: give an empty target`
        : `${target.name} holds half a copy of another store, ${state.from}: end that move, or remove the copy`,
    )
  if (moved?.isOver === true && state.kind !== 'whole')
    throw new StoreRefused(
      `${source.name} was moved, and the store at ${moved.to} is gone: what is here is out of date; restore a backup of that one`,
    )
  if (moved !== undefined) return moved.id
  await source.check()
  const id = randomBytes(16).toString('hex')
  await source.begin({ id, to: target.name })
  return id
}

type Copying = { readonly id: string; readonly onStep: (step: MoveStep) => void }

async function copy(source: MoveSource, target: MoveTarget, { id, onStep }: Copying): Promise<void> {
  const progress = await target.open({ id, from: source.name })
  const of = await countOf(source)
  let rows = await countOf(target)
  const copied = (count: number): void => {
    rows += count
    onStep({ what: 'copied', rows, of })
  }
  for (const table of MOVED_TABLES) {
    const through = progress.get(table)
    if (through !== 'done') await copyTable({ source, target, table, copied }, through)
  }
}

type TableCopy = {
  readonly source: MoveSource
  readonly target: MoveTarget
  readonly table: MovedTable
  readonly copied: (count: number) => void
}

async function copyTable(
  { source, target, table, copied }: TableCopy,
  through: Cursor | undefined,
): Promise<void> {
  for (let after = through; ; ) {
    const { rows, last } = await source.read(table, after)
    await target.write(table, rows, last ?? 'done')
    if (last === undefined) return
    copied(rows.length)
    after = last
  }
}

async function countOf(store: MoveSource | MoveTarget): Promise<number> {
  let rows = 0
  for (const table of MOVED_TABLES) rows += await store.count(table)
  return rows
}

/** @throws StoreRefused when the copy differs. */
async function compared(
  source: MoveSource,
  target: MoveTarget,
  onStep: (step: MoveStep) => void,
): Promise<StoreDigest> {
  const of = 2 * (await countOf(source))
  let rows = 0
  const read = (count: number): void => {
    rows += count
    onStep({ what: 'compared', rows, of })
  }
  const wanted = await digestOf(source, read)
  await target.finish(await source.facts(), wanted.heads)
  const came = await digestOf(target, read)
  const differing = MOVED_TABLES.find((table) => wanted.tables.get(table) !== came.tables.get(table))
  const heads = [await source.heads(), await target.heads()].filter((stored) => stored !== undefined)
  const isHeld = heads.every((stored) => JSON.stringify(stored) === JSON.stringify(wanted.heads))
  if (wanted.text !== came.text || !isHeld)
    throw new StoreRefused(
      `the copy in ${target.name} differs from ${source.name} (${differing ?? 'heads'}): remove the copy, and run the command again`,
    )
  return wanted
}
