import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { checkLogFile } from '@rescind/server'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { FeedReader } from '../../test/kit/feed-client.ts'
import { Balancer, type NodeServer, openNodeServer } from '../../test/kit/node-servers.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { SVC } from '../../test/kit/seed.ts'
import { CONTROL_KEY, type Home, makeQuickHome, startProcess } from '../../test/kit/server.ts'
import { until } from '../../test/kit/until.ts'

const KEY = 'orders-api-key-0123456789'
const BOUND_MS = 2_000

type Json = Readonly<Record<string, unknown>>

let database: PostgresServer
let home: Home
const nodes: NodeServer[] = []
const verifiers: Verifier[] = []
const balancers: Balancer[] = []
let a: NodeServer
let b: NodeServer
before(async () => {
  database = await startPostgres()
  home = makeQuickHome()
  a = await opened()
  b = await opened()
})
after(async () => {
  for (const one of verifiers) await one.close()
  for (const one of balancers) one.close()
  for (const one of nodes) await one.close()
  await database.stop()
  home.remove()
})

async function opened(flags: readonly string[] = []): Promise<NodeServer> {
  const node = await openNodeServer(database.address, home, flags)
  nodes.push(node)
  return node
}

async function following(label: string, port: number): Promise<{ verifier: Verifier; balancer: Balancer }> {
  const balancer = await Balancer.open(port)
  balancers.push(balancer)
  const verifier = openVerifier({ url: balancer.url, key: KEY, maxStalenessMs: BOUND_MS, label })
  verifiers.push(verifier)
  await verifier.ready(10_000)
  return { verifier, balancer }
}

async function control(node: Pick<NodeServer, 'url'>, call: string, body?: Json): Promise<Json> {
  const [method = '', path = ''] = call.split(' ')
  const response = await fetch(`${node.url}/control/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as Json
  assert.ok(response.ok, JSON.stringify(answer))
  return answer
}

async function token(node: NodeServer): Promise<string> {
  const basic = Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')
  const response = await fetch(`${node.url}/api/id/v1/auth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
  })
  return ((await response.json()) as { access_token: string }).access_token
}

function revoke(node: Pick<NodeServer, 'url'>, text: string, timeoutMs = 10_000): Promise<Json> {
  const body = { target: { token: text }, reason: 'a test', wait: 'enforced', timeoutMs }
  return control(node, 'POST revocations', body)
}

type Instance = Json & { readonly label: string; readonly state?: string; readonly position?: string }

async function states(node: NodeServer, { id }: Json): Promise<Readonly<Record<string, unknown>>> {
  const receipt = await control(node, `GET revocations/${String(id)}`)
  const list = receipt['instances'] as readonly Instance[]
  return Object.fromEntries(list.map(({ label, state }) => [label, state]))
}

/** Each node measures by its own clock when an instance has lapsed, so one may say so later than another. */
async function settled(node: NodeServer, receipt: Json): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const known = await states(node, receipt)
    if (!Object.values(known).includes('behind')) return known
  }
}

async function listed(node: NodeServer, label: string): Promise<Instance | undefined> {
  const { verifiers: all } = await control(node, 'GET verifiers')
  const [one] = all as readonly { readonly instances: readonly Instance[] }[]
  return one?.instances.find((instance) => instance.label === label)
}

test('the receipt in an answer says what the answer waited for, like its header', async () => {
  for (const said of ['everywhere', 'durable']) {
    const node = await opened(['--acknowledge', said])
    const answer = await fetch(`${node.url}/control/v1/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ target: { token: await token(node) }, reason: 'a test' }),
    })
    const { acknowledged } = (await answer.json()) as Json
    assert.deepEqual([acknowledged, answer.headers.get('rescind-acknowledged')], [said, said])
  }
})

test('a node waits for a verifier that follows another one, and says where every node refuses', async () => {
  const { verifier } = await following('of b', b.port)
  const text = await token(a)
  assert.equal((await verifier.verify(text)).kind, 'active')
  const receipt = await revoke(a, text)
  assert.deepEqual([receipt['enforced'], receipt['laggards']], [true, []])
  assert.equal(verifier.check(text).kind, 'inactive')
  for (const node of [a, b]) assert.deepEqual(await states(node, receipt), { 'of b': 'applied' })
  assert.equal((await control(b, `GET revocations/${String(receipt['id'])}`))['acknowledged'], 'everywhere')
  for (const node of [a, b]) {
    const one = await listed(node, 'of b')
    assert.deepEqual([one?.['connected'], one?.['lapsed'], one?.['behind']], [true, false, 0])
  }
  await verifier.close()
  for (const node of [a, b]) assert.deepEqual(await states(node, receipt), {}, 'it said goodbye')
})

test('a receipt that is followed at one node shows a verifier of another, with one key of evidence for both', async () => {
  const { verifier } = await following('of a', a.port)
  const text = await token(a)
  // The SDK acknowledges at once, so an instance that does not is followed beside it.
  const silent = new FeedReader(`${a.url}/control/v1/feed?bound=60000&label=slow`, {
    authorization: `Bearer ${KEY}`,
  })
  const hello = (await silent.next())?.data as Json
  const made = await revoke(a, text, 100)
  assert.deepEqual([made['enforced'], made['instanceCount']], [false, 2])
  const following_ = new FeedReader(`${b.url}/control/v1/revocations/${String(made['id'])}/events`, {
    authorization: `Bearer ${CONTROL_KEY}`,
  })
  const receipt = (await following_.next())?.data as Json
  assert.deepEqual([receipt['enforced'], receipt['acknowledged']], [false, 'everywhere'])
  const position = (await silent.next())?.id
  const acknowledge = async (leaving: boolean): Promise<void> => {
    const ack = await fetch(`${a.url}/control/v1/feed/acks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ instance: hello['instance'], position, bound: 60_000, leaving }),
    })
    assert.equal(ack.status, 200)
  }
  await acknowledge(false)
  const events: [string, unknown][] = []
  for (let event = await following_.next(); event !== undefined; event = await following_.next()) {
    const { label, state, enforcedBy, why } = event.data as Json
    events.push([event.event, label ?? enforcedBy ?? why])
    assert.ok(state === undefined || state === 'applied')
  }
  assert.deepEqual(events, [
    ['instance', 'slow'],
    ['enforced', 'instances'],
    ['end', 'enforced'],
  ])
  const later = await control(b, `GET revocations/${String(made['id'])}`)
  assert.equal(typeof later['enforcedAt'], 'string')
  const keyIds: unknown[] = []
  for (const node of [a, b]) {
    const answer = await fetch(`${node.url}/control/v1/evidence`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ receipts: [made['id']] }),
    })
    assert.ok(answer.body !== null)
    const checked = await checkLogFile(answer.body, { positions: [] })
    assert.equal(checked.kind, 'evidence')
    keyIds.push(checked.kind === 'evidence' && checked.keyId)
  }
  assert.equal(keyIds[0], keyIds[1])
  await acknowledge(true)
  silent.close()
  await verifier.close()
})

test('a verifier that moves to another node is one instance, and misses nothing', async () => {
  const { verifier, balancer } = await following('moving', a.port)
  const texts = await Promise.all(Array.from({ length: 6 }, () => token(a)))
  for (const text of texts) assert.equal((await verifier.verify(text)).kind, 'active')
  for (const [nth, text] of texts.entries()) {
    // The first half moves while it is waited for.
    const [to, other] = nth % 2 === 0 ? [b, a] : [a, b]
    const revoked = revoke(nth < 3 ? a : other, text)
    balancer.to(to.port)
    const receipt = await revoked
    assert.deepEqual([receipt['enforced'], verifier.check(text).kind], [true, 'inactive'])
    assert.deepEqual(await states(other, receipt), { moving: 'applied' })
  }
  await verifier.close()
})

type Exposed = { readonly accepted: readonly Json[] }

/** Who accepted a token, once the verifier's acknowledgement has arrived at one of the nodes and all have written. */
async function exposed(node: NodeServer, receipt: Json): Promise<readonly Json[]> {
  for (;;) {
    for (const one of [a, b]) await one.round()
    const { tokens } = await control(node, `GET revocations/${String(receipt['id'])}/exposure`)
    const accepted = (tokens as readonly Exposed[])[0]?.accepted ?? []
    if (accepted.some(({ instances }) => instances !== undefined)) return accepted
  }
}

test('every node answers who accepted a token, whichever the verifier follows, and that it follows none now', async () => {
  const { verifier, balancer } = await following('exposing', a.port)
  const text = await token(a)
  assert.equal((await verifier.verify(text)).kind, 'active')
  balancer.to(b.port)
  assert.equal((await verifier.verify(text)).kind, 'active')
  const receipt = await revoke(a, text)
  for (const node of [a, b]) {
    const [accepted, ...more] = await exposed(node, receipt)
    assert.deepEqual(more, [])
    const { by, name, instances, claimed } = accepted ?? {}
    assert.deepEqual([by, name, instances, claimed], ['verifier', 'orders-api', ['exposing'], true])
  }
  balancer.to(undefined)
  const silent = async (node: NodeServer): Promise<readonly unknown[]> => {
    const { missing } = await control(node, `GET revocations/${String(receipt['id'])}/exposure`)
    const { verifiers: known } = missing as { readonly verifiers: readonly Instance[] }
    return known.map(({ label, why }) => [label, why])
  }
  for (const node of [a, b]) while ((await silent(node)).length === 0);
  for (const node of [a, b])
    assert.match(JSON.stringify(await silent(node)), /^\[\["exposing",\[(?:"lapsed",)?"disconnected"\]\]\]$/)
  balancer.to(a.port)
  while (verifier.state !== 'live') await silent(a)
  await verifier.close()
})

test('a verifier that hears nothing is behind on every node until its bound has passed', async () => {
  const { verifier, balancer } = await following('silent', b.port)
  const text = await token(a)
  assert.equal((await verifier.verify(text)).kind, 'active')
  balancer.to(undefined)
  const early = await revoke(a, text, 1)
  assert.equal(early['enforced'], false)
  assert.deepEqual(
    (early['laggards'] as readonly Instance[]).map(({ label }) => label),
    ['silent'],
  )
  assert.deepEqual(await states(b, early), { silent: 'behind' })
  const late = await revoke(a, text)
  assert.equal(late['enforced'], true)
  assert.notEqual(verifier.check(text).kind, 'active')
  for (const node of [a, b]) assert.deepEqual(await settled(node, early), { silent: 'lapsed' })
  balancer.to(a.port)
  await until(() => verifier.check(text).kind === 'inactive')
  assert.equal((await revoke(b, await token(a)))['enforced'], true)
  await verifier.close()
})

test('a node that is killed leaves its verifiers behind until they are somewhere else, or lapse', async () => {
  const { user, port, database: name } = database.address
  const store = `postgres://${user}@127.0.0.1:${port}/${name}`
  const c = await startProcess({ home, store, flags: ['--public-url', 'http://127.0.0.1:9'] })
  const at = Number(new URL(c.url).port)
  const { verifier: stays, balancer: cut } = await following('stays', at)
  const { verifier: moves, balancer } = await following('moves', at)
  const known = await revoke(a, await token(a))
  assert.deepEqual(await states(b, known), { stays: 'applied', moves: 'applied' })
  await c.kill()
  cut.to(undefined)
  const text = await token(a)
  const early = await revoke(a, text, 1)
  assert.equal(early['enforced'], false)
  balancer.to(b.port)
  while ((await states(a, early))['moves'] !== 'applied') continue
  const late = await revoke(a, text)
  assert.deepEqual([late['enforced'], stays.check(text).kind === 'active'], [true, false])
  assert.deepEqual(await settled(b, late), { stays: 'lapsed', moves: 'applied' })
  assert.deepEqual(
    await states(b, known),
    { stays: 'applied', moves: 'applied' },
    'what it has said stays said',
  )
  for (const one of [stays, moves]) await one.close()
})

test('a node that cannot reach its store ends its streams, and one that can does not', async () => {
  const way = await Balancer.open(database.address.port)
  balancers.push(way)
  const cut = await openNodeServer({ ...database.address, port: way.port }, home)
  nodes.push(cut)
  const [ending, staying] = await Promise.all([cut, b].map(streamOf))
  assert.ok(ending !== undefined && staying !== undefined)
  way.to(undefined)
  await ending.ended
  assert.equal(staying.isOver(), false)
  way.to(database.address.port)
  const again = await streamOf(cut)
  for (const one of [staying, again]) one.close()
})

/** A plain reader of a node's feed that has been greeted. */
async function streamOf({ url }: NodeServer) {
  const aborted = new AbortController()
  const response = await fetch(`${url}/control/v1/feed`, {
    headers: { authorization: `Bearer ${KEY}`, accept: 'text/event-stream' },
    signal: aborted.signal,
  })
  assert.equal(response.status, 200)
  const reader = response.body?.getReader() ?? assert.fail()
  assert.match(Buffer.from((await reader.read()).value ?? []).toString(), /event: hello/)
  let isOver = false
  const read = async (): Promise<void> => {
    while (!(await reader.read()).done) continue
  }
  const ended = read()
    // It was cut off.
    .catch(() => undefined)
    .then(() => {
      isOver = true
    })
  return { ended, isOver: () => isOver, close: () => aborted.abort() }
}
