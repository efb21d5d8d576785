import { type DirectoryRecord, ISSUERS, keptRows, type Realm } from '@rescind/authority'
import { type ChainedLogRow, type LogRow, traitsOf } from '@rescind/core/log'
import { credentialOf, factsJson } from '@rescind/core/tokens'
import { CHAT_APPS } from '@rescind/dialects'
import { maskedUrl } from '../machine/net/masked-url.ts'
import { storedRule } from '../receipts/stored-row.ts'
import { exportLog, type Range } from './export.ts'

const PAGE = 100

/** All contents of a realm: its directory, its tokens (never their text), and its log. */
export async function* exportRealm(realm: Realm, range: Range): AsyncGenerator<string, void> {
  const { store, ordinal } = realm
  for (const collection of await collectionsOf(realm, range.head.seq)) {
    let after: string | undefined
    do {
      const page = await store.records(ordinal, { collection, after, limit: PAGE })
      for (const record of page.records) yield `${JSON.stringify({ record: exported(collection, record) })}\n`
      after = page.next
    } while (after !== undefined)
  }
  let place: number | undefined
  do {
    const page = await store.tokens(ordinal, { after: place, limit: PAGE })
    for (const record of page.records)
      yield `${JSON.stringify({ token: factsJson(record, credentialOf(record)) })}\n`
    place = page.next
  } while (place !== undefined)
  yield* exportLog(realm, range)
}

/** Members with URLs that may hold a secret. */
const URLS: ReadonlyMap<string, string> = new Map([
  [ISSUERS.name, 'jwksUrl'],
  [CHAT_APPS.name, 'verifyUrl'],
])

function exported(collection: string, record: DirectoryRecord): DirectoryRecord {
  const member = URLS.get(collection)
  if (member === undefined || record.body === undefined) return record
  // Only this program writes it, always as an object.
  const value = JSON.parse(record.body) as Record<string, unknown>
  const url = value[member]
  return typeof url === 'string'
    ? { ...record, body: JSON.stringify({ ...value, [member]: maskedUrl(url) }) }
    : record
}

/**
 * All collections of a realm. Every change is a row, and trimming keeps one row of each collection, so none is missed.
 */
async function collectionsOf({ store, ordinal }: Realm, head: number): Promise<readonly string[]> {
  const names = new Set<string>()
  const add = (row: LogRow): void => {
    const rule = storedRule(row)
    if ('unreadable' in rule) return
    const collection = traitsOf(rule).collectionOf(rule)
    if (collection !== undefined) names.add(collection)
  }
  for await (const row of keptRows(store, ordinal)) add(row)
  let { seq: after } = await store.anchor(ordinal)
  while (after < head) {
    const rows: readonly ChainedLogRow[] = await store.chainedRowsAfter(ordinal, after, PAGE)
    for (const row of rows) add(row)
    after = rows.at(-1)?.seq ?? head
  }
  return [...names]
}
