import { existsSync } from 'node:fs'
import { SettingsRefused, StoreRefused } from '@rescind/core'
import { startEpochs } from '@rescind/server'
import { openStore } from '@rescind/stores'
import { knownCheckpoints } from './restore.ts'
import { leftRealms, masterKeyOf, openRealms, storeWords, type Told, type ValuesOf } from './store-words.ts'

const ON_DATABASE =
  'a new epoch in a database is not possible yet: move the store to sqlite:PATH, and begin it there'

/**
 * `rescind epoch new`: for an operator whose store was found to be rolled back, with no better copy to restore.
 * @throws SettingsRefused, StoreRefused.
 */
export async function epoch(words: readonly string[], valuesOf: ValuesOf): Promise<Told> {
  const [sub, ...rest] = words
  if (sub !== 'new') throw new SettingsRefused('the command is: rescind epoch new [FLAGS]')
  const { file, url, config, known, keepTokens } = storeWords(rest, valuesOf, ON_DATABASE)
  if (file !== undefined) throw new SettingsRefused('the command is: rescind epoch new [FLAGS]')
  if (!existsSync(url.path)) throw new StoreRefused(`there is no store at ${url.path}`)
  const master = masterKeyOf(config)
  const { sideLog } = config
  const side = typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog
  const store = await openStore(url, { floorMs: 0, sideLog: side })
  try {
    const realms = await openRealms(store, master)
    const started = await startEpochs(realms, {
      keepTokens: () => keepTokens,
      known: knownCheckpoints(realms, known),
      audit: {
        by: 'operator',
        from: 'local',
        how: 'epoch.new',
        why: keepTokens ? 'a new epoch; --keep-tokens' : 'a new epoch',
      },
    })
    const left = leftRealms(realms)
    await realms.ledger.close()
    const lines = started.map(({ realm, ordinal, keptTokens }) => {
      const what = keptTokens
        ? 'its tokens stay valid, because --keep-tokens was given'
        : 'every token issued before is lost'
      return `${realm}: epoch ${ordinal}; ${what}.`
    })
    return { lines: [...lines, ...left.lines], isWhole: left.isWhole }
  } finally {
    await store.close()
  }
}
