import type { Store } from '@rescind/authority'
import { isOutage, SettingsRefused, StoreRefused } from '@rescind/core'
import { MemoryStore } from './memory/store.ts'
import type { MoveSource, MoveTarget } from './move/ends.ts'
import { type MoveDone, type MoveOptions, moveStore } from './move/move.ts'
import { parsePostgresUrl } from './postgres/address.ts'
import type { PostgresAddress } from './postgres/connection.ts'
import type { TakenOver } from './postgres/store.ts'
import { type BackupOptions, backupSqlite } from './sqlite/backup.ts'
import { openMoveSource as openSqliteSource } from './sqlite/move-source.ts'
import { openMoveTarget as openSqliteTarget } from './sqlite/move-target.ts'
import { type OpenSqlite, openSqlite, type SideLogged } from './sqlite/store.ts'

/** A parsed store URL, one variant per engine. `isDurable`: the data outlives the process. */
export type StoreUrl =
  | { readonly kind: 'memory'; readonly path: undefined; readonly isDurable: false }
  | { readonly kind: 'sqlite'; readonly path: string; readonly isDurable: true }
  | {
      readonly kind: 'postgres'
      readonly path: undefined
      readonly isDurable: true
      readonly address: PostgresAddress
    }

/** Whether other servers may follow what this store writes. */
export function hasStandbys({ kind }: StoreUrl): boolean {
  return kind === 'postgres'
}

/** The URL of a store that is one file on this machine. */
export type FileStoreUrl = Extract<StoreUrl, { readonly path: string }>

export const STORE_URL_HELP =
  'sqlite:PATH, postgres://USER@HOST/DATABASE, or memory: (forgets everything when the server stops)'

/** @throws SettingsRefused for text that names no known engine. */
export function parseStoreUrl(text: string, name: string): StoreUrl {
  if (text === 'memory:') return { kind: 'memory', path: undefined, isDurable: false }
  if (/^postgres(?:ql)?:/.test(text))
    return { kind: 'postgres', path: undefined, isDurable: true, address: parsePostgresUrl(text, name) }
  const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : ''
  if (path === '')
    throw new SettingsRefused(
      `${name}: "${withoutPassword(text)}" names no store; give sqlite:PATH, postgres://USER@HOST/DATABASE or memory:`,
    )
  return { kind: 'sqlite', path, isDurable: true }
}

/** A URL that names a password names it to whoever reads errors and listings. */
export function withoutPassword(text: string): string {
  return text.replace(/(\/\/[^/@:]*):.*@/, '$1:…@')
}

export type OpenStore = OpenSqlite & {
  /** The floor of a store that is created now. */
  readonly floorMs: number
  /** Called once when another process has taken over this one's place in a shared store: it must end. */
  readonly fenced?: (why: string) => void
  /** Of a store in PostgreSQL: told why what this process asks again and again fails. */
  readonly failed?: (why: string) => void
  /** Refuses a database without a store, instead of creating one there. */
  readonly mustExist?: boolean
  /** For an operator who says what becomes of the tokens after a takeover: a database is opened also where one is due. */
  readonly afterTakeover?: boolean
  /** Whether nothing counts as written before a synchronous standby of PostgreSQL has it. */
  readonly requireSync?: boolean
}
/** A store that may have a side log, with how the two fitted, or a standby that may have taken over. */
export type OpenedStore = Store & Partial<SideLogged> & Partial<TakenOver>

/**
 * Opens or creates the store that a URL names; a file's folder must exist.
 * @throws StoreRefused when the store must not be used as it is; the engine's own error when it cannot be reached.
 */
export async function openStore(
  url: StoreUrl,
  {
    floorMs,
    fenced,
    failed,
    mustExist = false,
    requireSync = false,
    afterTakeover = false,
    ...options
  }: OpenStore,
): Promise<OpenedStore> {
  switch (url.kind) {
    case 'memory':
      return new MemoryStore(floorMs)
    case 'sqlite':
      return openSqlite(url.path, floorMs, options)
    case 'postgres': {
      // Loaded when it is needed: the driver is a good part of a start.
      const { openPostgres } = await import('./postgres/store.ts')
      return openPostgres(url.address, {
        ...{ floorMs, mustExist, requireSync, afterTakeover },
        ...(fenced === undefined ? {} : { fenced }),
        ...(failed === undefined ? {} : { failed }),
      })
    }
  }
}

/** Copies a store to a new file; a server may own the store and write to it meanwhile. @throws StoreRefused. */
export function backupStore({ path }: FileStoreUrl, target: string, options?: BackupOptions): Promise<void> {
  return backupSqlite(path, target, options)
}

export type Move = MoveOptions &
  Pick<OpenSqlite, 'sideLog'> & { readonly from: StoreUrl; readonly to: StoreUrl }

/**
 * Moves a stopped store from SQLite to PostgreSQL or back. A move that was cut off goes on when it is called again.
 * @throws StoreRefused, SettingsRefused.
 */
export async function migrateStore(move: Move): Promise<MoveDone> {
  try {
    return await migrated(move)
  } catch (error) {
    if (!isOfAnEngine(error)) throw error
    throw new StoreRefused(`the move was cut off: ${error.message}; run the same command again`)
  }
}

/** Of PostgreSQL, its connection, SQLite or a file; what this program gets wrong has no code. */
function isOfAnEngine(error: unknown): error is Error {
  return (
    isOutage(error) ||
    (error instanceof Error && ('code' in error || error.message.startsWith('Connection terminated')))
  )
}

async function migrated({ from, to, sideLog, ...options }: Move): Promise<MoveDone> {
  const source = await openSource(from, to, sideLog)
  try {
    const target = await openTarget(to)
    try {
      return await moveStore(source, target, options)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function openSource(from: StoreUrl, to: StoreUrl, sideLog: OpenSqlite['sideLog']): Promise<MoveSource> {
  if (from.kind === 'sqlite' && to.kind === 'postgres') return openFileSource(from.path, sideLog)
  if (from.kind === 'postgres' && to.kind === 'sqlite') {
    const { openMoveSource } = await import('./postgres/move-source.ts')
    return openMoveSource(from.address)
  }
  throw new SettingsRefused('a store moves from sqlite:PATH to postgres://… or back')
}

/** One that was not moved yet is opened first as a server opens it: its schema is this version's then, and its side log fits. */
async function openFileSource(path: string, sideLog: OpenSqlite['sideLog']): Promise<MoveSource> {
  const source = openSqliteSource(path)
  if (source.moved !== undefined) return source
  await source.close()
  const store = await openSqlite(path, 0, { sideLog })
  await store.close()
  return openSqliteSource(path)
}

async function openTarget(to: StoreUrl): Promise<MoveTarget> {
  if (to.kind === 'postgres') {
    const { openMoveTarget } = await import('./postgres/move-target.ts')
    return openMoveTarget(to.address)
  }
  if (to.kind === 'sqlite') return openSqliteTarget(to.path)
  throw new SettingsRefused('a store moves to a disk or to a database')
}
