/**
 * `npm run bench:names`: what finding tokens by name costs and gives on SQLite. `-- --tokens N` sets how many there are, `-- --folder
 * DIR` where the store is made.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Realm } from '@rescind/authority'
import { openSqlite } from '@rescind/stores'
import { NameIndex } from '../stores/sqlite/name-index.ts'
import { namedTokens, openRealms, previewNames, putTokens } from './named-tokens.ts'

const { values: flags } = parseArgs({
  options: { tokens: { type: 'string', default: '1000000' }, folder: { type: 'string' } },
})
const TOKENS = Number(flags.tokens)
const folder = flags.folder ?? mkdtempSync(join(tmpdir(), 'rescind-bench-names-'))
mkdirSync(folder, { recursive: true })
process.once('exit', () => flags.folder === undefined && rmSync(folder, { recursive: true }))
const path = join(folder, 'rescind.db')
await make()
await measure()
process.exit()

async function make(): Promise<void> {
  const store = await openSqlite(path, Date.now())
  const realms = await openRealms(store)
  await putTokens(realms.default, TOKENS)
  await realms.ledger.close()
  await store.close()
}

async function measure(): Promise<void> {
  const beganMs = performance.now()
  const store = await openSqlite(path, Date.now())
  const realm = (await openRealms(store)).default
  const since = (): string => `${((performance.now() - beganMs) / 1_000).toFixed(1)} s`
  console.log(`open after ${since()}`)
  const nothing = { anyOf: [], handles: [], after: undefined, limit: 1 }
  while ((await store.tokensNamed(realm.ordinal, nothing)) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 20))
  console.log(`the index is whole after ${since()}`)
  await previewNames(realm, TOKENS)
  putCost(realm)
}

/** All that issuing does for the index. */
function putCost(realm: Realm): void {
  const index = new NameIndex()
  index.beginFill()
  index.endFill()
  let [cpuUs, row] = [0, 0]
  for (let from = 0; from < TOKENS; from += 10_000) {
    const records = namedTokens(realm, { from, count: Math.min(10_000, TOKENS - from), of: TOKENS })
    const before = process.threadCpuUsage()
    for (const record of records) {
      row += 1
      index.put(realm.ordinal, row, record)
    }
    const { user, system } = process.threadCpuUsage(before)
    cpuUs += user + system
  }
  console.log(`putting a token: ${(cpuUs / TOKENS).toFixed(2)} µs of CPU`)
  console.log(`memory: ${(index.bytes / TOKENS).toFixed(1)} bytes a token`)
}
