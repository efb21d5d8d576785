import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METRICS } from '../../server/machine/metric-table.ts'
import { CONTROL, succeeded } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { GATEWAY } from '../kit/seed.ts'

const { calls } = await openForFile({ time: 'real' })

async function scraped(): Promise<ReadonlyMap<string, number>> {
  const answer = succeeded(await calls.send('GET /metrics', [CONTROL]), 'scrape')
  const lines = answer.body.toString().split('\n')
  return new Map(
    lines.flatMap((line) => {
      const found = /^(rescind_\S+) (\S+)$/.exec(line)
      return found === null ? [] : [[found[1] ?? '', Number(found[2])] as const]
    }),
  )
}

test('a scrape has every metric of the table, and no other of ours', async () => {
  // Counters with labels have no series before their first event.
  await calls.introspect(GATEWAY, 'none')
  assert.equal((await calls.control('GET /keys', undefined, 'Authorization: Bearer none')).status, 401)
  const names = [...(await scraped()).keys()].map((series) =>
    series.replace(/\{.*/, '').replace(/_(?:bucket|sum|count)$/, ''),
  )
  const named = new Set(names)
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !named.has(name)),
    [],
  )
  for (const name of named) assert.ok(Object.hasOwn(METRICS, name), name)
})

test('latencies are those of route templates, on the fast path, too', async () => {
  const { access } = await calls.oauthGrant('alice')
  await calls.introspect(GATEWAY, access)
  await calls.control('GET /keys/first')
  const metrics = await scraped()
  for (const route of ['/api/id/v1/auth/token/introspect', '/control/v1/keys/{keyId}']) {
    const series = (part: string, le = ''): number =>
      metrics.get(`rescind_answer_seconds_${part}{route="${route}"${le}}`) ?? -1
    assert.ok(series('count') >= 1, route)
    assert.equal(series('bucket', ',le="+Inf"'), series('count'))
    assert.ok(series('sum') > 0 && series('sum') < 10)
  }
  for (const series of metrics.keys())
    assert.ok(!series.includes('alice') && !series.includes('first'), series)
})

test('commits are timed, and their groups counted', async () => {
  const before = await scraped()
  await calls.oauthGrant('bob')
  const after = await scraped()
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  assert.ok(grown('rescind_commit_seconds_count') >= 1)
  assert.equal(grown('rescind_commit_seconds_count'), grown('rescind_group_writes_count'))
  assert.ok(grown('rescind_group_writes_sum') >= grown('rescind_group_writes_count'))
})

test('holds and requests for approval that are open are counted', async () => {
  succeeded(await calls.control('GET /holds'), 'holds')
  const metrics = await scraped()
  assert.deepEqual([metrics.get('rescind_holds_open'), metrics.get('rescind_approvals_open')], [0, 0])
})
