import {
  callerFacts,
  type Operation,
  type Realm,
  revokeToken,
  type TokenPage,
  tokenRule,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { refuseBody } from './body.ts'
import { listParts, streamed, TOKENS_PER_PAGE } from './ended-list.ts'
import { ok } from './envelope.ts'
import { userCaller } from './me.ts'
import { unsealed, wireTokenRecord } from './token-record.ts'
import { isActive, isMerelyHeld, type User } from './user.ts'

/** `POST /me/logout`: ends the presented token and no other. Answers with its record. */
export async function logout(realm: Realm, user: User): Promise<Answer | Stale> {
  const wrong = refuseBody(user.request)
  if (wrong !== undefined) return wrong.answer
  const { record, raw } = user
  const judgedAt = realm.position()
  const caller = userCaller(realm, user)
  // No write can depend on a suspended token. It depends on the client as it is now, under the hold.
  const now = callerFacts({ source: record.source, client: record.client, subject: record.client }, judgedAt)
  const act = isActive(realm.judge(record))
    ? { caller, how: 'chat.logout', onlyIfLive: record }
    : { caller: { ...caller, dependency: { realm: realm.ordinal, facts: now } }, how: 'chat.logout' }
  const revoked = await revokeToken(realm, record, act)
  return revoked.kind === 'stale' ? 'stale' : ok(wireTokenRecord(record, raw))
}

/**
 * `POST /me/logout-others`: ends every other token of the client. No cutoff can spare one token, so each gets its own
 * row, a page of them per write. If there is more than a page, the answer begins when the first page is durable.
 */
export async function logoutOthers(realm: Realm, user: User): Promise<Answer | Stale> {
  const wrong = refuseBody(user.request)
  if (wrong !== undefined) return wrong.answer
  const first = await endPage(realm, user, undefined)
  if (first === 'stale') return 'stale'
  if (first.next === undefined) return ok({ data: first.ended.map((record) => recordJson(realm, record)) })
  return streamed(parts(realm, user, { ended: first.ended, next: first.next }))
}

type Ended = { readonly ended: readonly TokenRecord[]; readonly next: number | undefined }

async function* parts(realm: Realm, user: User, first: Ended): AsyncGenerator<string, void> {
  async function* items(): AsyncGenerator<unknown, void> {
    for (let page = first; ; ) {
      for (const record of page.ended) yield recordJson(realm, record)
      if (page.next === undefined) return
      page = await endPageForSure(realm, user, page.next)
    }
  }
  yield* listParts('{"RC":0,"RM":"OK","result":{"data":[', items())
  yield ']}}'
}

/** A page is stale only if one of its tokens was ended meanwhile, so each attempt has fewer left. */
async function endPageForSure(realm: Realm, user: User, after: number): Promise<Ended> {
  for (;;) {
    const page = await endPage(realm, user, after)
    if (page !== 'stale') return page
    // The presented token was ended. The call that ended it decides about the others, so stop here.
    if (!isActive(realm.judge(user.record))) return { ended: [], next: undefined }
  }
}

async function endPage(realm: Realm, user: User, after: number | undefined): Promise<Ended | Stale> {
  const { source, client, handle } = user.record
  const ask = { source, client, after, limit: TOKENS_PER_PAGE }
  const page: TokenPage = await realm.store.tokensOfClient(realm.ordinal, ask)
  const others = page.records.filter((one) => one.handle !== handle)
  const live = others.filter((one) => isActive(realm.judge(one)))
  // A suspended token would come back when its hold is released, so end it too. No write can depend on it.
  const ended = others.filter((one) => live.includes(one) || isMerelyHeld(realm, one, realm.judge(one)))
  if (ended.length > 0) {
    const caller = userCaller(realm, user)
    const audit = { by: caller.id, from: caller.from, how: 'chat.logout-others' }
    const outcome = await realm.commit({
      realm: realm.ordinal,
      dependsOn: [caller.dependency, ...live.map((facts) => ({ realm: realm.ordinal, facts }))],
      expects: [],
      operations: ended.map((record): Operation => ({ kind: 'append', row: rowOf(realm, record, audit) })),
    })
    if (outcome.kind !== 'applied') return 'stale'
  }
  return { ended, next: page.next }
}

type RowAudit = Parameters<Realm['row']>[1]

function rowOf(realm: Realm, record: TokenRecord, audit: RowAudit): ReturnType<Realm['row']> {
  return realm.row(tokenRule(record), audit)
}

function recordJson(realm: Realm, record: TokenRecord): unknown {
  return wireTokenRecord(record, unsealed(realm, record))
}
