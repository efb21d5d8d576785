import type { Store } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import { MemoryStore } from './memory/store.ts'
import { type BackupOptions, backupSqlite } from './sqlite/backup.ts'
import { type OpenSqlite, openSqlite, type SideLogged } from './sqlite/store.ts'

/** What the URL of a store says; a member for each engine. `isDurable`: it outlives the process. */
export type StoreUrl =
  | { readonly kind: 'memory'; readonly path: undefined; readonly isDurable: false }
  | { readonly kind: 'sqlite'; readonly path: string; readonly isDurable: true }

/** The URL of a store that is one file of this machine. */
export type FileStoreUrl = Extract<StoreUrl, { readonly path: string }>

export const STORE_URL_HELP = 'sqlite:PATH, or memory: (forgets everything when the server stops)'

/** @throws SettingsRefused for a text that names no engine of ours. */
export function parseStoreUrl(text: string, name: string): StoreUrl {
  if (text === 'memory:') return { kind: 'memory', path: undefined, isDurable: false }
  const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : ''
  if (path === '') throw new SettingsRefused(`${name}: "${text}" is neither sqlite:PATH nor memory:`)
  return { kind: 'sqlite', path, isDurable: true }
}

export type OpenStore = OpenSqlite & {
  /** The floor of a store that is made now. */
  readonly floorMs: number
}
/** Of a store that can have a side log: how the two fitted. */
export type OpenedStore = Store & Partial<SideLogged>

/**
 * Opens, or makes, the store that a URL names; the folder of a file must exist.
 * @throws StoreRefused when it is not to be used as it stands; whatever the engine throws when it cannot be reached.
 */
export async function openStore(url: StoreUrl, { floorMs, ...options }: OpenStore): Promise<OpenedStore> {
  switch (url.kind) {
    case 'memory':
      return new MemoryStore(floorMs)
    case 'sqlite':
      return openSqlite(url.path, floorMs, options)
  }
}

/** Copies a store, which a server may own and write to meanwhile, to a file that does not exist. @throws StoreRefused. */
export function backupStore({ path }: FileStoreUrl, target: string, options?: BackupOptions): Promise<void> {
  return backupSqlite(path, target, options)
}
