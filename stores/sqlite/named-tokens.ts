import type { NamedTokensAsk, TokenPage } from '@rescind/authority'
import { bearsNames } from '@rescind/authority/names'
import { type Handle, type RealmOrdinal, type TokenRecord } from '@rescind/core'
import { tokenOfScan } from '../token-record.ts'
import { PAGE_ROWS } from './page.ts'
import type { Reader } from './reader.ts'
import type { Page, ReaderAsk } from './thread-messages.ts'
import type { TokenIndex } from './token-index.ts'
import { TOKEN_COLUMNS } from './token-row.ts'
import type { WalkedRow } from './token-walk.ts'

const SQL = `SELECT ${TOKEN_COLUMNS}, id FROM token
  WHERE id IN (SELECT value FROM json_each(?)) AND realm = ? ORDER BY id LIMIT ?`

type Ask = NamedTokensAsk & { readonly realm: RealmOrdinal }

/** Reads the rows that the index gives, and drops those of other tokens. */
export async function tokensNamed(
  reader: Reader,
  index: TokenIndex,
  { realm, after = 0, limit, ...sought }: Ask,
): Promise<TokenPage | undefined> {
  const named = await index.names.candidates(realm, sought.anyOf, after)
  if (named === undefined) return undefined
  const byHandle = sought.handles.flatMap((one) => index.byHandle(one as Handle)).filter((row) => row > after)
  const candidates = byHandle.length === 0 ? named : inOrder([...named, ...byHandle])
  const records: TokenRecord[] = []
  let read = 0
  while (records.length < limit && read < candidates.length) {
    const asked = candidates.slice(read, read + Math.min(limit - records.length, PAGE_ROWS))
    const values = [JSON.stringify(asked), realm]
    const ask: ReaderAsk = { kind: 'page', sql: SQL, values, limit: asked.length }
    const { rows, more } = await reader.list<Page<WalkedRow>>(ask)
    for (const record of rows.flatMap(tokenOfScan)) if (bearsNames(record, sought)) records.push(record)
    // A page may end before its last row, because it has many bytes.
    read += more ? asked.indexOf(rows.at(-1)?.[6] ?? 0) + 1 : asked.length
  }
  return { records, next: read < candidates.length ? candidates[read - 1] : undefined }
}

function inOrder(rows: readonly number[]): readonly number[] {
  return [...new Set(rows)].sort((left, right) => left - right)
}

const CONSUMED =
  'SELECT handle FROM consumption WHERE realm = ? AND handle IN (SELECT value FROM json_each(?))'

export async function consumedOf(
  reader: Reader,
  realm: RealmOrdinal,
  handles: readonly Handle[],
): Promise<ReadonlySet<string>> {
  const ask: ReaderAsk = { kind: 'scan', sql: CONSUMED, values: [realm, JSON.stringify(handles)] }
  return new Set((await reader.list<readonly (readonly [string])[]>(ask)).map(([handle]) => handle))
}
