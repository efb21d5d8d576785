import { resolve } from 'node:path'
import { type MasterKey, Realms, type Store } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import {
  type Config,
  checkConfig,
  createSystemRandom,
  readMasterKey,
  realmsOutOfOrder,
} from '@rescind/server'
import type { FileStoreUrl, StoreUrl } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { settingValues } from '../setting-values.ts'

/** The store that a command is about, and the settings that name it. */
export type StoreWords<Url extends StoreUrl = FileStoreUrl> = { readonly config: Config; readonly url: Url }

/** What a command that starts an epoch is told about the past. */
export type EpochFlags = { readonly known: readonly string[]; readonly keepTokens: boolean }

/**
 * As `durableWords`, for a command about files.
 * @param onDatabase what to do instead for a store in a database. @throws SettingsRefused.
 */
export function storeWords(call: Call, io: Io, onDatabase: string): StoreWords {
  const told = durableWords(call, io)
  const url = fileStore(told.url)
  if (url === undefined) throw new SettingsRefused(`store: ${onDatabase}`)
  return { ...told, url }
}

/** @throws SettingsRefused, for a store in memory as well. */
export function durableWords(call: Call, io: Io): StoreWords<StoreUrl> {
  const config = checkConfig(settingValues(call, io))
  if (!config.store.isDurable)
    throw new SettingsRefused(
      'store: this command needs a store that lasts; give --store sqlite:PATH or postgres://USER@HOST/DATABASE',
    )
  return { config, url: fileStore(config.store) ?? config.store }
}

export function epochFlags(call: Call): EpochFlags {
  return { known: call.texts('known-position'), keepTokens: call.isOn('keep-tokens') }
}

/** The URL of a store on disk, with its absolute path; undefined for other stores. */
export function fileStore(url: StoreUrl): FileStoreUrl | undefined {
  return url.path === undefined ? undefined : { ...url, path: resolve(url.path) }
}

/** What a command did, one line per item, and whether it succeeded in every realm. */
export type Told = {
  readonly lines: readonly string[]
  readonly isWhole: boolean
  /** Of evidence: whether it is signed by the key that was given. */
  readonly signer?: 'known' | 'unproven' | undefined
}

/** Exit code 1: the command did not succeed everywhere, or what it checked is wrong. */
export function tell(io: Io, { lines, isWhole, signer }: Told): ExitCode {
  io.result({ isWhole, lines, signer }, () => lines)
  return isWhole ? EXIT.done : EXIT.failed
}

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
