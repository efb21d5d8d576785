import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type MasterKey, mintText, PREFIX, type Realm, Realms, type Store } from '@rescind/authority'
import { type Random, SettingsRefused } from '@rescind/core'
import type { Logger } from 'pino'
import { makeMasterKey, readSecretFile, writeSecretFile } from '../machine/key-files.ts'
import { CONTROL_KEY_FILE } from '../machine/store-files.ts'
import { createFirstKey, hasHadControlKey } from '../records/control-keys.ts'
import { settledMasterKey } from './master-key.ts'

/**
 * `isTemporary`: the store disappears with the process, and so do its keys. The key files may belong to a durable
 * store, so they are neither used nor touched.
 */
export type KeyParts = {
  readonly config: {
    readonly masterKeyFile: string
    readonly controlKey?: string | undefined
    readonly store: { readonly isDurable: boolean }
  }
  readonly random: Random
  readonly isTemporary: boolean
}

/**
 * Makes a key only for a new store. A missing key of an existing store is a mistake, and a new key would not open it.
 */
export async function firstMasterKey(
  { config, random, isTemporary }: KeyParts,
  store: Store,
): Promise<MasterKey> {
  if (isTemporary) return { bytes: random.bytes(32) }
  const path = resolve(config.masterKeyFile)
  if (existsSync(path)) return settledMasterKey(path, store)
  if (!(await Realms.isNew(store))) {
    throw new SettingsRefused(`masterKeyFile: ${path} is missing, and the store was made with one`)
  }
  return config.store.isDurable ? makeMasterKey(path, random) : { bytes: random.bytes(32) }
}

/**
 * Gives a store its control key at the first start: the one in the environment, or a new one that is written to a file.
 */
export async function settleControlKey(
  { config, random, isTemporary }: KeyParts,
  system: Realm,
  log: Logger,
): Promise<void> {
  if (await hasHadControlKey(system)) return
  if (config.controlKey !== undefined) {
    await createFirstKey(system, config.controlKey)
    return
  }
  if (isTemporary) {
    const key = mintText(PREFIX.controlKey, random).reveal()
    await createFirstKey(system, key)
    // Not to the log, because other systems store the log.
    process.stderr.write(`rescind: temporary control key, until this server stops (memory:): ${key}\n`)
    return
  }
  const path = resolve(dirname(config.masterKeyFile), CONTROL_KEY_FILE)
  if (!existsSync(path)) writeSecretFile(path, `${mintText(PREFIX.controlKey, random).reveal()}\n`)
  await createFirstKey(system, readSecretFile('control key', path))
  log.info({ file: path }, 'a control key was created; it is in this file')
}
