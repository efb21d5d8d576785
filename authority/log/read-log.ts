import { ContractBroken, type RealmOrdinal, type RevocationIndex } from '@rescind/core'
import type { LogRow } from '@rescind/core/log'
import type { Store } from '../ports.ts'

const ROWS_PER_READ = 1_000
const KEPT_PER_READ = 1_000

export type LogOf = { readonly store: Store; readonly realm: RealmOrdinal; readonly index: RevocationIndex }

/** Folds the rows that were kept up to the anchor. @throws StoreUnavailable; ContractBroken for a row that is not understood. */
export async function foldKept({ store, realm, index }: LogOf): Promise<void> {
  const anchor = await store.anchor(realm)
  for (;;) {
    const rows = await store.keptRows(realm, index.seq, KEPT_PER_READ)
    for (const row of rows) index.foldKept(row)
    if (rows.length < KEPT_PER_READ) break
  }
  index.passTo(anchor.seq)
}

/**
 * Folds the log from the index's position to its end. Two pages are read while one is folded: rows have no gaps, so the
 * start of the next page is known early. @throws as `foldKept`.
 */
export async function foldLog({ store, realm, index }: LogOf, tell: (row: LogRow) => void): Promise<void> {
  let after = index.seq
  const nextPage = (): Promise<readonly LogRow[]> => {
    const page = store.rowsAfter(realm, after, ROWS_PER_READ)
    after += ROWS_PER_READ
    // A page that fails before its turn must not count as an unhandled rejection.
    page.catch(() => {})
    return page
  }
  const pages = [nextPage(), nextPage()]
  try {
    for (;;) {
      const rows = (await pages.shift()) ?? []
      if (rows.length === ROWS_PER_READ) pages.push(nextPage())
      for (const row of rows) {
        index.fold(row)
        tell(row)
      }
      if (rows.length < ROWS_PER_READ) return
    }
  } finally {
    // Pages past the end or past a failure do not matter, even if they fail, too.
    await Promise.allSettled(pages)
  }
}

/** Why a log cannot be understood from some row on; undefined: it can. @throws what else `read` throws. */
export async function faultOf(
  index: RevocationIndex,
  read: () => Promise<void>,
): Promise<string | undefined> {
  try {
    await read()
    return undefined
  } catch (error) {
    if (!(error instanceof ContractBroken)) throw error
    return `row ${index.seq + 1} of its log: ${error.message}`
  }
}
