import type { Call } from '../frame/call.ts'
import type { FlagSpec } from '../frame/entry.ts'
import { WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { type Piece, table } from '../frame/lines.ts'
import { notRescind } from './answers.ts'
import type { Client, ControlPath } from './client.ts'
import { listOf, type Members, membersOf, textOf } from './members.ts'

/** Items that the server gives at once. */
const PAGE_MAX = 500
const LIMIT_PRESET = 100

export const LIMIT_FLAGS: readonly FlagSpec[] = [
  { name: 'limit', value: 'N', preset: String(LIMIT_PRESET), help: 'how many to list' },
  { name: 'all', help: 'list all of them, page by page' },
]

export type Listing = {
  readonly client: Client
  readonly path: ControlPath
  /** The member of the answer that holds the items. */
  readonly member: string
  readonly query: Readonly<Record<string, string | undefined>>
  readonly heads: readonly string[]
  readonly row: (item: Members) => readonly Piece[]
  /** Said when there are none. */
  readonly none: string
}

/** How many items are wanted: `--limit`, or all. @throws WrongUse. */
export function limitOf(call: Call): number {
  const text = call.text('limit')
  if (call.isOn('all')) {
    if (text !== undefined) throw new WrongUse('--all and --limit are both given', 'give one of them')
    return Number.POSITIVE_INFINITY
  }
  const limit = Number(text ?? LIMIT_PRESET)
  if (!Number.isInteger(limit) || limit < 1) throw new WrongUse('--limit: a whole number from 1')
  return limit
}

/** Prints the items of a list: one line of JSON each, or tables, one a page. @throws Refused, CommandFailed, WrongUse. */
export async function printListing(call: Call, io: Io, listing: Listing): Promise<void> {
  const { heads, row, none } = listing
  const limit = limitOf(call)
  let printed = 0
  for await (const { items, hint, isLast } of pagesOf(listing, limit)) {
    if (io.isJson) for (const item of items) io.item(item, () => [])
    else if (items.length > 0) io.item(items, () => table(heads, items.map(row)).slice(printed === 0 ? 0 : 1))
    printed += items.length
    if (isLast && printed === 0 && !io.isJson) io.item(undefined, () => [none])
    if (hint !== '') io.note(hint)
    if (!isLast && printed >= limit) io.note('There are more: --limit, or --all, shows them.')
  }
}

type Page = { readonly items: readonly Members[]; readonly hint: string; readonly isLast: boolean }

/** Pages up to a limit. */
async function* pagesOf({ client, path, member, query }: Listing, limit: number): AsyncGenerator<Page> {
  let cursor: string | undefined
  let left = limit
  do {
    const asked = { ...query, limit: String(Math.min(PAGE_MAX, left)), cursor }
    const { json } = await client.get(path, { query: asked })
    const page = membersOf(json)
    if (!Array.isArray(page[member])) throw notRescind(client.target.url)
    const items = listOf(page[member])
    cursor = textOf(page['next']) || undefined
    left -= items.length
    yield { items, hint: textOf(page['hint']), isLast: cursor === undefined }
  } while (cursor !== undefined && left > 0)
}
