import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { RunningServer } from '@rescind/server'
import { START_MS } from '../kit/realm.ts'
import { CHAT } from '../kit/seed.ts'
import { CONTROL_KEY, makeHome } from '../kit/server.ts'
import { accessTokenIn, Calls, chatTokenIn, identityTokenIn, isActive, textAt } from './kit/calls.ts'
import { startLocally } from './kit/local-server.ts'
import type { HttpAnswer } from './kit/plain-http.ts'
import { StepClock } from './kit/step-clock.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600 * SECOND_MS
const DAY_MS = 24 * HOUR_MS
const TEN_MINUTES_MS = 600_000
const OAUTH_LIFE_MS = HOUR_MS
const IDENTITY_LIFE_MS = DAY_MS
const CHAT_LIFE_MS = 7 * DAY_MS

/** A store whose server is started repeatedly, each time with the test's clock. */
class Timeline {
  readonly #home = makeHome()
  #server: RunningServer | undefined
  #calls: Calls | undefined
  clock: StepClock = new StepClock(START_MS)

  constructor(t: TestContext) {
    t.after(async () => {
      await this.stop()
      this.#home.remove()
    })
  }

  get calls(): Calls {
    assert.ok(this.#calls !== undefined)
    return this.#calls
  }

  async start(): Promise<void> {
    this.#server = await startLocally({ home: this.#home, clock: this.clock })
    this.#calls = new Calls(this.#server.url)
  }

  async stop(): Promise<void> {
    this.#calls?.close()
    await this.#server?.close()
    this.#server = undefined
    this.#calls = undefined
  }

  /**
   * Stops the server for this long by the wall clock, which may have been set meanwhile; the monotonic clock restarts.
   */
  async restart(offMs: number): Promise<void> {
    await this.stop()
    this.clock = new StepClock(this.clock.wallMs() + offMs)
    await this.start()
  }

  async tick(): Promise<void> {
    await this.#server?.maintenance.tick()
  }

  /** Token records in the store, in any state. */
  records(): number {
    return this.#number('SELECT count(*) AS value FROM token')
  }

  floorMs(): number {
    return this.#number("SELECT value FROM meta WHERE name = 'floor'")
  }

  #number(sql: string): number {
    const db = new DatabaseSync(join(this.#home.folder, 'data', 'rescind.db'), { readOnly: true })
    const row = db.prepare(sql).get()
    db.close()
    return Number(row?.['value'])
  }
}

async function timeline(t: TestContext): Promise<Timeline> {
  const line = new Timeline(t)
  await line.start()
  return line
}

async function isLive({ calls }: Timeline, token: string): Promise<boolean> {
  return isActive(await calls.introspectAsGateway(token))
}

function confirmClock({ calls }: Timeline): Promise<HttpAnswer> {
  const headers = { authorization: `Bearer ${CONTROL_KEY}` }
  return calls.ask({ method: 'POST', path: '/control/v1/clock/confirm', headers })
}

test('what expired while the server was off is collected once its clock has run for an hour', async (t) => {
  const line = await timeline(t)
  const token = accessTokenIn(await line.calls.oauthIssue())
  assert.equal(line.records(), 1)
  await line.restart(2 * DAY_MS)
  await line.tick()
  assert.equal(await isLive(line, token), false)
  assert.deepEqual([line.records(), line.floorMs()], [1, START_MS])
  line.clock.run(HOUR_MS - 1)
  await line.tick()
  assert.deepEqual([line.records(), line.floorMs()], [1, START_MS + HOUR_MS - 1])
  line.clock.run(1)
  await line.tick()
  assert.deepEqual([line.records(), line.floorMs()], [0, START_MS + 2 * DAY_MS + HOUR_MS])
  assert.equal(await isLive(line, token), false)
})

test('tokens are collected ten minutes after their expiry is at the floor, and not a millisecond before', async (t) => {
  const line = await timeline(t)
  for (let count = 0; count < 450; count += 1) await line.calls.oauthIssue()
  line.clock.run(OAUTH_LIFE_MS + TEN_MINUTES_MS - 1)
  await line.tick()
  assert.equal(line.records(), 450)
  line.clock.run(1)
  await line.tick()
  assert.equal(line.records(), 0)
})

test('a wall clock that jumps collects nothing until an operator confirms it, durably', async (t) => {
  const line = await timeline(t)
  const token = accessTokenIn(await line.calls.oauthIssue())
  line.clock.step(2 * DAY_MS)
  for (let round = 0; round < 3; round += 1) {
    line.clock.run(HOUR_MS)
    await line.tick()
    assert.deepEqual([line.records(), line.floorMs()], [1, START_MS])
  }
  const confirmed = await confirmClock(line)
  const nowMs = START_MS + 2 * DAY_MS + 3 * HOUR_MS
  assert.deepEqual([confirmed.status, Date.parse(textAt(confirmed, 'floor'))], [200, nowMs])
  assert.equal(line.floorMs(), nowMs, 'the floor that was answered is on disk')
  await line.tick()
  assert.equal(line.records(), 0)
  // The clock was wrong after all, but the confirmation stays.
  line.clock.step(-2 * DAY_MS)
  assert.equal(await isLive(line, token), false)
  await line.restart(0)
  assert.equal(await isLive(line, token), false)
})

test('[A02] [CAT-H11] a revoked token stays refused around its expiry, collected, a day back, and restarted', async (t) => {
  const line = await timeline(t)
  const issue = async (): Promise<readonly [token: string, lifeMs: number][]> => [
    [accessTokenIn(await line.calls.oauthIssue()), OAUTH_LIFE_MS],
    [identityTokenIn(await line.calls.identityLogin()), IDENTITY_LIFE_MS],
    [chatTokenIn(await line.calls.chatIssue('c1')), CHAT_LIFE_MS],
  ]
  const [revoked, untouched] = [await issue(), await issue()]
  const caller = identityTokenIn(await line.calls.identityLogin())
  const [oauth = '', identity = '', chat = ''] = revoked.map(([token]) => token)
  assert.equal((await line.calls.oauthRevoke(oauth)).status, 200)
  assert.equal((await line.calls.identityRevoke(caller, identity)).status, 204)
  assert.equal((await line.calls.chatRevoke('c1', chat)).status, 200)
  const allRefused = async (when: string): Promise<void> => {
    for (const [token] of revoked) assert.equal(await isLive(line, token), false, when)
    assert.equal((await line.calls.chatMe(chat)).status, 401, when)
    assert.equal(isActive(await line.calls.introspect(oauth)), false, when)
  }
  let ranMs = 0
  for (const [at, [, lifeMs]] of revoked.entries()) {
    for (const offsetMs of [-SECOND_MS, 0, SECOND_MS]) {
      line.clock.run(lifeMs + offsetMs - ranMs)
      ranMs = lifeMs + offsetMs
      await line.tick()
      await allRefused(`${offsetMs} ms after the expiry of ${at}`)
      const other = untouched[at]?.[0] ?? ''
      assert.equal(
        await isLive(line, other),
        offsetMs < 0,
        'a token that was not revoked lives exactly until then',
      )
    }
  }
  line.clock.run(TEN_MINUTES_MS)
  await line.tick()
  await allRefused('ten minutes later')
  assert.equal(line.records(), 0, 'all were collected')
  const nobodyLives = async (when: string): Promise<void> => {
    await allRefused(when)
    for (const [token] of untouched) assert.equal(await isLive(line, token), false, when)
  }
  line.clock.step(-DAY_MS)
  await line.tick()
  await nobodyLives('a day back')
  for (const offMs of [0, -DAY_MS, -20 * DAY_MS]) {
    await line.restart(offMs)
    await nobodyLives(`restarted, ${offMs} ms`)
    await line.tick()
    await nobodyLives('and ticked')
  }
  const fresh = accessTokenIn(await line.calls.oauthIssue())
  assert.equal(await isLive(line, fresh), true, 'what is issued by a clock that is behind the floor lives')
})

test('[A08] assigned text that was revoked is never bound again, collected or restarted', async (t) => {
  const line = await timeline(t)
  const texts = { one: 'assigned-one', all: 'assigned-all', expired: 'assigned-expired' }
  for (const [client, text] of [
    ['c1', texts.one],
    ['c2', texts.all],
    ['c3', texts.expired],
  ] as const) {
    await line.calls.chatIssue(client)
    assert.equal((await line.calls.chatBind(client, text)).status, 200)
  }
  assert.equal((await line.calls.chatRevoke('c1', texts.one)).status, 200)
  assert.equal((await line.calls.chatRevokeAll('c2')).status, 200)
  const bindings = async (when: string): Promise<void> => {
    for (const client of ['c1', 'c2', 'c3']) {
      assert.equal((await line.calls.chatBind(client, texts.one)).status, 409, when)
      assert.equal((await line.calls.chatBind(client, texts.all)).status, 409, when)
    }
  }
  await bindings('at once')
  line.clock.run(CHAT_LIFE_MS)
  await bindings('at its expiry, before it is collected')
  line.clock.run(TEN_MINUTES_MS)
  await line.tick()
  assert.equal(line.records(), 0)
  await bindings('collected')
  assert.equal(
    (await line.calls.chatBind('c1', texts.expired)).status,
    200,
    'text that merely ran out may return',
  )
  await line.restart(-DAY_MS)
  await bindings('restarted, a day back')
  await line.restart(400 * DAY_MS)
  line.clock.run(HOUR_MS)
  await line.tick()
  await bindings('collected again, more than a year later')
  const headers = { 'im-api-key': CHAT.apiKey }
  const value = { _id: 'c9', token: texts.one }
  const created = await line.calls.json({ method: 'POST', path: '/admin/clients', headers, value })
  assert.equal(created.status, 409)
})
