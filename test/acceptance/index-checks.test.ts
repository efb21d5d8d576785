import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import type { LogRow } from '@rescind/core/log'
import { Calls, CONTROL, memberAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SEED } from '../kit/seed.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const [DEFAULT] = SEED.realms as readonly object[]
const REALMS = { realms: [DEFAULT, { ...DEFAULT, name: 'zed', verifiers: [] }] }
const ZED = realmOrdinal(2)

class World {
  readonly server: TestServer
  readonly calls: Calls

  constructor(t: TestContext, server: TestServer) {
    this.server = server
    this.calls = new Calls(server.port)
    t.after(async () => {
      this.calls.close()
      await server.close()
    })
  }

  async revoke(realm: string, session: string): Promise<void> {
    const body = { target: { source: 'oauth', session }, reason: 'r' }
    const answer = await this.calls.control(`POST /revocations?realm=${realm}`, body)
    assert.equal(answer.status, 201, answer.body.toString())
  }

  async check(inMs: number): Promise<void> {
    this.server.clock.advance(inMs)
    await this.server.maintenance.checkIndexes()
  }

  async metric(name: string): Promise<number> {
    const text = (await this.calls.send('GET /metrics', [CONTROL])).body.toString()
    const line = text.split('\n').find((one) => one.startsWith(`${name} `))
    assert.ok(line !== undefined, name)
    return Number(line.slice(name.length))
  }

  async troubles(): Promise<readonly { code: string; realm?: string; detail: string }[]> {
    const ready = await this.calls.send('GET /readyz')
    if (memberAt(ready, 'status') === 'ready') return []
    return memberAt(ready, 'troubles') as { code: string; realm?: string; detail: string }[]
  }

  /** From now on the server reads this realm's log as `change` alters it. */
  readAs(change: (row: LogRow) => LogRow | undefined): void {
    const { store } = this.server
    const rowsAfter = store.rowsAfter.bind(store)
    store.rowsAfter = async (realm, after, limit) => {
      const rows = await rowsAfter(realm, after, limit)
      return realm === ZED ? rows.flatMap((row) => change(row) ?? []) : rows
    }
  }
}

async function open(t: TestContext): Promise<World> {
  const world = new World(t, await openServer({ time: 'hand', seed: REALMS }))
  await world.revoke('default', 'one')
  await world.revoke('zed', 'one')
  await world.revoke('zed', 'other')
  return world
}

const DIFFERENCES = ['missing', 'short', 'unexplained'].map(
  (what) => `rescind_index_differences{what="${what}"}`,
)

// Wrong state in memory that would otherwise go unnoticed.
test('[W83] [F20] /metrics and /readyz name the realm whose index differs from its log, and what to do', async (t) => {
  const world = await open(t)
  let isWrong = true
  world.readAs((row) => {
    const rule = Buffer.from(row.rule)
    // Changes the session's name in the log only.
    const at = rule.indexOf('other')
    if (isWrong && at >= 0) rule.write('ether', at)
    return { ...row, rule }
  })
  await world.check(HOUR_MS)
  const values: number[] = []
  for (const name of DIFFERENCES) values.push(await world.metric(name))
  assert.deepEqual(values, [1, 0, 1])
  const [trouble, ...more] = await world.troubles()
  assert.deepEqual([trouble?.code, trouble?.realm, more], ['index_differs', 'zed', []])
  assert.match(trouble?.detail ?? '', /missing 1, short 0, unexplained 1.*restart the server/)
  assert.equal(await world.metric('rescind_troubles{code="index_differs"}'), 1)
  isWrong = false
  await world.check(DAY_MS)
  assert.deepEqual(await world.troubles(), [])
})

test('[W83] each realm is checked an hour after the start and once a day, and none finds anything', async (t) => {
  const world = await open(t)
  const counts: number[] = []
  for (const ms of [0, HOUR_MS, HOUR_MS, 22 * HOUR_MS, HOUR_MS]) {
    await world.check(ms)
    counts.push(await world.metric('rescind_index_checks_total'))
  }
  // The realms default, system and zed.
  assert.deepEqual(counts, [0, 3, 3, 3, 6])
  for (const name of [...DIFFERENCES, 'rescind_index_removed_early_total'])
    assert.equal(await world.metric(name), 0)
  assert.deepEqual(await world.troubles(), [])
})

test('[W83] a realm whose log cannot be folded again is reported, and delays no other realm', async (t) => {
  const world = await open(t)
  world.readAs((row) => (row.seq === 1 ? undefined : row))
  await world.check(HOUR_MS)
  assert.equal(await world.metric('rescind_index_checks_total'), 2)
  const [trouble] = await world.troubles()
  assert.deepEqual([trouble?.code, trouble?.realm], ['upkeep_waits', 'zed'])
  assert.match(trouble?.detail ?? '', /index-check: row 1 is missing/)
})
