import { resolve } from 'node:path'
import { type MasterKey, Realms, type Store } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import {
  type Config,
  checkConfig,
  createSystemRandom,
  readMasterKey,
  realmsOutOfOrder,
  type Values,
} from '@rescind/server'
import type { FileStoreUrl, StoreUrl } from '@rescind/stores'

export type ValuesOf = (flags: readonly string[]) => Values

/** The arguments of a command about a store: its own words, and the server's flags. */
export type StoreWords<Url extends StoreUrl = FileStoreUrl> = {
  readonly file: string | undefined
  readonly known: readonly string[]
  readonly keepTokens: boolean
  readonly config: Config
  readonly url: Url
}

/**
 * As `durableWords`, for a command about files.
 * @param onDatabase what to do instead for a store in a database. @throws SettingsRefused.
 */
export function storeWords(words: readonly string[], valuesOf: ValuesOf, onDatabase: string): StoreWords {
  const told = durableWords(words, valuesOf)
  const url = fileStore(told.url)
  if (url === undefined) throw new SettingsRefused(`store: ${onDatabase}`)
  return { ...told, url }
}

/**
 * Reads `FILE`, `--known-position P` and `--keep-tokens`; all other flags belong to the server.
 * @throws SettingsRefused.
 */
export function durableWords(words: readonly string[], valuesOf: ValuesOf): StoreWords<StoreUrl> {
  const [first] = words
  const file = first === undefined || first.startsWith('-') ? undefined : first
  const flags: string[] = []
  const known: string[] = []
  let keepTokens = false
  for (let at = file === undefined ? 0 : 1; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--keep-tokens') keepTokens = true
    else if (word === '--known-position') {
      at += 1
      known.push(words[at] ?? '')
    } else flags.push(word)
  }
  const config = checkConfig(valuesOf(flags))
  if (!config.store.isDurable)
    throw new SettingsRefused(
      'store: this command needs a store that lasts; give --store sqlite:PATH or postgres://USER@HOST/DATABASE',
    )
  return { file, known, keepTokens, config, url: fileStore(config.store) ?? config.store }
}

/** The URL of a store on disk, with its absolute path; undefined for other stores. */
export function fileStore(url: StoreUrl): FileStoreUrl | undefined {
  return url.path === undefined ? undefined : { ...url, path: resolve(url.path) }
}

/** What a command did, one line per item, and whether it succeeded in every realm. */
export type Told = { readonly lines: readonly string[]; readonly isWhole: boolean }

/** A line for each realm that stays unchanged because it cannot be read. */
export function leftRealms(realms: Realms): Told {
  const lines = realmsOutOfOrder(realms).map(({ realm, why }) => `${realm}: NO NEW EPOCH: ${why}`)
  return { lines, isWhole: lines.length === 0 }
}

export function masterKeyOf({ masterKeyFile }: Config): MasterKey {
  return readMasterKey(resolve(masterKeyFile))
}

/** @throws StoreRefused when the store was made with another master key. */
export function openRealms(store: Store, master: MasterKey): Promise<Realms> {
  return Realms.open({
    store,
    master,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: createSystemRandom(),
    defer: (task) => setImmediate(task),
  })
}
