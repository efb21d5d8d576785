import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatsJson } from '../../server/control/resources/stats/stats-json.ts'
import { CONTROL, jsonOf, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { GATEWAY, SEED, SVC } from '../kit/seed.ts'

const seed = { realms: [...SEED.realms, { name: 'branch' }] }
const { server, calls } = await openForFile({ time: 'hand', seed, flags: ['--control-rate', '0'] })

async function keyOf(
  role: string,
  realm?: string,
): Promise<{ readonly id: string; readonly header: string }> {
  const body = { name: 'k', role, ...(realm === undefined ? {} : { realm }) }
  const made = succeeded(await calls.control('POST /keys', body), 'key')
  return { id: textAt(made, 'id'), header: `Authorization: Bearer ${textAt(made, 'key')}` }
}

async function stats(by: string = CONTROL, query = ''): Promise<StatsJson> {
  // What is older than a second is read again.
  server.clock.advance(1_000)
  return jsonOf(succeeded(await calls.control(`GET /stats${query}`, undefined, by), 'stats')) as StatsJson
}

test('numbers of a realm come from the store, each with its window', async () => {
  const before = await stats()
  assert.equal(before.realm, 'default')
  const { access } = await calls.oauthGrant('alice')
  const target = { source: 'oauth', subject: 'bob' }
  await calls.control('POST /holds', { target, reason: 'r', seconds: 60, atDeadline: 'release' })
  await calls.control('POST /approvals', { target, reason: 'r' })
  const at = new Date(server.clock.wallMs() + 60_000).toISOString()
  await calls.control('POST /revocations/scheduled', { target, reason: 'r', at })
  succeeded(await calls.control('POST /revocations', { target: { token: access }, reason: 'r' }), 'revoke')
  const { cluster, at: readAt } = await stats()
  assert.equal(Date.parse(readAt), server.clock.wallMs())
  assert.deepEqual([cluster.holds.open, cluster.approvals.open, cluster.schedules.open], [1, 1, 1])
  assert.deepEqual(
    cluster.revocations.map(({ windowSeconds, rules, complete }) => [windowSeconds, rules, complete]),
    [60, 3_600, 86_400].map((seconds, nth) => [
      seconds,
      (before.cluster.revocations[nth]?.rules ?? 0) + 1,
      true,
    ]),
  )
  for (const { windowSeconds, since } of cluster.revocations)
    assert.ok(Date.parse(readAt) - Date.parse(since) >= windowSeconds * 1_000)
  assert.ok(cluster.log.seq > before.cluster.log.seq)
  assert.equal(cluster.verifiers.registered, 1)
})

test('live tokens are counted by source, at most once a minute', async () => {
  const before = await stats()
  await calls.oauthToken(SVC)
  assert.equal((await stats()).cluster.tokens.live, before.cluster.tokens.live)
  server.clock.advance(60_000)
  let { tokens } = (await stats()).cluster
  // The answer before does not wait for the count.
  while (tokens.live === before.cluster.tokens.live) tokens = (await stats()).cluster.tokens
  assert.ok(tokens.live > 0 && tokens.complete)
  assert.ok(tokens.sources.some(({ source, live }) => source === 'oauth' && live > 0))
})

test('the numbers of an answer are at most a second old, and are read once for all who ask meanwhile', async () => {
  const first = await stats()
  await calls.control('POST /revocations', { target: { source: 'oauth', subject: 'carol' }, reason: 'r' })
  const again = jsonOf(await calls.control('GET /stats')) as StatsJson
  assert.deepEqual(again.cluster, first.cluster)
  assert.ok((await stats()).cluster.log.seq > first.cluster.log.seq)
})

test('the node is labelled, and its requests are those of the last whole seconds', async () => {
  await calls.introspect(GATEWAY, 'none')
  await calls.introspect(GATEWAY, 'none')
  const { node } = await stats()
  assert.ok(node !== undefined && node.windowSeconds > 0)
  const introspect = node.requests.find(({ class: name }) => name === 'introspect')
  assert.equal(introspect?.perSecond, Math.round((2 / node.windowSeconds) * 1_000) / 1_000)
  assert.ok(node.requests.some(({ class: name }) => name === 'control'))
})

test("a realm's key sees its realm only, and nothing of the node", async () => {
  const own = await keyOf('viewer', 'branch')
  const { realm, cluster, node } = await stats(own.header)
  assert.deepEqual([realm, node, cluster.approvals.open], ['branch', undefined, 0])
  assert.equal((await calls.control('GET /stats?realm=default', undefined, own.header)).status, 404)
  assert.equal((await stats(CONTROL, '?realm=branch')).realm, 'branch')
})

test('a stream begins with the numbers and ends with its key', async () => {
  const { id, header } = await keyOf('viewer')
  const [, value = ''] = header.split(': ')
  const answer = await fetch(`${server.url}/control/v1/stats/events`, { headers: { authorization: value } })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = (await reader?.read())?.value ?? ''
  assert.match(first, /^event: stats\ndata: \{"at":/)
  assert.equal((await calls.control(`DELETE /keys/${id}`)).status, 204)
  let rest = ''
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) rest += part.value
  assert.match(rest, /event: end\ndata: \{"why":"key"\}/)
})

test('a key has few streams of this kind at a time', async () => {
  const { header } = await keyOf('viewer')
  const [, authorization = ''] = header.split(': ')
  const away = new AbortController()
  const statuses: number[] = []
  for (let nth = 0; nth < 11; nth += 1) {
    const options = { headers: { authorization }, signal: away.signal }
    statuses.push((await fetch(`${server.url}/control/v1/stats/events`, options)).status)
  }
  assert.deepEqual(statuses, [...new Array<number>(10).fill(200), 429])
  away.abort()
})

test('an outage of the store is 503, and is not remembered', async () => {
  server.clock.advance(1_000)
  server.power.mode = 'down'
  assert.equal((await calls.control('GET /stats')).status, 503)
  server.power.mode = 'up'
  assert.equal((await calls.control('GET /stats')).status, 200)
})
