import { lstatSync } from 'node:fs'
import { StoreRefused } from '@rescind/core'

/**
 * A store's journal that outlived its file would be played into whatever file is put in its place.
 * @throws StoreRefused where a file is to be put and such a journal lies.
 */
export function refuseLeftJournal(path: string): void {
  for (const journal of [`${path}-wal`, `${path}-journal`])
    if ((lstatSync(journal, { throwIfNoEntry: false })?.size ?? 0) > 0)
      throw new StoreRefused(`${journal} is left of another store: move it away, or give another path`)
}
