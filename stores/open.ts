import type { Store } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import { MemoryStore } from './memory/store.ts'
import { parsePostgresUrl } from './postgres/address.ts'
import type { PostgresAddress } from './postgres/connection.ts'
import { openPostgres } from './postgres/store.ts'
import { type BackupOptions, backupSqlite } from './sqlite/backup.ts'
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
      `${name}: "${text}" names no store; give sqlite:PATH, postgres://USER@HOST/DATABASE or memory:`,
    )
  return { kind: 'sqlite', path, isDurable: true }
}

export type OpenStore = OpenSqlite & {
  /** The floor of a store that is created now. */
  readonly floorMs: number
  /** Called once when another process has taken over this one's place in a shared store: it must end. */
  readonly fenced?: (why: string) => void
}
/** A store that may have a side log, with how the two fitted. */
export type OpenedStore = Store & Partial<SideLogged>

/**
 * Opens or creates the store that a URL names; a file's folder must exist.
 * @throws StoreRefused when the store must not be used as it is; the engine's own error when it cannot be reached.
 */
export async function openStore(
  url: StoreUrl,
  { floorMs, fenced, ...options }: OpenStore,
): Promise<OpenedStore> {
  switch (url.kind) {
    case 'memory':
      return new MemoryStore(floorMs)
    case 'sqlite':
      return openSqlite(url.path, floorMs, options)
    case 'postgres':
      return openPostgres(url.address, fenced === undefined ? { floorMs } : { floorMs, fenced })
  }
}

/** Copies a store to a new file; a server may own the store and write to it meanwhile. @throws StoreRefused. */
export function backupStore({ path }: FileStoreUrl, target: string, options?: BackupOptions): Promise<void> {
  return backupSqlite(path, target, options)
}
