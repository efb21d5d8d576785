import type { Collection, Entry } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import { parseFormText } from '../../wire/form.ts'
import type { Call } from '../call.ts'
import { fault, overLimit, VARY } from './faults.ts'

/** Items per page: at most, and by default. */
export const PAGE_MAX = 1_000
const PAGE_DEFAULT = 100

export type Listing<T> = {
  /** The member of the answer, such as `users`. */
  readonly name: string
  readonly collection: Collection<T>
  /** Only records with this list key; absent: all. */
  readonly listed?: { readonly name: string; readonly value: string }
  /** Records that the caller may see. The others must not show, not even as the end of a page. */
  readonly isVisible: (value: T) => boolean
  readonly show: (value: T) => object | Promise<object>
}

/**
 * One page by `marker` (the last id of the previous page) and `limit`. Too large a limit is 413, an unknown marker 404,
 * an empty collection an empty list. `{name}_links` and the Link header hold the next page.
 */
export async function listAnswer<T>(call: Call, listing: Listing<T>): Promise<Answer> {
  const asked = pageAsked(call)
  if (asked.kind === 'refused') return asked.answer
  const { limit, marker } = asked
  const { realm } = call
  const { name, collection, isVisible, show } = listing
  if (marker !== undefined) {
    const entry = await realm.directory.get(collection, marker)
    if (entry === undefined || !isVisible(entry.value))
      return fault('itemNotFound', 'The marker names nothing on this list.')
  }
  const found = await visibleAfter(call, { ...listing, after: marker, count: limit + 1 })
  const items: object[] = []
  for (const { value } of found.slice(0, limit)) items.push(await show(value))
  const last = found.length > limit ? found[limit - 1] : undefined
  const next = last === undefined ? undefined : nextLink(call, { limit, after: last.id })
  const links = next === undefined ? [] : [{ rel: 'next', href: next }]
  const headers = next === undefined ? VARY : { ...VARY, link: `<${next}>; rel="next"` }
  return jsonAnswer(200, { [name]: items, [`${name}_links`]: links }, headers)
}

type Sought<T> = Pick<Listing<T>, 'collection' | 'listed' | 'isVisible'> & {
  readonly after: string | undefined
  readonly count: number
}

/** The next visible records. In long lists the caller can see nearly all that is read. */
async function visibleAfter<T>({ realm }: Call, sought: Sought<T>): Promise<readonly Entry<T>[]> {
  const { collection, listed, isVisible, count } = sought
  const found: Entry<T>[] = []
  let after = sought.after
  for (let pages = 0; pages < SCANNED_PAGES_MAX; pages += 1) {
    const ask = { after, limit: Math.min(PAGE_MAX, count), ...defined({ listed }) }
    const page = await realm.directory.page(collection, ask)
    found.push(...page.entries.filter(({ value }) => isVisible(value)))
    if (found.length >= count || page.next === undefined) return found.slice(0, count)
    after = page.next
  }
  return found
}

/** Store pages read for one answer. Only an operator's list comes near it. */
const SCANNED_PAGES_MAX = 100

type PageAsked =
  | { readonly kind: 'page'; readonly limit: number; readonly marker: string | undefined }
  | { readonly kind: 'refused'; readonly answer: Answer }

export function pageAsked({ realm, request: { query } }: Call): PageAsked {
  const form = parseFormText(query ?? '')
  if (form.kind !== 'form')
    return { kind: 'refused', answer: fault('badRequest', 'The query cannot be read.') }
  const text = form.values.get('limit')
  const marker = form.values.get('marker')
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text))
    return { kind: 'refused', answer: fault('badRequest', '"limit" must be a number above 0.') }
  const limit = text === undefined ? PAGE_DEFAULT : Number(text)
  if (limit > PAGE_MAX)
    return { kind: 'refused', answer: overLimit(0, realm.nowMs(), `"limit" must be at most ${PAGE_MAX}.`) }
  return { kind: 'page', limit, marker }
}

const PAGING: ReadonlySet<string> = new Set(['marker', 'limit'])

/** The next page keeps the other parameters of the query. */
function nextLink({ request }: Call, { limit, after }: { limit: number; after: string }): string {
  const form = parseFormText(request.query ?? '')
  const others = form.kind === 'form' ? [...form.values].filter(([name]) => !PAGING.has(name)) : []
  const kept = others.map(([name, value]) => `&${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return `${request.base}${request.path}?marker=${encodeURIComponent(after)}&limit=${limit}${kept.join('')}`
}
