import { resolve } from 'node:path'
import { SettingsRefused } from '@rescind/core'
import { backupSqlite } from '@rescind/stores'
import { storeWords, type ValuesOf } from './store-words.ts'

/** `rescind backup FILE`. @throws SettingsRefused, StoreRefused. */
export async function backup(words: readonly string[], valuesOf: ValuesOf): Promise<readonly string[]> {
  const { file, known, keepTokens, path } = storeWords(words, valuesOf)
  if (file === undefined || known.length > 0 || keepTokens)
    throw new SettingsRefused('the command is: rescind backup FILE [FLAGS]')
  const target = resolve(file)
  await backupSqlite(path, target)
  return [`${path} was copied to ${target}.`, 'It is of no use without the master key, which is not in it.']
}
