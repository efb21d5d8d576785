import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Calls, CONTROL, jsonOf, textAt } from '../kit/calls.ts'
import { FeedReader } from '../kit/feed-client.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, GATEWAY, OTHER, SEED, SVC } from '../kit/seed.ts'

const ORDERS = 'orders-api-key-0123456789'
const SECOND = 'second-api-key-0123456789'
const DAY_MS = 86_400_000

type Json = Readonly<Record<string, unknown>>
type Acceptor = Json & {
  readonly by: string
  readonly name: string
  readonly first: string
  readonly last: string
}
type Token = { readonly handle?: string; readonly issuer?: string; readonly accepted: readonly Acceptor[] }
type Exposure = {
  readonly complete: boolean
  readonly since: string
  readonly enforcedAt?: string
  readonly covered: number
  readonly tokens: readonly Token[]
  readonly missing: {
    readonly dropped: readonly Json[]
    readonly verifiers: readonly (Json & { readonly why: readonly string[] })[]
    readonly gaps: readonly string[]
  }
  readonly next?: string
}

const seed = {
  realms: [
    {
      ...(SEED.realms[0] as object),
      verifiers: [
        { name: 'orders-api', key: ORDERS },
        { name: 'second-api', key: SECOND },
      ],
    },
    { name: 'branch' },
  ],
}
const { server, calls } = await openForFile({ time: 'hand', seed, flags: ['--allow-internal-fetch'] })
const readers: FeedReader[] = []
const providers: Provider[] = []
after(() => {
  for (const one of readers) one.close()
  for (const one of providers) one.close()
})

/** A running verifier: what its stream says, and its acknowledgements. */
async function follow(
  key = ORDERS,
  query = 'bound=5000&label=host-1',
): Promise<(more?: Json, as?: string) => Promise<RawAnswer>> {
  const reader = new FeedReader(`${server.url}/control/v1/feed?${query}`, { authorization: `Bearer ${key}` })
  readers.push(reader)
  const { data } = (await reader.next()) ?? assert.fail('no hello')
  const { instance, position, acceptedMax } = data as Json
  assert.equal(acceptedMax, 1_000)
  return (more = { accepted: [] }, as = key) =>
    calls.control(
      'POST /feed/acks',
      { instance, position, bound: 5_000, ...more },
      `Authorization: Bearer ${as}`,
    )
}

async function handleOf(token: string): Promise<string> {
  return textAt(await calls.control('POST /tokens/lookup', { token }), 'facts', 'handle')
}

async function exposure(path: string): Promise<Exposure> {
  const answer = await calls.control(`GET ${path}`)
  assert.equal(answer.status, 200, answer.body.toString())
  return jsonOf(answer) as Exposure
}

async function revoke(target: Json): Promise<string> {
  const answer = await calls.control('POST /revocations', { target, reason: 'leak' })
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'id')
}

function minute(agoMs = 0): string {
  const ms = server.clock.wallMs() - agoMs
  return new Date(ms - (ms % 60_000)).toISOString()
}

const said = ({ by, name, first, last }: Acceptor): string => `${by} ${name} ${first} ${last}`
const acceptors = ({ tokens }: Exposure): readonly string[] =>
  tokens.flatMap(({ accepted }) => accepted.map(said))

async function whoAccepted(handle: string): Promise<readonly string[]> {
  return acceptors(await exposure(`/tokens/${handle}/exposure`))
}

/** Whether it is in the store, and not only in this process. */
async function write(): Promise<void> {
  await server.maintenance.tick()
}

test('this server says itself where a token was accepted: at a gateway, by introspection, by its own dialects', async () => {
  const token = await calls.oauthToken(SVC)
  const handle = await handleOf(token)
  assert.deepEqual(await whoAccepted(handle), [])
  assert.equal((await calls.control('POST /check-profiles', { name: 'shop' })).status, 201)
  const bearer = [`Authorization: Bearer ${token}`]
  const first = minute()
  assert.equal((await calls.send('GET /check', bearer)).status, 200)
  assert.equal((await calls.send('GET /check/p/shop', bearer)).status, 200)
  assert.ok(await calls.isActive(GATEWAY, token))
  await write()
  server.clock.advance(60_000)
  assert.equal((await calls.send('GET /check', bearer)).status, 200)
  const now = minute()
  for (const isWritten of [false, true]) {
    if (isWritten) await write()
    assert.deepEqual([...(await whoAccepted(handle))].sort(), [
      `check  ${first} ${now}`,
      `check shop ${first} ${first}`,
      `client ${GATEWAY.clientId} ${first} ${first}`,
    ])
  }
  const identity = await calls.identityToken(ANN)
  assert.equal((await calls.identity('GET', identity, identity)).status, 200)
  const chat = await calls.chatToken('exposed')
  await calls.chatMe(chat)
  assert.deepEqual(await whoAccepted(await handleOf(identity)), [`dialect identity ${now} ${now}`])
  assert.match((await whoAccepted(await handleOf(chat)))[0] ?? '', /^dialect chat\//)
})

test('a token that is refused was accepted by nobody', async () => {
  const token = await calls.oauthToken(SVC)
  const handle = await handleOf(token)
  await revoke({ handle })
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 401)
  assert.equal(await calls.isActive(GATEWAY, token), false)
  assert.deepEqual(await whoAccepted(handle), [])
})

test('a verifier reports by ages, which are read by this server’s clock; a report that comes twice changes nothing', async () => {
  const handle = await handleOf(await calls.oauthToken(SVC))
  server.clock.advance(600_000)
  const acknowledge = await follow()
  const report = { accepted: [{ handle, first: 300, last: 60 }] }
  for (let times = 0; times < 2; times += 1) {
    assert.equal((await acknowledge(report)).status, 200)
    await write()
    const of = await exposure(`/tokens/${handle}/exposure`)
    assert.equal(of.complete, false)
    const [accepted, ...more] = of.tokens[0]?.accepted ?? []
    assert.deepEqual(more, [])
    assert.deepEqual(accepted, {
      ...{ by: 'verifier', name: 'orders-api', instances: ['host-1'], claimed: true },
      ...{ first: minute(300_000), last: minute(60_000) },
    })
  }
  const second = await follow(SECOND, 'bound=5000')
  await second({
    accepted: [
      { handle, first: 0, last: 999_999_999_999 },
      { handle, first: 1e15, last: 0 },
    ],
  })
  await acknowledge({ accepted: [{ handle, first: 400, last: 0 }] })
  const [one, other] = (await exposure(`/tokens/${handle}/exposure`)).tokens[0]?.accepted ?? []
  assert.deepEqual([one?.name, one?.last], ['second-api', minute()], 'never in the future')
  assert.deepEqual([other?.first, other?.last], [minute(400_000), minute()])
})

test('the exposure of a revocation names the covered tokens that were accepted, from a time on, page by page', async () => {
  const subject = 'exposed'
  const grants = [
    await calls.oauthGrant(subject),
    await calls.oauthGrant(subject),
    await calls.oauthGrant(subject),
  ]
  const handles: string[] = []
  for (const { access } of grants) handles.push(await handleOf(access))
  const acknowledge = await follow()
  const report = handles.slice(0, 2).map((handle) => ({ handle, first: 0, last: 0 }))
  await acknowledge({ accepted: report })
  const early = minute()
  server.clock.advance(120_000)
  await acknowledge({ accepted: report.slice(0, 1) })
  const id = await revoke({ source: 'oauth', subject })
  const later = await calls.oauthGrant(subject)
  await acknowledge({ accepted: [{ handle: await handleOf(later.access), first: 0, last: 0 }] })
  const all = await exposure(`/revocations/${id}/exposure`)
  assert.deepEqual(
    all.tokens.map(({ handle, accepted }) => [handle, ...accepted.map(said)]),
    [
      [handles[0], `verifier orders-api ${early} ${minute()}`],
      [handles[1], `verifier orders-api ${early} ${early}`],
    ],
  )
  assert.equal(all.covered, 6, 'three grants, each with a refresh token')
  assert.ok(all.missing.gaps.includes('collected'))
  const since = new Date(server.clock.wallMs() - 60_000).toISOString()
  const lately = await exposure(`/revocations/${id}/exposure?since=${since}`)
  assert.deepEqual(
    lately.tokens.map(({ handle }) => handle),
    [handles[0]],
  )
  const found: unknown[] = []
  let query = '?limit=1'
  for (let pages = 0; pages < 20; pages += 1) {
    const page = await exposure(`/revocations/${id}/exposure${query}`)
    assert.ok(page.tokens.length <= 1)
    found.push(...page.tokens.map(({ handle }) => handle))
    if (page.next === undefined) break
    query = `?limit=1&cursor=${encodeURIComponent(page.next)}`
  }
  assert.deepEqual(found, handles.slice(0, 2))
  assert.equal((await calls.control(`GET /revocations/${id}/exposure?since=yesterday`)).status, 422)
  assert.equal((await calls.control(`GET /revocations/rev_1_999999/exposure`)).status, 404)
  assert.equal((await calls.control(`GET /revocations/${id}/exposure?cursor=${query.slice(1)}`)).status, 400)
})

test('a revoked token is listed by its name, accepted or not, with what was derived from it', async () => {
  const token = await calls.oauthToken(OTHER)
  const handle = await handleOf(token)
  const id = await revoke({ handle })
  const { tokens, missing } = await exposure(`/revocations/${id}/exposure`)
  assert.deepEqual(tokens, [{ handle, accepted: [] }])
  assert.deepEqual(missing.gaps, ['unwritten'])
})

test('what says that it is incomplete: verifiers that are behind, silent, allow stale tokens or never report', async () => {
  const older = await follow(SECOND, 'bound=5000&label=older')
  const newer = await follow(ORDERS, 'bound=5000&label=newer&onStale=allow')
  const handle = await handleOf(await calls.oauthToken(SVC))
  const id = await revoke({ handle })
  assert.equal((await older({ used: [handle, 'tok_none', 'x'] })).status, 200)
  assert.equal((await newer({ accepted: [], dropped: { count: 7, since: 30 } })).status, 200)
  assert.deepEqual(await whoAccepted(handle), [`verifier second-api ${minute()} ${minute()}`])
  await write()
  const { missing } = await exposure(`/revocations/${id}/exposure`)
  const why = (label: string): readonly string[] | undefined =>
    missing.verifiers.find((one) => one['label'] === label)?.why
  assert.deepEqual(why('older'), ['behind', 'neverReports'])
  assert.deepEqual(why('newer'), ['behind', 'allowsStale'])
  const dropped = missing.dropped.find(({ by, name }) => by === 'verifier' && name === 'orders-api')
  assert.equal(dropped?.['count'], 7)
  await newer({ accepted: [], dropped: { count: 2, since: 30 } })
  await write()
  const again = (await exposure(`/revocations/${id}/exposure`)).missing.dropped
  assert.equal(again.find(({ name }) => name === 'orders-api')?.['count'], 9)
})

test('a claim about a token that does not exist here is kept nowhere, counted as dropped, and answered like any other', async () => {
  const acknowledge = await follow()
  const real = await handleOf(await calls.oauthToken(SVC))
  const position = (answer: RawAnswer): unknown => [answer.status, Object.keys(jsonOf(answer) as Json)]
  const unknown = `tok_${'A'.repeat(21)}Q`
  const answers = [
    await acknowledge({ accepted: [{ handle: real, first: 0, last: 0 }] }),
    await acknowledge({ accepted: [{ handle: unknown, first: 0, last: 0 }] }),
    await acknowledge({
      accepted: [
        { first: 0, last: 0 },
        { handle: 'x', first: 0, last: 0 },
      ],
    }),
    await acknowledge({ accepted: [{ issuer: 'https://nobody.example', jti: 'j', first: 0, last: 0 }] }),
  ]
  assert.equal(new Set(answers.map((answer) => JSON.stringify(position(answer)))).size, 1)
  const count = async (): Promise<number> => {
    const { missing } = await exposure(`/tokens/${real}/exposure`)
    return Number(missing.dropped.find(({ name }) => name === 'orders-api')?.['count'] ?? 0)
  }
  const before = await count()
  await write()
  assert.equal(await count(), before + 2)
  assert.equal((await calls.control(`GET /tokens/${unknown}/exposure`)).status, 404)
  const of = await exposure('/exposure?issuer=https://nobody.example&jti=j')
  assert.deepEqual(of.tokens[0]?.accepted, [])
})

test('a registered issuer’s tokens are known by issuer and jti; credentials are kept under no name', async () => {
  const idp = await Provider.open('https://idp.example/', () => server.clock.wallMs() / 1_000)
  providers.push(idp)
  assert.equal(
    (await calls.control('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl })).status,
    201,
  )
  const token = await idp.sign({ jti: 'one' })
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 200)
  const acknowledge = await follow()
  const secret = await calls.oauthToken(SVC)
  await acknowledge({
    accepted: [
      { issuer: idp.issuer, jti: 'one', first: 0, last: 0, expires: 300 },
      { issuer: idp.issuer, jti: secret, first: 0, last: 0, expires: 300 },
    ],
  })
  await write()
  const path = `/exposure?issuer=${encodeURIComponent(idp.issuer)}&jti=`
  const found = await exposure(`${path}one`)
  assert.deepEqual(acceptors(found), [
    `check  ${minute()} ${minute()}`,
    `verifier orders-api ${minute()} ${minute()}`,
  ])
  const id = await revoke({ issuer: idp.issuer, jti: 'one' })
  const [of] = (await exposure(`/revocations/${id}/exposure`)).tokens
  assert.deepEqual([of?.issuer, of?.accepted.length], [idp.issuer, 2])
  const all = await exposure(
    `/revocations/${await revoke({ issuer: idp.issuer, subject: 'alice' })}/exposure`,
  )
  assert.ok(all.missing.gaps.includes('foreign'))
  const entries = await server.store.expiringPage(1 as never, {
    kind: 'accepted' as never,
    after: undefined,
    limit: 1_000,
  })
  assert.ok(entries.entries.length > 0)
  for (const { value } of entries.entries) assert.ok(!Buffer.from(value).toString().includes(secret))
})

test('only the key that an instance belongs to reports for it, and no verifier reads what was reported', async () => {
  const acknowledge = await follow()
  const handle = await handleOf(await calls.oauthToken(SVC))
  assert.equal((await acknowledge({ accepted: [{ handle, first: 0, last: 0 }] }, SECOND)).status, 404)
  assert.deepEqual(await whoAccepted(handle), [])
  const key = `Authorization: Bearer ${ORDERS}`
  for (const path of [
    `/tokens/${handle}/exposure`,
    '/exposure?issuer=i&jti=j',
    '/revocations/rev_1_1/exposure',
  ])
    assert.equal((await calls.control(`GET ${path}`, undefined, key)).status, 403)
  assert.equal((await calls.control(`GET /tokens/${handle}/exposure?realm=branch`)).status, 404)
})

test('malformed and overlong reports are refused; one of the greatest size is not', async () => {
  const acknowledge = await follow()
  const one = { handle: `tok_${'A'.repeat(21)}Q`, first: 0, last: 0 }
  const many = (count: number): Json => ({ accepted: Array.from({ length: count }, () => one) })
  assert.equal((await acknowledge(many(1_000))).status, 200)
  assert.equal((await acknowledge(many(1_001))).status, 422)
  for (const wrong of [{ first: -1 }, { first: 'x' }, { last: 0.5 }, { more: 1 }])
    assert.equal((await acknowledge({ accepted: [{ ...one, ...wrong }] })).status, 422)
  assert.equal((await acknowledge({ accepted: [], dropped: { count: 0, since: 0 } })).status, 422)
})

test('it stays known for a week after the token has ended, and then goes', async () => {
  const own = await openServer({ time: 'hand' })
  const ownCalls = new Calls(own.port)
  try {
    const token = await ownCalls.oauthToken(SVC)
    const handle = textAt(await ownCalls.control('POST /tokens/lookup', { token }), 'facts', 'handle')
    assert.equal((await ownCalls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 200)
    await own.maintenance.tick()
    const status = async (): Promise<number> =>
      (await ownCalls.json(`GET /control/v1/tokens/${handle}/exposure`, undefined, CONTROL)).status
    for (const [days, expected] of [
      [1, 200],
      [5, 200],
      [3, 404],
    ] as const) {
      own.clock.advance(days * DAY_MS)
      for (let rounds = 0; rounds < 3; rounds += 1) await own.maintenance.tick()
      assert.equal(await status(), expected)
    }
  } finally {
    ownCalls.close()
    await own.close()
  }
})
