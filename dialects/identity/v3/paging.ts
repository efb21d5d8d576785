import type { Collection, Realm, RecordKey } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { parseFormText } from '../../wire/form.ts'
import type { WireRequest } from '../../wire/request.ts'
import type { Malformed } from '../session/credentials.ts'

/** Entries per answer; a larger `limit` is reduced to it. */
export const PAGE_MAX = 1_000
/** Records read for one answer, matching or not. Then the page ends, with a link to the next one. */
const LOOKED_AT_MAX = 50_000

export type ListAsk = {
  readonly kind: 'list'
  readonly limit: number
  readonly marker: string | undefined
  readonly filters: ReadonlyMap<string, string>
}

/** One spelling per number, as in v2.0. */
const NUMBER = /^[1-9]\d{0,8}$/

/** The query of a list: `limit`, `marker` and filters. */
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
  /** Only records with this list key. */
  readonly listed?: RecordKey | undefined
  readonly fits: (value: T) => boolean
  /** Entries without a record, such as built-in roles. No record has their ids. */
  readonly beside?: readonly (T & { readonly id: string })[]
}

/** One page of the matching entries of a collection, by id. */
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

/** `{"users": […], "links": {…}}`, and `truncated` if there is more, as in Keystone. */
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

/** Whether a flag in the query, if present, has this value; `0`, `false` and the like are false. */
export function isFlagged({ filters }: ListAsk, name: string, value: boolean): boolean {
  const asked = filters.get(name)
  return asked === undefined || !['0', 'false', 'f', 'no', 'off', 'n'].includes(asked.toLowerCase()) === value
}

/** Whether a text in the query, if present, equals this value. */
export function isNamed({ filters }: ListAsk, name: string, value: string | undefined): boolean {
  const asked = filters.get(name)
  return asked === undefined || asked === value
}
