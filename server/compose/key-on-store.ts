import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Realms } from '@rescind/authority'
import { type Clock, StoreRefused } from '@rescind/core'
import { openStore } from '@rescind/stores'
import type { Config } from '../config/config.ts'
import { makeOperatorKey, type OperatorKey } from '../keys/operator-key.ts'
import { readMasterKey } from '../machine/key-files.ts'
import { openLog } from '../machine/log.ts'
import { createSystemRandom } from '../machine/random.ts'
import { joinNodes } from './join-nodes.ts'
import { endAt } from './open-store.ts'

const CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

/**
 * Makes a control key on a store that no server has open; in PostgreSQL, where nodes may run, as one more node, which takes
 * part in the group commit and leaves, so that every node that runs takes the key at once.
 * @throws SettingsRefused, StoreRefused.
 */
export async function makeKeyOnStore(
  { store: url, sideLog, masterKeyFile, requireSync, ...config }: Config,
  wanted: OperatorKey,
): Promise<{ readonly id: string; readonly text: string }> {
  const at = url.path === undefined ? url : { ...url, path: resolve(url.path) }
  if (at.path !== undefined && !existsSync(at.path)) throw new StoreRefused(`there is no store at ${at.path}`)
  const master = readMasterKey(resolve(masterKeyFile))
  const { log } = openLog('silent', 'json')
  const side = typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog
  const store = await openStore(at, {
    ...{ floorMs: 0, mustExist: true, requireSync, sideLog: side },
    fenced: (why) => endAt(why, log),
  })
  const nodes = await joinNodes(store, config, { clock: CLOCK, log })
  try {
    const clock = nodes?.storeClock ?? CLOCK
    const parts = { store, master, clock, nodes, random: createSystemRandom() }
    const realms = await Realms.open({ ...parts, lazily: true, defer: (task) => setImmediate(task) })
    const made = await makeOperatorKey(realms, wanted)
    await realms.ledger.close()
    return made
  } finally {
    await nodes?.leave()
    await store.close()
  }
}
