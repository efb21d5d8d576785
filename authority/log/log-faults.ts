import type { RealmOrdinal } from '@rescind/core'
import type { Store } from '../ports.ts'
import { anchorHolds } from './log-anchor.ts'
import type { LogFault } from './log-check.ts'

const ROWS_PER_CHECK = 1_000

/** What is wrong with a stored log, from its anchor to its end. Memory use does not depend on its length. */
export async function logFault(
  store: Store,
  realm: RealmOrdinal,
  sealKey: Uint8Array,
): Promise<LogFault | undefined> {
  for (;;) {
    const { seq } = await store.anchor(realm)
    const fault = await faultAfter(store, { realm, sealKey, seq })
    // Another process may have trimmed the log meanwhile.
    if (fault === undefined || !store.isShared || (await store.anchor(realm)).seq === seq) return fault
  }
}

type Begun = { readonly realm: RealmOrdinal; readonly sealKey: Uint8Array; readonly seq: number }

async function faultAfter(store: Store, { realm, sealKey, seq }: Begun): Promise<LogFault | undefined> {
  let after = seq
  if (!(await anchorHolds(store, realm, sealKey))) return { seq: after, what: 'anchor-altered' }
  for (;;) {
    const { through, fault } = await store.checkRows(realm, after, ROWS_PER_CHECK)
    if (fault !== undefined) return fault
    if (through - after < ROWS_PER_CHECK) return undefined
    after = through
  }
}

/** What to tell an operator who starts a server on such a log. */
export function faultAdvice({ seq, what }: LogFault): string {
  const where =
    what === 'anchor-altered'
      ? `the rows kept of its log up to row ${seq} are not those that the server kept`
      : `row ${seq} of its log is ${what === 'missing' ? 'missing' : 'not as it was written'}`
  return (
    `${where}: a disk fault or a third party changed the store, so revoked tokens may be let in. ` +
    'Run `rescind audit verify`, then restore a backup with `rescind restore` (docs/run/backup.md)'
  )
}
