import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteRecord, putRecord, type RevokeAct, revokeGrant, revokePrincipals } from '@rescind/authority'
import { grantOf, StoreUnavailable } from '@rescind/core'
import type { Answer } from '@rescind/dialects'
import { wireRequest } from '../../../test/kit/request.ts'
import { CHAT_APPS } from '../directory.ts'
import {
  ADMIN,
  API_KEY,
  addApp,
  assertError,
  type ChatWorld,
  JSON_BODY,
  OTHER_ADMIN,
  OTHER_API_KEY,
  openChat,
  reply,
  tokenPath,
} from '../fixture.test.ts'
import { APP, clientPath, type Event, handleOf, openReader as open, Reader } from './reader.test.ts'

const plain = (world: ChatWorld): RevokeAct => {
  const facts = { source: 'control', ancestors: [], position: world.realm.position(), expiresAtMs: 2 ** 52 }
  return {
    caller: { id: 'control:ops', from: 'local', dependency: { realm: world.realm.ordinal, facts } },
    how: 'test',
  }
}

test('a stream reports each ended token by its handle and client, never by its text', async () => {
  const world = await openChat()
  const [token = ''] = await world.client('u1', 1)
  await world.admin('PUT', tokenPath('u1'), { token: 'bound-text' })
  const handles = [await handleOf(world, token), await handleOf(world, 'bound-text')]
  const reader = await open(world, APP)
  await world.admin('DELETE', tokenPath('u1'), { token })
  const first = await reader.next()
  assert.deepEqual(first?.event, 'revoked')
  assert.deepEqual(first.data, { client: 'u1', token: handles[0], at: '2026-03-01T12:00:00.000Z' })
  await world.admin('DELETE', tokenPath('u1'), { token: 'bound-text' })
  const second = await reader.next()
  assert.equal(second?.data['token'], handles[1])
  assert.equal(JSON.stringify([first, second]).includes('bound-text'), false)
})

test('when an event arrives, the token is already refused', async () => {
  const world = await openChat()
  const [token = ''] = await world.client('u1', 1)
  const reader = await open(world, APP)
  const done = world.admin('DELETE', tokenPath('u1'), { token })
  await reader.next()
  assertError(await world.user('GET', '/me', { token }), 401, 'INVALID_TOKEN')
  await done
})

test('ending all tokens of a client reports the client, the position and the tokens', async () => {
  const world = await openChat()
  const tokens = await world.client('u1', 3)
  const reader = await open(world, APP)
  await world.admin('DELETE', tokenPath('u1'))
  const handles = await Promise.all(tokens.map((token) => handleOf(world, token)))
  const { data, event } = (await reader.next()) ?? assert.fail('the stream ended')
  assert.equal(event, 'revoked-all')
  const { position, ...rest } = data
  assert.equal(position, world.realm.index.seq)
  assert.deepEqual(rest, { client: 'u1', tokens: handles, complete: true, at: '2026-03-01T12:00:00.000Z' })
})

test('an event names at most a hundred tokens, and says if there were more', async () => {
  const world = await openChat()
  await world.client('u1', 100)
  const reader = await open(world, APP)
  await world.admin('DELETE', tokenPath('u1'))
  const first = await reader.next()
  assert.deepEqual([countIn(first), first?.data['complete']], [100, true])
  await world.client('u1', 1)
  await world.admin('DELETE', tokenPath('u1'))
  const second = await reader.next()
  assert.deepEqual([countIn(second), second?.data['complete']], [100, false])
})

function countIn(event: Event | undefined): number {
  const tokens = event?.data['tokens']
  return Array.isArray(tokens) ? tokens.length : -1
}

test('logout, deletion, rules of the control API and holds are reported', async () => {
  const world = await openChat()
  const { realm } = world
  const [first = '', second = '', third = ''] = await world.client('u1', 3)
  const reader = await open(world, APP)
  await world.user('POST', '/me/logout', { token: first })
  assert.equal((await reader.next())?.data['token'], await handleOf(world, first))
  const record = (await world.recordOf(second)) ?? assert.fail('no record')
  await revokeGrant(realm, { source: record.source, grant: grantOf(record.handle) }, plain(world))
  assert.equal((await reader.next())?.data['token'], record.handle)
  const principals = { source: 'chat/acme', subject: 'u1' }
  await revokePrincipals(realm, { shape: 'subject', principals }, plain(world))
  const all = await reader.next()
  assert.deepEqual([all?.event, all?.data['client']], ['revoked-all', 'u1'])
  await revokePrincipals(realm, { shape: 'source', principals: { source: 'chat/acme' } }, plain(world))
  const app = await reader.next()
  assert.deepEqual([app?.event, app?.data['client']], ['revoked-all', null])
  await revokePrincipals(realm, { shape: 'realm', principals: { source: '' } }, plain(world))
  assert.deepEqual((await reader.next())?.data['client'], null)
  const target = { kind: 'cut', shape: 'client', principals: { source: 'chat/acme', client: 'u1' } } as const
  const row = realm.row({ kind: 'hold', id: 'h1', target }, { by: 'test', from: 'local', how: 'test' })
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'append', row }],
  })
  const held = await reader.next()
  assert.deepEqual([held?.event, held?.data['client']], ['suspended-all', 'u1'])
  assert.equal(await world.isLive(third), false)
  await world.admin('DELETE', '/admin/clients/u1')
  assert.deepEqual((await reader.next())?.event, 'revoked-all')
})

test('a stream reports its own app only, and a stream of one client that client only', async () => {
  const world = await openChat()
  const [ann = ''] = await world.client('ann', 1)
  const [bob = ''] = await world.client('bob', 1)
  const headers = { ...OTHER_ADMIN, ...JSON_BODY }
  await world.send({
    method: 'POST',
    path: '/admin/clients',
    headers,
    body: '{"_id":"ann","token":"theirs"}',
  })
  const [all, one] = [await open(world, APP), await open(world, clientPath('bob'))]
  await world.send({ method: 'DELETE', path: tokenPath('ann'), headers: OTHER_ADMIN })
  await world.admin('DELETE', tokenPath('ann'), { token: ann })
  await world.admin('DELETE', tokenPath('ann'))
  await world.admin('DELETE', tokenPath('bob'), { token: bob })
  assert.deepEqual((await all.next())?.data['token'], await handleOf(world, ann))
  assert.deepEqual((await all.next())?.event, 'revoked-all')
  assert.deepEqual((await one.next())?.data['token'], await handleOf(world, bob))
})

test('a reader that resumes with its last event id gets what came since, and nothing twice', async () => {
  const world = await openChat()
  const [first = '', second = '', third = ''] = await world.client('u1', 3)
  const reader = await open(world, APP)
  await world.admin('DELETE', tokenPath('u1'), { token: first })
  const seen = (await reader.next()) ?? assert.fail('the stream ended')
  await reader.stop()
  await world.admin('DELETE', tokenPath('u1'), { token: second })
  for (let at = 0; at < 600; at += 1) await world.admin('POST', '/admin/clients', { _id: 'u2', at })
  const again = await open(world, APP, { ...ADMIN, 'Last-Event-ID': seen.id })
  assert.equal((await again.next())?.data['token'], await handleOf(world, second))
  await world.admin('DELETE', tokenPath('u1'), { token: third })
  assert.equal((await again.next())?.data['token'], await handleOf(world, third))
})

test('no row is missed at any moment between reading and waiting', async () => {
  const world = await openChat()
  const tokens = await world.client('u1', 120)
  const reader = await open(world, APP)
  for (const [turns, token] of tokens.entries()) {
    const revoked = world.admin('DELETE', tokenPath('u1'), { token })
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    assert.equal((await reader.next())?.data['token'], await handleOf(world, token))
    await revoked
  }
})

test('a last event id that this log never had is answered with a reset', async () => {
  const world = await openChat()
  for (const id of ['.999999', 'x.1', 'nonsense', '1', '.', '.-1', '.1e3']) {
    const headers = { ...ADMIN, 'Last-Event-ID': id }
    const reader = new Reader(
      await world.dialect.handle(world.realm, wireRequest({ method: 'GET', path: APP, headers })),
    )
    assert.equal((await reader.next())?.event, 'reset', id)
    assert.equal((await reader.next())?.event, 'ready')
    await reader.stop()
  }
})

test('an idle stream sends signs of life with its position', async () => {
  const world = await openChat()
  const [token = ''] = await world.client('u1', 1)
  const reader = await open(world, APP)
  const waiting = reader.next()
  await world.client('somebody')
  world.beat()
  await world.admin('DELETE', tokenPath('u1'), { token })
  assert.equal((await waiting)?.event, 'revoked')
  assert.equal(reader.lastId, `${world.realm.index.epochId}.${world.realm.index.seq}`)
})

test('a reader that takes nothing for two beats is disconnected, and its place is free', async () => {
  const world = await openChat({ options: { bounds: { streamsPerAppMax: 1 } } })
  const reader = await open(world, APP)
  world.beat()
  assert.equal(reader.answer.until?.aborted, false)
  world.beat()
  assert.equal(reader.answer.until?.aborted, true)
  await (await open(world, APP)).stop()
})

test('a reader that waits for events is never disconnected', async () => {
  const world = await openChat()
  const reader = await open(world, APP)
  const waiting = reader.next()
  for (let at = 0; at < 5; at += 1) {
    world.beat()
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  }
  assert.equal(reader.answer.until?.aborted, false)
  world.dialect.close()
  assert.equal(await waiting, undefined)
  assert.ok(reader.beats > 0)
})

test('an app may open streams up to its bound, one more is 429, and one that ends makes room', async () => {
  const world = await openChat({ options: { bounds: { streamsPerAppMax: 2, streamsMax: 3 } } })
  const ask = async (headers = ADMIN as Record<string, string>): Promise<Answer> =>
    world.dialect.handle(world.realm, wireRequest({ method: 'GET', path: APP, headers }))
  const first = await open(world, APP)
  await open(world, APP)
  assertError(await reply(await ask()), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  await open(world, APP, OTHER_ADMIN)
  assertError(await reply(await ask(OTHER_ADMIN)), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  await first.stop()
  await open(world, APP)
})

/** A world of three realms with two apps each. `open(0, ADMIN)` opens a stream of the first app in the first realm. */
async function openRealms(bounds: { readonly streamsMax: number }): Promise<{
  readonly ask: (realm: number, app: Readonly<Record<string, string>>) => Promise<Answer>
}> {
  const world = await openChat({ options: { bounds } })
  const realms = [world.realm]
  for (const name of ['second', 'third']) {
    const realm = await world.realms.create(name, { by: 'test', from: 'local', how: 'test' })
    await addApp(realm, 'acme', [API_KEY, 'c1'])
    await addApp(realm, 'globex', [OTHER_API_KEY, 'c2'])
    realms.push(realm)
  }
  const ask = async (nth: number, headers: Readonly<Record<string, string>>): Promise<Answer> =>
    world.dialect.handle(realms[nth] ?? assert.fail(), wireRequest({ method: 'GET', path: APP, headers }))
  return { ask }
}

const isDisconnected = ({ until }: Answer): boolean => until?.aborted === true

// A caller that comes first with many streams must not keep all places for as long as it likes.
test('[S3] when all streams are open, the newest of the realm with most gives way, and one of its own is 429', async () => {
  const { ask } = await openRealms({ streamsMax: 4 })
  const first: Answer[] = []
  for (const app of [ADMIN, ADMIN, ADMIN, OTHER_ADMIN]) first.push(await ask(0, app))
  assert.deepEqual(first.map(isDisconnected), [false, false, false, false])
  const [one, two] = [await ask(1, ADMIN), await ask(2, ADMIN)]
  assert.deepEqual([one.status, two.status], [200, 200], 'two other realms are unhurt')
  assert.deepEqual(first.map(isDisconnected), [false, true, true, false], 'of the app with most in it')
  assert.equal((await ask(0, ADMIN)).status, 429, 'nobody has more')
  assert.equal((await ask(1, ADMIN)).status, 429, 'nobody drives out whoever has one more')
  assert.deepEqual([one, two].map(isDisconnected), [false, false])
})

test('[S3] when all streams are open, an app of the same realm with fewer gets the place of one with more', async () => {
  const { ask } = await openRealms({ streamsMax: 4 })
  const flood: Answer[] = []
  for (let nth = 0; nth < 4; nth += 1) flood.push(await ask(0, ADMIN))
  assert.equal((await ask(0, ADMIN)).status, 429)
  assert.equal((await ask(0, OTHER_ADMIN)).status, 200)
  assert.equal((await ask(0, OTHER_ADMIN)).status, 200)
  assert.equal((await ask(0, OTHER_ADMIN)).status, 429)
  assert.deepEqual(flood.map(isDisconnected), [false, false, true, true])
})

test('[S3] a stream that gave way resumes where its reader was', async () => {
  const world = await openChat({ options: { bounds: { streamsMax: 2 } } })
  const [token = ''] = await world.client('u1', 1)
  const stays = await open(world, APP)
  const goes = await open(world, APP)
  const other = await open(world, APP, OTHER_ADMIN)
  assert.equal(goes.answer.until?.aborted, true)
  assert.equal(await goes.next(), undefined)
  await world.admin('DELETE', tokenPath('u1'), { token })
  assert.equal((await stays.next())?.event, 'revoked')
  await other.stop()
  const back = await open(world, APP, { ...ADMIN, 'last-event-id': goes.lastId })
  assert.equal((await back.next())?.event, 'revoked')
})

test('a reader that leaves an idle stream makes room at once', async () => {
  const world = await openChat({ options: { bounds: { streamsPerAppMax: 1 } } })
  const reader = await open(world, APP)
  const waiting = reader.next()
  await reader.stop()
  assert.equal(await waiting, undefined)
  await open(world, APP)
})

test('[A15] [B14] a stream is closed when its app is disabled, deleted, or has another key', async () => {
  const audit = { by: 'test', from: 'local', how: 'test' }
  const changes = ['disabled', 'another key', 'deleted', 'other addresses'] as const
  for (const change of changes) {
    const world = await openChat()
    const { realm } = world
    const reader = await open(world, APP)
    const stranger = await open(world, APP, OTHER_ADMIN)
    const { entry, version } = await realm.directory.state(CHAT_APPS, 'acme')
    assert.ok(entry !== undefined)
    const more = {
      disabled: { disabled: true },
      'another key': { apiKeyDigest: 'x' },
      'other addresses': { apiKeySources: ['10.0.0.0/8'] },
    }
    const operations =
      change === 'deleted'
        ? deleteRecord(realm, { collection: CHAT_APPS.name, id: 'acme', fromVersion: version }, audit)
        : putRecord(
            realm,
            {
              collection: CHAT_APPS,
              id: 'acme',
              value: { ...entry.value, ...more[change] } as typeof entry.value,
              fromVersion: version,
            },
            audit,
          )
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    assert.equal((await reader.next())?.event, 'closed', change)
    assert.equal(await reader.next(), undefined)
    const waiting = stranger.next()
    world.beat()
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    world.dialect.close()
    assert.equal(await waiting, undefined)
    assert.equal(stranger.beats, 1, 'another app is not concerned')
  }
})

test('streams need the API key and a known client, and take no query', async () => {
  const world = await openChat()
  await world.client('u1')
  for (const path of [APP, clientPath('u1')]) {
    assertError(await world.send({ path }), 401, 'MISSING_API_KEY')
    assertError(await world.send({ path, headers: { 'IM-API-KEY': 'wrong' } }), 401, 'INVALID_API_KEY')
    assertError(await world.send({ path, query: 'after=1', headers: ADMIN }), 400, 'INVALID_REQUEST')
  }
  assertError(await world.send({ path: clientPath('nobody'), headers: ADMIN }), 404, 'CLIENT_NOT_FOUND')
})

test('[W95] an event is made once for all streams of an app, and each gets its own part', async () => {
  // Work caused by one key must not be repeated for every listener.
  const world = await openChat()
  const [token = ''] = await world.client('ann', 100)
  await world.client('bob', 1)
  const paths = [APP, clientPath('ann'), clientPath('bob')]
  const readers = await Promise.all(
    Array.from({ length: 64 }, (_, nth) => open(world, paths[nth % paths.length] ?? APP)),
  )
  // Each stream has sent `ready`, and waits.
  const told = readers.map((reader) => reader.next())
  const { store } = world
  const reads = { lists: 0, records: 0 }
  const { tokensOfClient, tokenByHandle } = store
  store.tokensOfClient = (...of) => {
    reads.lists += 1
    return tokensOfClient.apply(store, of)
  }
  await world.admin('DELETE', tokenPath('ann'))
  const rest = await Promise.all(
    told.flatMap((event, nth) => (nth % paths.length === 2 ? [] : [event.then((one) => one?.event)])),
  )
  assert.deepEqual(new Set(rest), new Set(['revoked-all']))
  // The call itself reads as well.
  const alone = reads.lists
  assert.ok(alone <= 3, `${alone} lists for 43 streams`)

  const [again = ''] = await world.client('ann', 1)
  const next = readers.flatMap((reader, nth) => (nth % paths.length === 2 ? [] : [reader.next()]))
  store.tokenByHandle = (...of) => {
    reads.records += 1
    return tokenByHandle.apply(store, of)
  }
  await world.admin('DELETE', tokenPath('ann'), { token: again })
  assert.deepEqual(new Set((await Promise.all(next)).map((one) => one?.event)), new Set(['revoked']))
  assert.ok(reads.records <= 3, `${reads.records} records for 43 streams`)
  await world.admin('DELETE', tokenPath('bob'))
  for (const [nth, event] of told.entries()) {
    if (nth % paths.length === 2) assert.deepEqual((await event)?.data['client'], 'bob', 'nothing of others')
  }
  assert.notEqual(token, again)
})

test('[W95] an event that could not be read for one stream is read again for the next', async () => {
  const world = await openChat()
  const [token = ''] = await world.client('u1', 1)
  const { store } = world
  const { tokenByHandle } = store
  const readers = [await open(world, APP), await open(world, APP)]
  const first = assert.rejects(readers[0]?.next() ?? assert.fail(), StoreUnavailable)
  store.tokenByHandle = () => {
    throw new StoreUnavailable('away')
  }
  await world.admin('DELETE', tokenPath('u1'), { token })
  await first
  store.tokenByHandle = tokenByHandle
  assert.equal((await readers[1]?.next())?.event, 'revoked')
})

test('a stream that cannot read on fails, so that its reader reconnects', async () => {
  const world = await openChat({ options: { bounds: { streamsPerAppMax: 1 } } })
  const [token = ''] = await world.client('u1', 1)
  const reader = await open(world, APP)
  world.store.tokenByHandle = () => {
    throw new StoreUnavailable('away')
  }
  await world.admin('DELETE', tokenPath('u1'), { token })
  await assert.rejects(reader.next(), StoreUnavailable)
  assert.equal((await open(world, APP)).beats, 0, 'its place is free')
})

test('a stopping server opens no stream', async () => {
  const world = await openChat()
  world.dialect.close()
  await assert.rejects(world.send({ path: APP, headers: ADMIN }), /stopping/)
})
