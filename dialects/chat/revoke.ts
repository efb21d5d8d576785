import {
  type Awaitable,
  after,
  type EndedBy,
  endedByCut,
  type RawToken,
  type Realm,
  type RevokeAct,
  revokePrincipals,
  revokeToken,
  StoreUnavailable,
  type TokenPage,
  type TokenRecord,
  unreachable,
  type Verdict,
} from '@rescind/core'
import { type Answer, JSON_TYPE, type Stale } from '../wire/answer.ts'
import { parseRevoke } from './body.ts'
import type { Admin, AdminAsk } from './callers.ts'
import { CHAT_CLIENTS, clientRecordId, isClientId } from './directory.ts'
import { fail, ok } from './envelope.ts'
import { unsealed, type WireTokenRecord, wireTokenRecord } from './token-record.ts'

/** Tokens of a client that are read at once; each may hold 8 KB of sealed text. */
export const TOKENS_PER_PAGE = 500
/** Characters after which a part of a long list is sent on. */
const PART_CHARS = 65_536

/** `DELETE /admin/clients/:client-id/token`: ends one token of a client, or all, and lists what was ended. */
export function revokeTokens(realm: Realm, { admin, request, client }: AdminAsk): Awaitable<Answer | Stale> {
  const ask = parseRevoke(request)
  if (ask.kind === 'refused') return ask.answer
  if (!isClientId(client)) return fail('INVALID_REQUEST', 'A client id has 1 to 256 characters.')
  const of: Of = { admin, client }
  return after(realm.directory.get(CHAT_CLIENTS, clientRecordId(admin.app.name, client)), (known) => {
    if (known === undefined) return fail('CLIENT_NOT_FOUND')
    return ask.kind === 'all' ? revokeAll(realm, of) : revokeOne(realm, of, ask.raw)
  })
}

type Of = { readonly admin: Admin; readonly client: string }

async function revokeOne(realm: Realm, { admin, client }: Of, raw: RawToken): Promise<Answer | Stale> {
  const { verdict, record } = await realm.find(raw, admin.source)
  // Unknown, expired, revoked, another client's, another app's: one answer for all, and nothing is revoked.
  if (record === undefined || record.client !== client) return fail('TOKEN_NOT_FOUND')
  const act = actOn(verdict, record, { caller: admin.caller, how: 'chat.revoke' })
  if (act === undefined) return fail('TOKEN_NOT_FOUND')
  const revoked = await revokeToken(realm, record, act)
  return revoked.kind === 'stale' ? 'stale' : ok({ data: [wireTokenRecord(record, raw)] })
}

/** @returns undefined when there is nothing to end. */
function actOn(verdict: Verdict, record: TokenRecord, act: RevokeAct): RevokeAct | undefined {
  switch (verdict.kind) {
    case 'active':
      // Of two that race for one token, the later one is judged again, and then finds none.
      return { ...act, onlyIfLive: record }
    case 'inactive':
      // A suspended token comes back when its hold is released, unless it is revoked: it can be ended.
      return verdict.why === 'held' ? act : undefined
    case 'unknown':
      throw new StoreUnavailable('this node does not know all revocations yet')
    default:
      return unreachable(verdict)
  }
}

/**
 * One cut-off, whatever it covers; then the list of what it ended. The cut is written with nothing live too:
 * what is being minted at this moment is ended or judged again by it.
 * @throws StoreUnavailable also when the list cannot be read: the cut stands then, and asking again is safe.
 */
async function revokeAll(realm: Realm, { admin, client }: Of): Promise<Answer | Stale> {
  const principals = { source: admin.source, client }
  const act = { caller: admin.caller, how: 'chat.revoke-all' }
  const revoked = await revokePrincipals(realm, { shape: 'client', principals }, act)
  if (revoked.kind === 'stale') return 'stale'
  const cut: EndedBy = { shape: 'client', at: revoked.at, previousCut: revoked.previousCut }
  const first = await pageOf(realm, principals, undefined)
  if (first.next === undefined) return ok({ data: [...endedIn(realm, first, cut)] })
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' },
    body: parts(realm, { principals, cut, first }),
  }
}

type ClientOf = { readonly source: string; readonly client: string }

function pageOf(realm: Realm, of: ClientOf, from: number | undefined): Promise<TokenPage> {
  return realm.store.tokensOfClient(realm.ordinal, { ...of, after: from, limit: TOKENS_PER_PAGE })
}

function* endedIn(realm: Realm, page: TokenPage, cut: EndedBy): Generator<WireTokenRecord, void> {
  for (const record of page.records) {
    if (endedByCut(realm, record, cut)) yield wireTokenRecord(record, unsealed(realm, record))
  }
}

type Listing = { readonly principals: ClientOf; readonly cut: EndedBy; readonly first: TokenPage }

/** The same text as `ok({ data })`, a page of tokens in memory at a time. */
async function* parts(realm: Realm, { principals, cut, first }: Listing): AsyncGenerator<string, void> {
  let part = '{"RC":0,"RM":"OK","result":{"data":['
  let separator = ''
  for (let page: TokenPage | undefined = first; page !== undefined; ) {
    for (const item of endedIn(realm, page, cut)) {
      part += separator + JSON.stringify(item)
      separator = ','
      if (part.length < PART_CHARS) continue
      yield part
      part = ''
    }
    page = page.next === undefined ? undefined : await pageOf(realm, principals, page.next)
  }
  yield `${part}]}}`
}
