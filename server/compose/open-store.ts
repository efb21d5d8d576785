import { dirname, resolve } from 'node:path'
import type { Store } from '@rescind/authority'
import { type Clock, StoreRefused } from '@rescind/core'
import { type OpenedStore, openStore } from '@rescind/stores'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { makeFolder } from '../machine/key-files.ts'
import { checkStoreFiles, refuseLost } from '../machine/store-files.ts'

export type StoreParts = { readonly clock: Clock; readonly log: Logger }

/**
 * Opens the store that the settings name; checks the files first if it is a file.
 * @throws StoreRefused, one line for the operator.
 */
export async function openOwnStore(
  { store: url, sideLog, masterKeyFile, requireSync }: Config,
  { clock, log }: StoreParts,
): Promise<Store> {
  const floorMs = clock.wallMs()
  if (url.path === undefined)
    return openStore(url, {
      ...{ floorMs, requireSync },
      fenced: (why) => endAt(why, log),
      failed: (why) => log.warn(`store: ${why}`),
    })
  const path = resolve(url.path)
  try {
    makeFolder(dirname(path))
    const file = typeof sideLog === 'object' ? sideLog.path : undefined
    for (const warning of checkStoreFiles({ path, sideLog: file })) log.warn(`store: ${warning}`)
    const side = typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog
    refuseLost({ path, masterKeyFile })
    const opened = await openStore({ ...url, path }, { floorMs, sideLog: side })
    noteSideLog(opened, log)
    return opened
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    throw new StoreRefused(
      `store: ${path} cannot be opened: ${error instanceof Error ? error.message : 'unknown'}`,
    )
  }
}

/** This process is not one of the store's any more: whatever it still answered could be wrong. */
export function endAt(why: string, log: Logger): never {
  log.fatal(`store: ${why}`)
  process.exit(1)
}

function noteSideLog({ joined, left }: OpenedStore, log: Logger): void {
  if (left !== undefined)
    log.warn(
      { file: left.path, marked: left.marked },
      left.marked
        ? 'sideLog: the store goes on without this file, which says so itself: it proves nothing any more'
        : 'sideLog: the store goes on without this file, which could not be told: never restore by it',
    )
  if (joined?.kind === 'gap')
    log.warn('sideLog: the store went on without it; it starts anew here, so take a backup now')
  if (joined?.kind === 'started')
    log.info('sideLog: it begins here; backups from now on can be carried forward')
  if (joined?.kind === 'whole' && joined.carried > 0)
    log.warn({ lines: joined.carried }, 'sideLog: the store lacked these lines and has them now')
}
