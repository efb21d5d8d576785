import type { Entry, Realm } from '@rescind/authority'
import type { Answer } from '../wire/answer.ts'
import type { Json } from '../wire/strict-json.ts'
import type { ChatBounds } from './bounds.ts'
import type { AdminAct, AdminAsk } from './call.ts'
import { clientObject } from './client-object.ts'
import { CHAT_CLIENTS, type ChatClient } from './directory.ts'
import { fail, ok, type Refused, refused } from './envelope.ts'
import { type Filter, parseFilter } from './filter/parse.ts'
import { runOf } from './filter/run.ts'
import { readQuery, wholeNumber } from './query.ts'

const LIMIT_MAX = 100
const LIMIT = { min: 1, max: 1_000_000_000, usual: 50 }
const SKIP = { min: 0, max: 1_000_000_000, usual: 0 }
/** Clients read at once, and counted at once. */
const PAGE = 100
const COUNTED = 1_000

type Listing = {
  readonly kind: 'listing'
  readonly filter: Filter | undefined
  readonly limit: number
  readonly skip: number
}

/** `GET /admin/clients?q=&limit=&skip=`: an app's clients ordered by id, and their total number. */
export function createListClients(bounds: ChatBounds): AdminAct {
  return async (realm, ask) => {
    const listing = parseListing(ask)
    if (listing.kind === 'refused') return listing.answer
    const { name, listingMax = bounds.clientsScannedMax } = ask.admin.app
    const scan = { app: name, listing, listingMax }
    return listing.filter === undefined ? listAll(realm, scan) : listFitting(realm, scan, listing.filter)
  }
}

function parseListing({ request }: AdminAsk): Listing | Refused {
  const query = readQuery(request, ['q', 'limit', 'skip'])
  if (query.kind === 'refused') return query
  const limit = wholeNumber(query.values.get('limit'), LIMIT)
  const skip = wholeNumber(query.values.get('skip'), SKIP)
  if (limit === undefined || skip === undefined)
    return refused('INVALID_REQUEST', 'limit and skip are whole numbers, and limit is not 0.')
  const text = query.values.get('q') ?? ''
  const filter = text === '' ? undefined : parseFilter(text)
  if (text !== '' && filter === undefined) return refused('INVALID_QUERY')
  // A page never exceeds LIMIT_MAX.
  return { kind: 'listing', filter, limit: Math.min(limit, LIMIT_MAX), skip }
}

type Scan = { readonly app: string; readonly listing: Listing; readonly listingMax: number }

/** Without a filter, clients outside the page are counted, not read. */
async function listAll(realm: Realm, { app, listing, listingMax }: Scan): Promise<Answer> {
  const { limit, skip } = listing
  const before = await countAfter(realm, app, { after: prefixOf(app), max: Math.min(skip, listingMax + 1) })
  const { entries } = await realm.directory.page(CHAT_CLIENTS, { after: before.last, limit })
  const own = entries.filter(({ id }) => id.startsWith(prefixOf(app)))
  const listed = before.count + own.length
  const last = own.at(-1)?.id ?? before.last
  // Count one beyond the bound, to detect an excess.
  const rest = await countAfter(realm, app, { after: last, max: listingMax + 1 - listed })
  const totalCount = listed + rest.count
  if (totalCount > listingMax) return fail('RESULT_TOO_LARGE')
  return ok({ totalCount, data: own.map(clientObject) })
}

async function listFitting(
  realm: Realm,
  { app, listing, listingMax }: Scan,
  filter: Filter,
): Promise<Answer> {
  const { limit, skip } = listing
  const run = runOf(filter)
  const data: unknown[] = []
  let totalCount = 0
  let scanned = 0
  for await (const entry of clientsOf(realm, app)) {
    scanned += 1
    if (scanned > listingMax) return fail('RESULT_TOO_LARGE')
    const object = clientObject(entry)
    const fits = run.fits(object as Json)
    if (fits === undefined) return fail('INVALID_QUERY', 'This filter costs too much over so many clients.')
    if (!fits) continue
    if (totalCount >= skip && data.length < limit) data.push(object)
    totalCount += 1
  }
  return ok({ totalCount, data })
}

type Counting = { readonly after: string; readonly max: number }
type Counted = { readonly count: number; readonly last: string }

/** Counts up to `max` of an app's clients after an id, and returns the last id counted. */
async function countAfter(
  { store, ordinal }: Realm,
  app: string,
  { after, max }: Counting,
): Promise<Counted> {
  let [count, last] = [0, after]
  while (count < max) {
    const limit = Math.min(COUNTED, max - count)
    const ask = { collection: CHAT_CLIENTS.name, after: last, below: endOf(app), limit }
    const counted = await store.recordsCounted(ordinal, ask)
    count += counted.count
    last = counted.last ?? last
    if (counted.count < limit) break
  }
  return { count, last }
}

/** The record ids of an app's clients share this prefix, so they are adjacent. */
function prefixOf(app: string): string {
  return `${app}/`
}

/** The character `0` follows `/`, so this bounds the prefix. */
function endOf(app: string): string {
  return `${app}0`
}

async function* clientsOf(realm: Realm, app: string): AsyncGenerator<Entry<ChatClient>, void> {
  const prefix = prefixOf(app)
  let after: string | undefined = prefix
  while (after !== undefined) {
    const page: { readonly entries: readonly Entry<ChatClient>[]; readonly next: string | undefined } =
      await realm.directory.page(CHAT_CLIENTS, { after, limit: PAGE })
    for (const entry of page.entries) {
      if (!entry.id.startsWith(prefix)) return
      yield entry
    }
    after = page.next
  }
}
