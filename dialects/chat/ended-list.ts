import { type EndedBy, endedByCutoff, type Realm, type TokenPage } from '@rescind/authority'
import { type Answer, JSON_TYPE } from '../wire/answer.ts'
import type { ChatApp } from './directory.ts'
import { ok } from './envelope.ts'
import { newerRevocation } from './newer-members.ts'
import { unsealed, type WireTokenRecord, wireTokenRecord } from './token-record.ts'

/** Tokens of a client per read. Each may hold 16 KB of sealed text. */
export const TOKENS_PER_PAGE = 500
/** Characters after which a part of a long list is sent. */
const PART_CHARS = 65_536

type ClientOf = { readonly source: string; readonly client: string }

export type EndedList = {
  readonly app: ChatApp
  readonly principals: ClientOf
  readonly cutoff: EndedBy
  /** Members of the result that precede `data`. */
  readonly beside: Readonly<Record<string, string>>
}

/** Lists every token that a cutoff ended. A long list is streamed page by page instead of kept in memory. */
export async function endedByCutoffAnswer(realm: Realm, list: EndedList): Promise<Answer> {
  const first = await pageOf(realm, list.principals, undefined)
  if (first.next !== undefined) return streamed(parts(realm, list, first))
  const data = [...endedIn(realm, first, list.cutoff)]
  return ok({ ...list.beside, data }, { members: newerRevocation(list.app, data.length) })
}

export function streamed(body: AsyncIterable<string>): Answer {
  return { status: 200, headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }, body }
}

function pageOf(realm: Realm, of: ClientOf, from: number | undefined): Promise<TokenPage> {
  return realm.store.tokensOfClient(realm.ordinal, { ...of, after: from, limit: TOKENS_PER_PAGE })
}

function* endedIn(realm: Realm, page: TokenPage, cutoff: EndedBy): Generator<WireTokenRecord, void> {
  for (const record of page.records) {
    if (endedByCutoff(realm, record, cutoff)) yield wireTokenRecord(record, unsealed(realm, record))
  }
}

async function* parts(realm: Realm, list: EndedList, first: TokenPage): AsyncGenerator<string, void> {
  const { app, principals, cutoff, beside } = list
  let count = 0
  async function* items(): AsyncGenerator<WireTokenRecord, void> {
    for (let page: TokenPage | undefined = first; page !== undefined; ) {
      for (const item of endedIn(realm, page, cutoff)) {
        count += 1
        yield item
      }
      page = page.next === undefined ? undefined : await pageOf(realm, principals, page.next)
    }
  }
  const head = JSON.stringify({ ...beside, data: [] }).slice(0, -2)
  yield* listParts(`{"RC":0,"RM":"OK","result":${head}`, items())
  const members = newerRevocation(app, count)
  yield members === undefined ? ']}}' : `]},${JSON.stringify(members).slice(1)}`
}

/** The items of a list as JSON, in parts. The caller closes the list. */
export async function* listParts(head: string, items: AsyncIterable<unknown>): AsyncGenerator<string, void> {
  let part = head
  let separator = ''
  for await (const item of items) {
    part += separator + JSON.stringify(item)
    separator = ','
    if (part.length < PART_CHARS) continue
    yield part
    part = ''
  }
  yield part
}
