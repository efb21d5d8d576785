import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { putRecord, type Realm } from '@rescind/authority'
import { RawToken } from '@rescind/core/tokens'
import { CHAT_APPS, chatAppValue, createChatDialect, type Dialect } from '@rescind/dialects'
import { openSqlite } from '@rescind/stores'
import { accessTokenIn, type Calls, chatTokenIn, isActive, refreshTokenIn } from '../faults/kit/calls.ts'
import { Dice } from '../faults/kit/dice.ts'
import { Place } from '../faults/kit/place.ts'
import type { HttpAnswer } from '../faults/kit/plain-http.ts'
import { RaceHistory } from '../faults/kit/race-history.ts'
import { openWorld, START_MS } from '../kit/realm.ts'
import { bodyText, wireRequest } from '../kit/request.ts'
import { CHAT } from '../kit/seed.ts'
import { makeHome } from '../kit/server.ts'

const LOCAL_ROUNDS = 38
const LOCAL_ISSUES = 310
const LOCAL_RACES_MIN = 10_000
/** Fewer than the attempts at judging a request again, so that none is refused. */
const CUTOFFS_PER_ROUND = 5
const HTTP_ROUNDS = 24
const HTTP_ISSUES = 30
const ROTATIONS = 100

type Api = {
  readonly issue: (client: string) => Promise<string>
  readonly endAll: (client: string) => Promise<readonly string[]>
}

/** Sign-ins and revocations of one client, all at the same time. */
async function race(api: Api, history: RaceHistory, { client, issues, dice }: Round): Promise<void> {
  const all: Promise<void>[] = []
  const gap = issues / CUTOFFS_PER_ROUND
  const cutoffsAt = new Set(
    Array.from({ length: CUTOFFS_PER_ROUND }, (_, at) => Math.floor(at * gap) + dice.below(gap / 3)),
  )
  for (let at = 0; at < issues; at += 1) {
    all.push(history.issue(() => api.issue(client)))
    if (cutoffsAt.has(at)) all.push(history.cutoff(() => api.endAll(client)))
    // Some requests share a turn, and so a commit group; others do not.
    if (dice.below(40) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(all)
}

type Round = { readonly client: string; readonly issues: number; readonly dice: Dice }

function tell(t: TestContext, histories: readonly RaceHistory[]): number {
  const raced = histories.reduce((total, history) => total + history.raced(), 0)
  const minted = histories.reduce((total, { issues }) => total + issues.length, 0)
  const cutoffs = histories.reduce((total, history) => total + history.cutoffs.length, 0)
  t.diagnostic(`${raced} races: ${minted} tokens, ${cutoffs} times "revoke all"`)
  return raced
}

test('[E13] of 10,000 tokens minted while all are revoked, each is ended and reported, or minted later', async (t) => {
  const home = makeHome()
  mkdirSync(join(home.folder, 'data'))
  const store = await openSqlite(join(home.folder, 'data', 'rescind.db'), START_MS)
  const { realm, realms } = await openWorld(store)
  const api = await localApi(realm)
  const dice = new Dice(8)
  const histories: RaceHistory[] = []
  for (let round = 0; round < LOCAL_ROUNDS; round += 1) {
    const history = new RaceHistory()
    const client = `c${round}`
    await api.issue(client)
    await race(api, history, { client, issues: LOCAL_ISSUES, dice })
    const live = new Set<string>()
    for (const { token } of history.issues) if (await isLive(realm, token)) live.add(token)
    assert.deepEqual(
      history.violations((token) => live.has(token)),
      [],
    )
    const left = (await api.endAll(client)).toSorted()
    assert.deepEqual(left, [...live].toSorted(), 'the last one ends what is left')
    histories.push(history)
  }
  await realms.ledger.close()
  await store.close()
  home.remove()
  assert.ok(tell(t, histories) >= LOCAL_RACES_MIN)
})

async function localApi(realm: Realm): Promise<Api> {
  const dialect: Dialect = createChatDialect({})
  const operations = putRecord(
    realm,
    {
      collection: CHAT_APPS,
      id: CHAT.app,
      value: chatAppValue(realm, { name: CHAT.app, ...CHAT }),
      fromVersion: 0,
    },
    { by: 'test', from: 'local', how: 'test' },
  )
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  const headers = { 'im-api-key': CHAT.apiKey, 'content-type': 'application/json' }
  const ask = async (method: string, path: string, body: string): Promise<HttpAnswer> => {
    const answer = await dialect.handle(realm, wireRequest({ method, path, headers, body }))
    return { status: answer.status, headers: {}, text: await bodyText(answer) }
  }
  return {
    issue: async (client) => {
      const body = JSON.stringify({ _id: client, issueAccessToken: true })
      return chatTokenIn(await ask('POST', '/admin/clients', body))
    },
    endAll: async (client) => tokensIn(await ask('DELETE', `/admin/clients/${client}/token`, '')),
  }
}

async function isLive(realm: Realm, token: string): Promise<boolean> {
  const raw = RawToken.parse(token)
  assert.ok(raw !== undefined)
  return (await realm.find(raw)).verdict.kind === 'active'
}

/** The tokens that a "revoke all" reports as ended. */
function tokensIn({ status, text }: HttpAnswer): readonly string[] {
  assert.equal(status, 200, text)
  const answer = JSON.parse(text) as { result: { data: { token: string }[] } }
  return answer.result.data.map(({ token }) => token)
}

test('the same over HTTP, against a server process', async (t) => {
  const { calls } = await new Place(t).start()
  const api: Api = {
    issue: async (client) => chatTokenIn(await calls.chatIssue(client)),
    endAll: async (client) => tokensIn(await calls.chatRevokeAll(client)),
  }
  const dice = new Dice(9)
  const histories: RaceHistory[] = []
  for (let round = 0; round < HTTP_ROUNDS; round += 1) {
    const history = new RaceHistory()
    const client = `c${round}`
    await api.issue(client)
    await race(api, history, { client, issues: HTTP_ISSUES, dice })
    const live = await liveOf(
      calls,
      history.issues.map(({ token }) => token),
    )
    assert.deepEqual(
      history.violations((token) => live.has(token)),
      [],
    )
    histories.push(history)
  }
  assert.ok(tell(t, histories) > (HTTP_ROUNDS * HTTP_ISSUES) / 2)
})

async function liveOf(calls: Calls, tokens: readonly string[]): Promise<ReadonlySet<string>> {
  const states = await Promise.all(
    tokens.map(async (token) => isActive(await calls.introspectAsGateway(token))),
  )
  return new Set(tokens.filter((_, at) => states[at]))
}

test('[B08] a client that refreshes while its grant is revoked is left with nothing, in either order', async (t) => {
  const { calls } = await new Place(t).start()
  const firsts = { refresh: 0, revoke: 0 }
  for (let round = 0; round < ROTATIONS; round += 1) {
    const grant = await calls.oauthGrant(`user-${round}`)
    const refresh = refreshTokenIn(grant)
    const asks = [() => calls.oauthRefresh(refresh), () => calls.oauthRevoke(refresh)]
    if (round % 2 === 1) asks.reverse()
    const answers = await Promise.all(asks.map((ask) => ask()))
    const [rotated, revoked] = round % 2 === 1 ? answers.toReversed() : answers
    assert.ok(rotated !== undefined && revoked !== undefined)
    assert.equal(revoked.status, 200)
    const tokens = [accessTokenIn(grant), refresh]
    if (rotated.status === 200) tokens.push(accessTokenIn(rotated), refreshTokenIn(rotated))
    else assert.equal(rotated.status, 400, rotated.text)
    firsts[rotated.status === 200 ? 'refresh' : 'revoke'] += 1
    assert.deepEqual(await liveOf(calls, tokens), new Set(), `round ${round}`)
  }
  t.diagnostic(`${ROTATIONS} races: ${firsts.refresh} refreshes and ${firsts.revoke} revocations came first`)
})
