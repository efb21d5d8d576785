import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { jsonOf, textAt } from '../kit/calls.ts'
import { FeedReader, type SseEvent } from '../kit/feed-client.ts'
import { openForFile } from '../kit/in-process.ts'
import { SEED, SVC } from '../kit/seed.ts'
import { CONTROL_KEY } from '../kit/server.ts'

const KEY = { authorization: 'Bearer orders-api-key-0123456789' }
const OPERATOR = { authorization: `Bearer ${CONTROL_KEY}` }

type Json = Readonly<Record<string, unknown>>

const { server, calls } = await openForFile({
  time: 'real',
  seed: { ...SEED, realms: [...SEED.realms, { name: 'branch' }] },
})
const open: FeedReader[] = []
after(() => {
  for (const one of open) one.close()
})

function read(path: string, headers: Readonly<Record<string, string>> = OPERATOR): FeedReader {
  const reader = new FeedReader(`${server.url}/control/v1${path}`, headers)
  open.push(reader)
  return reader
}

function data(event: SseEvent | undefined): Json {
  return (event ?? assert.fail('the stream has ended')).data as Json
}

async function revoke(more: Json = {}): Promise<Json> {
  const target = { token: await calls.oauthToken(SVC) }
  const made = await calls.control('POST /revocations', { target, reason: 'leak', ...more })
  assert.equal(made.status, 201, made.body.toString())
  return jsonOf(made) as Json
}

const WAIT = { wait: 'enforced', timeoutMs: 200 }

/** The members that say how it is enforced, without the instances. */
function enforcementOf({ enforced, enforcedBy, enforcedAt, effectiveBy, instanceCount }: Json): Json {
  return { enforced, enforcedBy, enforcedAt, effectiveBy, instanceCount }
}

const UNKNOWN = { enforcedAt: undefined, effectiveBy: undefined }

test('without any verifier a receipt says that nobody has said anything, and gives no time', async () => {
  const made = await revoke(WAIT)
  const none = { enforced: true, enforcedBy: 'none-known', ...UNKNOWN, instanceCount: 0 }
  assert.deepEqual(enforcementOf(made), none)
  assert.deepEqual([made['instances'], made['laggards']], [[], []])
  const later = jsonOf(await calls.control(`GET /revocations/${String(made['id'])}`)) as Json
  assert.deepEqual(enforcementOf(later), none)
  const stream = read(`/revocations/${String(made['id'])}/events`)
  const names: string[] = []
  for (let event = await stream.next(); event !== undefined; event = await stream.next())
    names.push(event.event)
  assert.deepEqual(names, ['receipt', 'enforced', 'end'])
})

test('a stream shows each instance as it applies the revocation, ends by itself, and the receipt has the same times', async () => {
  const verifier = read('/feed?bound=60000&label=web-1', KEY)
  const { instance } = data(await verifier.next())
  const made = await revoke(WAIT)
  assert.deepEqual(enforcementOf(made), {
    enforced: false,
    enforcedBy: undefined,
    ...UNKNOWN,
    instanceCount: 1,
  })
  const [behind] = made['laggards'] as readonly Json[]
  assert.deepEqual(
    [behind?.['instance'], behind?.['label'], behind?.['state']],
    [instance, 'web-1', 'behind'],
  )

  const stream = read(`/revocations/${String(made['id'])}/events`)
  const receipt = data(await stream.next())
  assert.deepEqual([receipt['id'], receipt['byName'], receipt['enforced']], [made['id'], 'first', false])
  const position = (await verifier.next())?.id
  assert.equal(
    (await calls.control('POST /feed/acks', { instance, position, bound: 60_000 }, bearer(KEY))).status,
    200,
  )

  const applied = await stream.next()
  assert.deepEqual(
    [applied?.event, data(applied)['instance'], data(applied)['state']],
    ['instance', instance, 'applied'],
  )
  const enforced = await stream.next()
  const { appliedAt } = data(applied)
  const whole = {
    enforced: true,
    enforcedBy: 'instances',
    enforcedAt: appliedAt,
    effectiveBy: appliedAt,
    instanceCount: 1,
  }
  assert.deepEqual([enforced?.event, data(enforced)], ['enforced', whole])
  const end = await stream.next()
  assert.deepEqual([end?.event, end?.data, await stream.next()], ['end', { why: 'enforced' }, undefined])

  const later = jsonOf(await calls.control(`GET /revocations/${String(made['id'])}`)) as Json
  assert.deepEqual(enforcementOf(later), whole)
  const [own] = later['instances'] as readonly Json[]
  assert.deepEqual([own?.['appliedAt'], own?.['state']], [appliedAt, 'applied'])
  const again = read(`/revocations/${String(made['id'])}/events`)
  assert.equal(data(await again.next())['enforced'], true)
  await calls.control('POST /feed/acks', { instance, position, bound: 60_000, leaving: true }, bearer(KEY))
  verifier.close()
})

const bearer = ({ authorization }: { readonly authorization: string }): string =>
  `Authorization: ${authorization}`

test('a stream ends at its time, with its key, and says of an instance that it has gone', async () => {
  const verifier = read('/feed?bound=60000', KEY)
  const { instance, position } = data(await verifier.next())
  const { id } = await revoke()
  const short = read(`/revocations/${String(id)}/events?timeoutMs=1`)
  assert.equal((await short.next())?.event, 'receipt')
  assert.deepEqual((await short.next())?.data, { why: 'timeout' })
  assert.equal(await short.next(), undefined)

  const made = await calls.control('POST /keys', { name: 'watcher', role: 'viewer', realm: 'default' })
  const watcher = { authorization: `Bearer ${textAt(made, 'key')}` }
  const watching = read(`/revocations/${String(id)}/events`, watcher)
  assert.equal((await watching.next())?.event, 'receipt')
  assert.equal((await calls.control(`DELETE /keys/${textAt(made, 'id')}`)).status, 204)
  assert.deepEqual([(await watching.next())?.data, await watching.next()], [{ why: 'key' }, undefined])

  const following = read(`/revocations/${String(id)}/events`)
  assert.equal((await following.next())?.event, 'receipt')
  await calls.control('POST /feed/acks', { instance, position, bound: 60_000, leaving: true }, bearer(KEY))
  assert.deepEqual(await following.next(), {
    event: 'gone',
    id: undefined,
    data: { verifier: 'orders-api', instance },
  })
  assert.equal((await following.next())?.event, 'enforced')
  verifier.close()
})

test('streams of a key are capped, and other keys and realms are not let in by the id', async () => {
  const verifier = read('/feed?bound=60000', KEY)
  await verifier.next()
  const { id } = await revoke()
  const path = `/revocations/${String(id)}/events`
  const many = Array.from({ length: 10 }, () => read(path))
  for (const one of many) assert.equal((await one.next())?.event, 'receipt')
  assert.equal((await calls.control(`GET ${path}`)).status, 429)
  many[0]?.close()
  assert.equal((await calls.control(`GET ${path}`, undefined, bearer(KEY))).status, 403)
  const other = await calls.control('POST /keys', { name: 'other', role: 'admin', realm: 'branch' })
  const by = `Authorization: Bearer ${textAt(other, 'key')}`
  for (const query of ['', '?realm=default'])
    assert.equal((await calls.control(`GET ${path}${query}`, undefined, by)).status, 404)
  for (const [bad, status] of [
    ['/revocations/rev_1_999999/events', 404],
    ['/revocations/x/events', 404],
    [`${path}?timeoutMs=600001`, 422],
  ] as const)
    assert.equal((await calls.control(`GET ${bad}`)).status, status, bad)
  for (const one of many) one.close()
  verifier.close()
})
