import type { Collection, Realm, RecordKey } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { parseFormText } from '../../wire/form.ts'
import type { WireRequest } from '../../wire/request.ts'
import type { Malformed } from '../session/credentials.ts'

/** Entries of one answer; a larger `limit` is answered with as many. */
export const PAGE_MAX = 1_000
/** Records looked at for one answer, whether they fit a filter or not; then it ends, and says where to go on. */
const LOOKED_AT_MAX = 50_000

export type ListAsk = {
  readonly kind: 'list'
  readonly limit: number
  readonly marker: string | undefined
  readonly filters: ReadonlyMap<string, string>
}

/** One spelling for each number, as in v2.0. */
const NUMBER = /^[1-9]\d{0,8}$/

/** The query of a list: `limit`, `marker`, and what the entries have to be like. */
export function listAsk(request: WireRequest): ListAsk | Malformed {
  const form = parseFormText(request.query ?? '')
  if (form.kind !== 'form') {
    const detail = form.kind === 'repeated' ? 'A query parameter is repeated.' : 'The query cannot be read.'
    return { kind: 'malformed', detail }
  }
  const limit = form.values.get('limit')
  if (limit !== undefined && !NUMBER.test(limit))
    return { kind: 'malformed', detail: '"limit" must be a number above 0, without zeros before it.' }
  return {
    kind: 'list',
    limit: Math.min(PAGE_MAX, limit === undefined ? PAGE_MAX : Number(limit)),
    marker: form.values.get('marker'),
    filters: form.values,
  }
}

export type Page<T> = { readonly values: readonly T[]; readonly next: string | undefined }

export type Selection<T> = {
  readonly ask: ListAsk
  /** Only records that are listed under this. */
  readonly listed?: RecordKey | undefined
  readonly fits: (value: T) => boolean
  /** What is there without a record, and which has an id that no record has. */
  readonly beside?: readonly (T & { readonly id: string })[]
}

/** One page of a collection, by id, of what fits. */
export async function pageOf<T>(
  realm: Realm,
  collection: Collection<T>,
  { ask, listed, fits, beside = [] }: Selection<T>,
): Promise<Page<T>> {
  const { marker, limit } = ask
  const isAfter = ({ id }: { readonly id: string }): boolean => marker === undefined || id > marker
  const found: { readonly id: string; readonly value: T }[] = beside
    .filter((value) => isAfter(value) && fits(value))
    .map((value) => ({ id: value.id, value }))
  const besides = found.length
  let after = marker
  for (let looked = 0; looked < LOOKED_AT_MAX && found.length - besides <= limit; looked += PAGE_MAX) {
    const page = await realm.directory.page(collection, {
      ...defined({ listed }),
      after,
      limit: PAGE_MAX,
    })
    for (const { id, value } of page.entries) if (fits(value)) found.push({ id, value })
    after = page.next
    if (after === undefined) break
  }
  found.sort((one, other) => (one.id < other.id ? -1 : 1))
  const values = found.slice(0, limit).map(({ value }) => value)
  return { values, next: found.length > limit ? found[limit - 1]?.id : after }
}

/** `{"users": […], "links": {…}}`; `truncated` where there is more, as Keystone says it. */
export function listBody(
  request: WireRequest,
  name: string,
  { items, next }: { readonly items: readonly object[]; readonly next: string | undefined },
): object {
  const self = `${request.base}${request.path}${request.query ? `?${request.query}` : ''}`
  const body = { [name]: items, links: { self, previous: null, next: nextLink(request, next) } }
  return next === undefined ? body : { ...body, truncated: true }
}

function nextLink(request: WireRequest, next: string | undefined): string | null {
  if (next === undefined) return null
  const kept = (request.query ?? '').split('&').filter((pair) => pair !== '' && !pair.startsWith('marker='))
  return `${request.base}${request.path}?${[...kept, `marker=${encodeURIComponent(next)}`].join('&')}`
}

/** Whether a flag of the query, if it is there, is the same; `0`, `false` and the like are false. */
export function isFlagged({ filters }: ListAsk, name: string, value: boolean): boolean {
  const asked = filters.get(name)
  return asked === undefined || !['0', 'false', 'f', 'no', 'off', 'n'].includes(asked.toLowerCase()) === value
}

/** Whether a text of the query, if it is there, is the same. */
export function isNamed({ filters }: ListAsk, name: string, value: string | undefined): boolean {
  const asked = filters.get(name)
  return asked === undefined || asked === value
}
