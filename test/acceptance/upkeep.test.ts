import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { EXPIRING_KINDS, type Store, type Write } from '@rescind/authority'
import { LAST_INSTANT_MS, realmOrdinal } from '@rescind/core'
import { METRICS } from '../../server/machine/metric-table.ts'
import { Calls, memberAt, textAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SEED } from '../kit/seed.ts'
import { CONTROL_KEY } from '../kit/server.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const [DEFAULT] = SEED.realms as readonly object[]
const REALMS = { realms: [DEFAULT, { ...DEFAULT, name: 'zed', verifiers: [] }] }

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

  async made(line: string, body: unknown): Promise<string> {
    const answer = await this.calls.json(line, body)
    assert.equal(answer.status, 201, answer.body.toString())
    return textAt(answer, 'id')
  }

  async stateOf(path: string): Promise<unknown> {
    return memberAt(await this.calls.control(`GET /${path}?realm=zed`), 'state')
  }

  at(inMs: number): string {
    return new Date(this.server.clock.wallMs() + inMs).toISOString()
  }

  async pass(ms: number): Promise<void> {
    this.server.clock.advance(ms)
    await this.server.maintenance.tick()
  }
}

type Start = {
  readonly flags?: readonly string[]
  readonly rolledBack?: readonly string[]
  readonly stored?: readonly Write[]
}

async function open(
  t: TestContext,
  { flags = [], rolledBack = [], stored = [] }: Start = {},
): Promise<World> {
  const prepare = async (store: Store): Promise<void> => {
    await store.commit({ writes: [...rolledBack.map(forkOf), ...stored], floorMs: await store.floor() })
  }
  return new World(t, await openServer({ time: 'hand', seed: REALMS, flags, prepare }))
}

/** An entry in the store of a server that has seen proof that this realm's log was rolled back. */
function forkOf(id: string): Write {
  const value = Buffer.from(JSON.stringify({ ordinal: 1, epochId: 'e', seq: 9_999, chain: 'c' }))
  const entry = { kind: EXPIRING_KINDS.fork, id, value, expiresAtMs: LAST_INSTANT_MS }
  const realm = realmOrdinal(0)
  return { realm, dependsOn: [], expects: [], operations: [{ kind: 'put-expiring', entry }] }
}

const ZOE = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'zoe' } }
const SUBJECT = { target: { subject: 'ann', source: 'oauth' } }

// Upkeep work goes through all realms; one must not stop it for the others. Covers every part of it, tokens and
// expiring entries.
test('[W93] a realm whose log was rolled back delays no other realm', async (t) => {
  const world = await open(t, { rolledBack: ['default'] })
  const { server } = world
  const zed = realmOrdinal(2)
  const token = await world.calls.control('POST /grants?realm=zed', { clientId: 'svc', subject: 'ann' })
  assert.equal(token.status, 201)
  const hold = await world.made('POST /control/v1/holds?realm=zed', {
    ...{ ...SUBJECT, reason: 'r', seconds: 30, atDeadline: 'revoke' },
  })
  const schedule = await world.made('POST /control/v1/revocations/scheduled?realm=zed', {
    ...{ ...SUBJECT, reason: 'r', at: world.at(30_000) },
  })
  await world.pass(MINUTE_MS)
  assert.equal(await world.stateOf(`holds/${hold}`), 'revoked')
  assert.equal(await world.stateOf(`revocations/scheduled/${schedule}`), 'done')
  const checkpoint = await server.store.expiring(zed, { kind: EXPIRING_KINDS.logCheckpoint, id: 'head' })
  assert.ok(checkpoint !== undefined, 'its checkpoint is written')
  const keyIds = async (): Promise<string> =>
    (await world.calls.send('GET /realms/zed/api/id/v1/jwks')).body.toString()
  const before = await keyIds()
  // By now the issued tokens have ended, and the keys are due for rotation.
  await world.pass(100 * DAY_MS)
  for (let round = 0; round < 120; round += 1) await world.pass(30_000)
  assert.equal((await server.store.expiredTokens(server.clock.wallMs(), 100)).length, 0, 'collected')
  assert.notEqual(await keyIds(), before, 'its keys were rotated')
})

test('[W93] [W40] /readyz names the realm and what to do; in strict mode it is 503', async (t) => {
  for (const [flags, status] of [
    [['--metrics-open'], 200],
    [['--metrics-open', '--ready-strict'], 503],
  ] as const) {
    const world = await open(t, { flags, rolledBack: ['zed', 'system'] })
    await world.pass(MINUTE_MS)
    const ready = await world.calls.send('GET /readyz')
    assert.equal(ready.status, status)
    const troubles = memberAt(ready, 'troubles') as { code: string; realm: string; detail: string }[]
    assert.equal(memberAt(ready, 'status'), 'degraded')
    assert.deepEqual(
      troubles.map(({ code, realm }) => [code, realm]),
      [
        ['log_rolled_back', 'system'],
        ['log_rolled_back', 'zed'],
      ],
    )
    for (const { detail } of troubles) assert.match(detail, /rescind epoch new/)
    const metrics = (await world.calls.json('GET /metrics')).body.toString()
    assert.match(metrics, /^rescind_troubles\{code="log_rolled_back"\} 2$/m)
    assert.match(metrics, /^rescind_troubles\{code="clock_stepped"\} 0$/m)
  }
})

test('/metrics names every metric of the table with its type, and none of ours beside them', async (t) => {
  const world = await open(t)
  const text = (await world.calls.json('GET /metrics')).body.toString()
  const named = [...text.matchAll(/^# TYPE (rescind_\w+) (\w+)$/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  assert.deepEqual(
    named.sort(),
    Object.entries(METRICS)
      .map(([name, { type }]) => `${name} ${type}`)
      .sort(),
  )
})

test('[W93] a server without troubles says only that it is ready', async (t) => {
  const world = await open(t)
  await world.pass(MINUTE_MS)
  const ready = await world.calls.send('GET /readyz')
  assert.deepEqual([ready.status, ready.body.toString()], [200, '{"status":"ready"}'])
})

test('[W64] of 300 concurrent schedules on top of 999 open ones, one is accepted', async (t) => {
  const body = JSON.stringify({
    ...{ targets: [ZOE], reason: 'r', by: 'control:first', askedAtMs: 0, dueAtMs: LAST_INSTANT_MS },
  })
  const operations = Array.from({ length: 999 }, (_, nth) => {
    const record = { collection: 'schedules', id: `sch_${nth}`, fromVersion: 0, body, keys: [] }
    return { kind: 'put-record', record } as const
  })
  const stored = { realm: realmOrdinal(1), dependsOn: [], expects: [], operations }
  const world = await open(t, { stored: [stored] })
  const ask = async (realm: string): Promise<number> => {
    const answer = await fetch(`${world.server.url}/control/v1/revocations/scheduled?realm=${realm}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...SUBJECT, reason: 'r', at: world.at(MINUTE_MS) }),
    })
    return answer.status
  }
  const statuses = await Promise.all(Array.from({ length: 300 }, () => ask('default')))
  assert.deepEqual(
    [201, 409].map((status) => statuses.filter((one) => one === status).length),
    [1, 299],
  )
  assert.equal(await ask('zed'), 201, 'another realm has places of its own')
})

// Timed acts while the wall clock cannot be trusted. Covers both directions, and small and large steps.
test('[W71] after a wall clock step, timed revocations use the monotonic clock, and no token comes back', async (t) => {
  for (const stepMs of [-90_000, -DAY_MS, 90_000, DAY_MS]) {
    const world = await open(t)
    const { clock } = world.server
    const held = { ...SUBJECT, reason: 'r', seconds: 600 }
    const revoking = await world.made('POST /control/v1/holds?realm=zed', { ...held, atDeadline: 'revoke' })
    const releasing = await world.made('POST /control/v1/holds?realm=zed', { ...held, atDeadline: 'release' })
    const schedule = await world.made('POST /control/v1/revocations/scheduled?realm=zed', {
      ...{ ...SUBJECT, reason: 'r', at: world.at(600_000) },
    })
    const states = async (): Promise<unknown[]> => {
      const seen = []
      for (const path of [`holds/${revoking}`, `holds/${releasing}`, `revocations/scheduled/${schedule}`])
        seen.push(await world.stateOf(path))
      return seen
    }
    clock.step(stepMs)
    await world.pass(599_999)
    assert.deepEqual(await states(), ['held', 'held', 'waiting'], `${stepMs}: not early by a wrong clock`)
    await world.pass(1)
    assert.deepEqual(await states(), ['revoked', 'held', 'done'], `${stepMs}`)
    const checkpoint = { kind: EXPIRING_KINDS.logCheckpoint, id: 'head' }
    assert.ok(await world.server.store.expiring(realmOrdinal(2), checkpoint), 'checkpoints go on')
    const ready = await world.calls.send('GET /readyz')
    const [trouble] = memberAt(ready, 'troubles') as { code: string; detail: string }[]
    assert.equal(trouble?.code, 'clock_stepped')
    assert.match(trouble?.detail ?? '', new RegExp(`moved ${stepMs / 1_000} s .*clock/confirm`))
    const metrics = (await world.calls.json('GET /metrics')).body.toString()
    assert.match(metrics, /^rescind_troubles\{code="clock_stepped"\} 1$/m)
    assert.match(metrics, new RegExp(`^rescind_clock_drift_seconds ${stepMs / 1_000}$`, 'm'))
    assert.equal((await world.calls.control('POST /clock/confirm')).status, 200)
    await world.pass(DAY_MS)
    assert.deepEqual(await states(), ['revoked', 'released', 'done'])
    assert.equal(memberAt(await world.calls.send('GET /readyz'), 'status'), 'ready')
  }
})

test('[W71] a clock behind an earlier time raises an alarm, and timed revocations happen in time', async (t) => {
  const world = await open(t)
  const { clock } = world.server
  clock.step(DAY_MS)
  // An operator confirms a wrong clock, and sets it right later.
  assert.equal((await world.calls.control('POST /clock/confirm')).status, 200)
  clock.step(-DAY_MS)
  assert.equal((await world.calls.control('POST /clock/confirm')).status, 200)
  const schedule = await world.made('POST /control/v1/revocations/scheduled?realm=zed', {
    ...{ ...SUBJECT, reason: 'r', at: world.at(DAY_MS + 600_000) },
  })
  await world.pass(600_000)
  assert.equal(
    await world.stateOf(`revocations/scheduled/${schedule}`),
    'done',
    'ten minutes above the floor',
  )
  const [trouble] = memberAt(await world.calls.send('GET /readyz'), 'troubles') as { code: string }[]
  assert.equal(trouble?.code, 'clock_behind')
})

test('[W72] readiness checks reach the disk once a second, however many there are', async (t) => {
  const world = await open(t)
  const { clock, power } = world.server
  clock.advance(1_000)
  const before = power.flushes
  const ask = (): Promise<Response[]> =>
    Promise.all(Array.from({ length: 50 }, () => fetch(`${world.server.url}/readyz`)))
  for (const { status } of await ask()) assert.equal(status, 200)
  clock.advance(999)
  await ask()
  assert.equal(power.flushes, before + 1)
  clock.advance(1)
  await ask()
  assert.equal(power.flushes, before + 2)
  // A failed store is not tried more often, and is not reported ready from earlier knowledge.
  power.mode = 'down'
  clock.advance(1_000)
  for (const { status } of await ask()) assert.equal(status, 503)
  power.mode = 'up'
  for (const { status } of await ask()) assert.equal(status, 503)
  assert.equal(power.flushes, before + 2)
  clock.advance(1_000)
  for (const { status } of await ask()) assert.equal(status, 200)
})
