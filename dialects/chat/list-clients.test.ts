import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scans } from '../wire/scans.ts'
import { CLIENT_LIST_MAX } from './client-list.ts'
import { ADMIN, assertError, type ChatWorld, OTHER_ADMIN, openChat, type Reply } from './fixture.test.ts'

function list(world: ChatWorld, query = ''): Promise<Reply> {
  return world.send({ path: '/admin/clients', query, headers: ADMIN })
}

function ids({ json }: Reply): unknown[] {
  return json.result.data.map(({ _id }) => _id)
}

async function withClients(count: number, bounds = {}): Promise<ChatWorld> {
  const world = await openChat({ options: { bounds } })
  const data = Array.from({ length: count }, (_, at) => ({
    _id: `c${String(at).padStart(4, '0')}`,
    nickname: at % 2 === 0 ? 'even' : 'odd',
    age: at,
  }))
  for (let from = 0; from < count; from += 500) {
    const reply = await world.admin('POST', '/admin/clients/list', { data: data.slice(from, from + 500) })
    assert.equal(reply.status, 200, reply.text)
  }
  return world
}

test('clients are listed by id, fifty by default and a hundred at most, with a total and without tokens', async () => {
  const world = await withClients(1_205)
  const usual = await list(world)
  assert.equal(usual.json.result['totalCount'], 1_205)
  assert.deepEqual(ids(usual), ids(await list(world, 'limit=50&skip=0')))
  assert.equal(ids(usual).length, 50)
  assert.equal(ids(await list(world, 'limit=1000')).length, 100)
  assert.deepEqual(ids(await list(world, 'limit=2&skip=1203')), ['c1203', 'c1204'])
  assert.deepEqual(ids(await list(world, 'skip=1205')), [])
  await world.client('c0000', 1)
  assert.equal('token' in ((await list(world, 'limit=1')).json.result.data[0] ?? {}), false)
})

test("an app sees only its own clients, even if another app's name is nearly the same", async () => {
  const world = await withClients(3)
  const other = await world.send({ path: '/admin/clients', headers: OTHER_ADMIN })
  assert.deepEqual(other.json.result.data, [])
  assert.equal(other.json.result['totalCount'], 0)
})

test('q selects clients, and totalCount counts those', async () => {
  const world = await withClients(60)
  const ask = (filter: unknown, more = ''): Promise<Reply> =>
    list(world, `q=${encodeURIComponent(JSON.stringify(filter))}${more}`)
  const odd = await ask({ nickname: 'odd', age: { $lt: 10 } })
  assert.deepEqual(ids(odd), ['c0001', 'c0003', 'c0005', 'c0007', 'c0009'])
  assert.equal(odd.json.result['totalCount'], 5)
  const page = await ask({ nickname: { $regex: '^ev' } }, '&limit=2&skip=1')
  assert.deepEqual(ids(page), ['c0002', 'c0004'])
  assert.equal(page.json.result['totalCount'], 30)
  assert.deepEqual(ids(await ask({ _id: 'c0007' })), ['c0007'])
  assert.equal(ids(await list(world, 'q=&limit=10')).length, 10)
  for (const broken of ['{"$where":"1"}', '{', 'x', '{"a":{"$regex":"(a+)+"}}'])
    assertError(await list(world, `q=${encodeURIComponent(broken)}`), 400, 'INVALID_QUERY')
})

test('unknown and repeated parameters and those that are not whole numbers are 400', async () => {
  const world = await openChat()
  const queries = [
    'limit=0',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'skip=-1',
    'skip=1e3',
    'x=1',
    'limit=1&limit=1',
  ]
  for (const query of [...queries, 'limit=%zz', 'Limit=1', 'limit=99999999999'])
    assertError(await list(world, query), 400, 'INVALID_REQUEST')
})

test('a listing reads clients up to its bound, and one more is 413', async () => {
  assert.equal((await list(await withClients(5, { clientsScannedMax: 5 }))).status, 200)
  assertError(await list(await withClients(6, { clientsScannedMax: 5 })), 413, 'RESULT_TOO_LARGE')
})

test('[W94] an app over its concurrent listings gets 429, other apps go on, and later it may list again', async () => {
  const world = await openChat({ options: { scans: new Scans({ perKeyMax: 2, max: 6 }) } })
  const rival = (): Promise<Reply> => world.send({ path: '/admin/clients', headers: OTHER_ADMIN })
  const asked = [list(world), list(world), list(world), rival(), rival()]
  const [first, second, third, other, another] = await Promise.all(asked)
  assert.deepEqual([first?.status, second?.status, other?.status], [200, 200, 200])
  for (const refused of [third, another])
    assertError(refused ?? assert.fail(), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  assert.equal((await list(world)).status, 200)
  assert.equal((await rival()).status, 200)
})

test('many clients are created and updated in one write, and get no tokens', async () => {
  const world = await openChat()
  const [token = ''] = await world.client('a', 1)
  const data = [
    { _id: 'a', nickname: 'A' },
    { _id: 'b' },
    { _id: 'c', avatarUrl: 'http://x/y', issueAccessToken: false },
  ]
  const reply = await world.admin('POST', '/admin/clients/list', { data })
  assert.deepEqual(reply.json, { RC: 0, RM: 'OK', result: { count: 3 } })
  assert.deepEqual(ids(await list(world)), ['a', 'b', 'c'])
  assert.equal(await world.isLive(token), true)
  const head = world.realm.index.seq
  assert.equal((await world.admin('POST', '/admin/clients/list', { data })).status, 200)
  assert.equal(world.realm.index.seq, head, 'what changes nothing writes nothing')
})

test('one invalid item refuses the whole list, and nothing is written', async () => {
  const world = await openChat()
  const head = world.realm.index.seq
  const items: unknown[] = [{}, { _id: '' }, { _id: 1 }, 'a', null, [], { _id: 'a', id: 'b' }, { _id: 'ok' }]
  const more = [
    { _id: 'a', token: 'x' },
    { _id: 'a', issueAccessToken: true },
    { _id: 'a', isRobot: true },
  ]
  for (const item of [...items, ...more]) {
    const reply = await world.admin('POST', '/admin/clients/list', { data: [{ _id: 'ok' }, item] })
    assertError(reply, 400, 'INVALID_REQUEST')
  }
  for (const body of [{}, { data: {} }, { data: [], more: 1 }, [], { data: 'a' }])
    assert.equal((await world.admin('POST', '/admin/clients/list', body)).status, 400)
  assert.equal(world.realm.index.seq, head)
})

test('a list at the bound of one call is accepted, and one more is 400', async () => {
  const world = await openChat()
  const data = (count: number): unknown => ({
    data: Array.from({ length: count }, (_, at) => ({ _id: `c${at}` })),
  })
  assertError(
    await world.admin('POST', '/admin/clients/list', data(CLIENT_LIST_MAX + 1)),
    400,
    'INVALID_REQUEST',
  )
  const most = await world.admin('POST', '/admin/clients/list', data(CLIENT_LIST_MAX))
  assert.equal(most.json.result['count'], CLIENT_LIST_MAX)
})
