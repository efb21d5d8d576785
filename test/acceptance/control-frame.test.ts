import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Group, GroupOutcome, Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { Calls, CONTROL, JSON_BODY, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { GATEWAY, SEED, SVC } from '../kit/seed.ts'

type Home = { readonly server: TestServer; readonly calls: Calls }

async function at(flags: readonly string[], run: (home: Home) => Promise<void>): Promise<void> {
  const seed = { realms: [...SEED.realms, { name: 'branch' }] }
  const server = await openServer({ time: 'hand', seed, flags })
  const calls = new Calls(server.port)
  try {
    await run({ server, calls })
  } finally {
    calls.close()
    await server.close()
  }
}

const VERIFIER_KEY = 'orders-api-key-0123456789'
const REVOCATION = JSON.stringify({ target: { source: 'oauth', subject: 'nobody' }, reason: 'r' })

function revoke(calls: Calls, headers: readonly string[] = [], body = REVOCATION): Promise<RawAnswer> {
  return calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY, ...headers], body)
}

function header({ headers }: RawAnswer, name: string): string | undefined {
  return headers.find(([own]) => own === name)?.[1]
}

test('a key over its rate gets Retry-After, and can still revoke', async () => {
  await at(['--control-rate', '2'], async ({ server, calls }) => {
    const read = (): Promise<RawAnswer> => calls.control('GET /settings')
    const change = (): Promise<RawAnswer> => calls.control('POST /clock/confirm')
    for (const ask of [read, change]) {
      assert.deepEqual([(await ask()).status, (await ask()).status], [200, 200])
      const over = await ask()
      assert.equal(over.status, 429)
      assert.equal(header(over, 'retry-after'), '1')
      assert.equal(header(over, 'content-type'), 'application/problem+json')
    }
    for (let nth = 0; nth < 20; nth += 1) assert.equal((await revoke(calls)).status, 201)
    assert.equal((await revoke(calls)).status, 429)
    server.clock.advance(500)
    assert.equal((await read()).status, 200)
    assert.equal((await read()).status, 429)
  })
})

test('another key has its own rate', async () => {
  await at(['--control-rate', '3'], async ({ calls }) => {
    const body = '{"name":"second","role":"viewer"}'
    const made = await calls.send('POST /control/v1/keys', [CONTROL, JSON_BODY], body)
    const second = `Authorization: Bearer ${textAt(made, 'key')}`
    const read = (key: string): Promise<RawAnswer> => calls.send('GET /control/v1/settings', [key])
    for (let nth = 0; nth < 3; nth += 1) await read(CONTROL)
    assert.equal((await read(CONTROL)).status, 429)
    assert.equal((await read(second)).status, 200)
  })
})

test('verifiers are not rate-limited, because many may share a key', async () => {
  await at(['--control-rate', '2'], async ({ calls }) => {
    const verifier = `Authorization: Bearer ${VERIFIER_KEY}`
    const ask = (): Promise<RawAnswer> =>
      calls.send('POST /control/v1/verify', [verifier, JSON_BODY], '{"token":"no token of ours"}')
    for (let nth = 0; nth < 10; nth += 1) assert.equal((await ask()).status, 200)
  })
})

test('many concurrent calls with one Idempotency-Key revoke once', async () => {
  await at([], async ({ server, calls }) => {
    const many = Array.from({ length: 12 }, () => new Calls(server.port))
    const answers = await Promise.all(many.map((one) => revoke(one, ['Idempotency-Key: "race"'])))
    for (const one of many) one.close()
    const done = answers.filter(({ status }) => status === 201)
    assert.ok(done.length > 0)
    assert.equal(new Set(done.map((answer) => textAt(answer, 'id'))).size, 1)
    assert.ok(answers.every(({ status }) => status === 201 || status === 409))
    const listed = await calls.control('GET /revocations?subject=nobody')
    assert.equal((memberAt(listed, 'revocations') as readonly unknown[]).length, 1)
  })
})

test('a secret that is shown once is replayed only to the same key and in its realm', async () => {
  await at([], async ({ calls }) => {
    const keyed = [CONTROL, JSON_BODY, 'Idempotency-Key: k']
    const grant = '{"clientId":"svc","subject":"alice"}'
    const first = await calls.send('POST /control/v1/grants', keyed, grant)
    const again = await calls.send('POST /control/v1/grants', keyed, grant)
    assert.deepEqual(jsonOf(again), jsonOf(first))
    assert.equal(header(again, 'idempotent-replayed'), 'true')
    const made = await calls.send(
      'POST /control/v1/keys',
      [CONTROL, JSON_BODY],
      '{"name":"b","role":"admin"}',
    )
    const other = [`Authorization: Bearer ${textAt(made, 'key')}`, JSON_BODY, 'Idempotency-Key: k']
    const theirs = await calls.send('POST /control/v1/grants', other, grant)
    assert.equal(theirs.status, 201)
    assert.notEqual(textAt(theirs, 'access_token'), textAt(first, 'access_token'))
    assert.equal((await calls.send('POST /control/v1/grants?realm=branch', keyed, grant)).status, 422)
  })
})

test('an outage is not replayed: the call is made again', async () => {
  await at([], async ({ server, calls }) => {
    server.power.mode = 'down'
    assert.equal((await revoke(calls, ['Idempotency-Key: k'])).status, 503)
    server.power.mode = 'up'
    assert.equal((await revoke(calls, ['Idempotency-Key: k'])).status, 201)
  })
})

test('signing in right after everything of a subject was revoked works, even in the same millisecond', async () => {
  await at([], async ({ calls }) => {
    const before = await calls.oauthGrant('alice')
    const body = JSON.stringify({ target: { source: 'oauth', subject: 'alice' }, reason: 'r' })
    assert.equal((await revoke(calls, [], body)).status, 201)
    const after = await calls.oauthGrant('alice')
    for (const old of [before.access, before.refresh]) assert.equal(await calls.isActive(GATEWAY, old), false)
    assert.equal(await calls.isActive(GATEWAY, after.access), true)
    assert.equal(await calls.isActive(SVC, after.refresh), true)
  })
})

test('the server releases a hold and makes a scheduled revocation at its time', async () => {
  await at([], async ({ server, calls }) => {
    const { access } = await calls.oauthGrant('alice')
    const target = { source: 'oauth', subject: 'alice' }
    const send = (path: string, body: object): Promise<RawAnswer> =>
      calls.control(`POST /${path}`, { target, reason: 'r', ...body })
    const hold = await send('holds', { seconds: 60, atDeadline: 'release' })
    assert.equal(hold.status, 201)
    assert.equal(await calls.isActive(GATEWAY, access), false)
    server.clock.advance(60_000)
    await server.maintenance.tick()
    assert.equal(await calls.isActive(GATEWAY, access), true)
    const at_ = new Date(server.clock.wallMs() + 60_000).toISOString()
    const scheduled = await send('revocations/scheduled', { at: at_ })
    server.clock.advance(59_999)
    await server.maintenance.tick()
    assert.equal(await calls.isActive(GATEWAY, access), true)
    server.clock.advance(1)
    await server.maintenance.tick()
    assert.equal(await calls.isActive(GATEWAY, access), false)
    const line = `GET /control/v1/revocations/scheduled/${textAt(scheduled, 'id')}`
    const id = textAt(await calls.send(line, [CONTROL]), 'revocation')
    assert.equal((await calls.control(`GET /revocations/${id}`)).status, 200)
  })
})

test('a revocation whose answer was lost is answered with its receipt, and not repeated', async () => {
  await at([], async ({ server, calls }) => {
    const { store } = server
    // Intercepts the commits of either store.
    const { commit } = Object.getPrototypeOf(store) as Store
    let [rows, gone] = [0, true]
    // The write that revokes succeeds; later writes, such as the kept answer, fail.
    store.commit = async function (this: Store, group: Group): Promise<GroupOutcome> {
      const revokes = group.writes.some(({ operations }) => operations.some(({ kind }) => kind === 'append'))
      if (!revokes && rows > 0 && gone) throw new StoreUnavailable('gone')
      if (revokes) rows += 1
      return Reflect.apply(commit, this, [group])
    }
    assert.equal((await revoke(calls, ['Idempotency-Key: k'])).status, 503)
    gone = false
    const again = await revoke(calls, ['Idempotency-Key: k'])
    assert.equal(again.status, 201)
    assert.equal(rows, 1)
    const listed = await calls.control('GET /revocations?subject=nobody')
    const [only, ...others] = memberAt(listed, 'revocations') as readonly { readonly id: string }[]
    assert.deepEqual([only?.id, others.length], [textAt(again, 'id'), 0])
    const other = REVOCATION.replace('nobody', 'somebody')
    assert.equal((await revoke(calls, ['Idempotency-Key: k'], other)).status, 422)
  })
})

const COLLECTIONS: Readonly<Record<string, readonly [body: object, change: object, id?: string]>> = {
  '/clients': [{ clientId: 'web', grantTypes: ['client_credentials'] }, { name: 'Web' }],
  '/chat-apps': [{ name: 'web' }, { sandbox: true }],
  '/issuers': [
    { issuer: 'https://idp.example', jwksUrl: 'https://idp.example/jwks' },
    { skewSeconds: 10 },
    'id',
  ],
}

test('[RFC 9110 §13.1.1] If-Match ties a call to one version of a record, in every collection', async () => {
  await at([], async ({ calls }) => {
    for (const [path, [body, change, idMember = Object.keys(body)[0] ?? '']] of Object.entries(COLLECTIONS)) {
      const made = await calls.control(`POST ${path}`, body)
      assert.equal(made.status, 201, path + made.body.toString())
      const first = header(made, 'etag') ?? ''
      const one = `${path}/${encodeURIComponent(textAt(made, idMember))}`
      const changed = await calls.control(`PATCH ${one}`, change, [CONTROL, `If-Match: ${first}`])
      assert.deepEqual([changed.status, header(changed, 'etag')], [200, '"2"'], changed.body.toString())
      for (const call of ['GET', 'PATCH', 'DELETE']) {
        const given = call === 'PATCH' ? change : undefined
        const late = await calls.control(`${call} ${one}`, given, [CONTROL, `If-Match: ${first}`])
        assert.deepEqual([late.status, header(late, 'etag')], [412, '"2"'], `${call} ${one}`)
        const gone = await calls.control(`${call} ${path}/nobody`, given)
        assert.equal(gone.status, 404, `${call} ${path}/nobody`)
      }
      assert.equal((await calls.control(`GET ${one}`, undefined, [CONTROL, 'If-Match: "2"'])).status, 200)
      assert.equal((await calls.control(`DELETE ${one}`, undefined, [CONTROL, 'If-Match: "2"'])).status, 204)
      assert.equal((await calls.control(`GET ${one}`)).status, 404)
    }
  })
})
