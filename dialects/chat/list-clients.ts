import type { Entry, Realm } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import type { Json } from '../wire/strict-json.ts'
import type { AdminAct, AdminAsk } from './callers.ts'
import { clientObject } from './client-object.ts'
import { CHAT_CLIENTS, type ChatClient } from './directory.ts'
import { fail, ok, type Refused, refused, tooMany } from './envelope.ts'
import { type Filter, parseFilter } from './filter/parse.ts'
import { runOf } from './filter/run.ts'
import { readQuery, wholeNumber } from './query.ts'
import type { ChatBounds } from './tools.ts'

const LIMIT_MAX = 100
const LIMIT = { min: 1, max: 1_000_000_000, usual: 50 }
const SKIP = { min: 0, max: 1_000_000_000, usual: 0 }
const PAGE = 1_000
/** Seconds after which a listing that found too many others under way may come back. */
const BUSY_SECONDS = 1

type Listing = {
  readonly kind: 'listing'
  readonly filter: Filter | undefined
  readonly limit: number
  readonly skip: number
}

/** `GET /admin/clients?q=&limit=&skip=`: clients in the order of their ids, and how many there are in all. */
export function createListClients(bounds: ChatBounds): AdminAct {
  let scans = 0
  return async (realm, ask) => {
    const listing = parseListing(ask)
    if (listing.kind === 'refused') return listing.answer
    if (scans >= bounds.scansMax) return tooMany(BUSY_SECONDS, 'Too many listings are under way.')
    scans += 1
    const release = (): void => {
      scans -= 1
    }
    const { name, listingMax = bounds.clientsScannedMax } = ask.admin.app
    return list(realm, { app: name, listing, listingMax }).finally(release)
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
  // More than a page is never sent, whatever is asked for.
  return { kind: 'listing', filter, limit: Math.min(limit, LIMIT_MAX), skip }
}

type Scan = { readonly app: string; readonly listing: Listing; readonly listingMax: number }

async function list(realm: Realm, { app, listing, listingMax }: Scan): Promise<Answer> {
  const { filter, limit, skip } = listing
  const run = filter === undefined ? undefined : runOf(filter)
  const data: unknown[] = []
  let totalCount = 0
  let scanned = 0
  for await (const entry of clientsOf(realm, app)) {
    scanned += 1
    if (scanned > listingMax) return fail('RESULT_TOO_LARGE')
    const object = run === undefined && !isShown(totalCount, listing) ? undefined : clientObject(entry)
    const fits = run === undefined ? true : run.fits(object as Json)
    if (fits === undefined) return fail('INVALID_QUERY', 'This filter costs too much over so many clients.')
    if (!fits) continue
    if (totalCount >= skip && data.length < limit) data.push(object)
    totalCount += 1
  }
  return ok({ totalCount, data })
}

function isShown(at: number, { skip, limit }: Listing): boolean {
  return at >= skip && at < skip + limit
}

/** An app's clients stand together, for their records' ids begin with its name and a slash. */
async function* clientsOf(realm: Realm, app: string): AsyncGenerator<Entry<ChatClient>, void> {
  const prefix = `${app}/`
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
