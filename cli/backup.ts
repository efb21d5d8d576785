import { resolve } from 'node:path'
import { SettingsRefused } from '@rescind/core'
import { backupStore } from '@rescind/stores'
import { storeWords, type Told, type ValuesOf } from './store-words.ts'

const ON_DATABASE =
  'a database is copied by its own tools, pg_basebackup or pg_dump (docs/run/postgres.md, "Backups")'

/** `rescind backup FILE`. @throws SettingsRefused, StoreRefused. */
export async function backup(words: readonly string[], valuesOf: ValuesOf): Promise<Told> {
  const { file, known, keepTokens, url } = storeWords(words, valuesOf, ON_DATABASE)
  if (file === undefined || known.length > 0 || keepTokens)
    throw new SettingsRefused('the command is: rescind backup FILE [FLAGS]')
  const target = resolve(file)
  await backupStore(url, target, { onProgress: telling() })
  const lines = [
    `${url.path} was copied to ${target}.`,
    'It is useless without the master key, which it does not contain: back that up separately.',
  ]
  return { lines, isWhole: true }
}

const TELL_EVERY_MS = 1_000
const PAGE_BYTES = 4_096

/** Prints a line a second to standard error, so that the progress of a long copy is visible. */
function telling(): (copied: number, total: number) => void {
  let toldMs = performance.now()
  return (copied, total) => {
    if (performance.now() - toldMs < TELL_EVERY_MS) return
    toldMs = performance.now()
    const [done, all] = [copied, total].map((pages) => Math.round((pages * PAGE_BYTES) / 2 ** 20))
    process.stderr.write(`rescind: ${done} of ${all} MB copied\n`)
  }
}
