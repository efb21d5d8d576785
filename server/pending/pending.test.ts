import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BEYOND_LOGS,
  callerFacts,
  issueTokens,
  RawToken,
  type Realm,
  Realms,
  rowsOf,
  type Target,
  type TokenFacts,
} from '@rescind/core'
import { MASTER, openWorld, SeededRandom, START_MS, type World } from '../../test/kit/realm.ts'
import { Deadlines, type DueTime } from './deadlines.ts'
import { endHold, HOLDS, type HoldValue, holdRules } from './holds.ts'
import { OPEN_MAX } from './pending.ts'
import { SCHEDULES, type ScheduleValue } from './schedules.ts'
import { watchedKinds } from './watched.ts'

const DAY_MS = 86_400_000
const KEPT_MS = 400 * DAY_MS
const AUDIT = { by: 'control:ops', from: 'local', how: 'test' }

function subject(name: string, source = 'oauth'): Target {
  return { kind: 'cut', shape: 'subject', principals: { source, subject: name } }
}

async function issue(realm: Realm, text: string): Promise<string> {
  const basis = realm.basis()
  const facts = callerFacts({ source: 'control', client: 'ops' }, basis)
  const caller = { id: 'control:ops', from: 'local', standing: { realm: realm.ordinal, facts } }
  const raw = rawOf(text)
  const token = {
    raw,
    kind: 'access',
    source: 'oauth',
    subject: 'ann',
    expiresAtMs: realm.nowMs() + DAY_MS,
  } as const
  return (await issueTokens(realm, { basis, caller, tokens: [token] })).kind
}

function rawOf(text: string): RawToken {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined)
  return raw
}

async function say(realm: Realm, text: string): Promise<string> {
  const { verdict } = await realm.find(rawOf(text))
  return verdict.kind === 'active' ? 'active' : verdict.why
}

type Wish = {
  readonly targets?: readonly Target[]
  readonly inMs?: number
  readonly atDeadline?: 'release' | 'revoke'
}

async function hold(realm: Realm, { targets, inMs = 1_000, atDeadline = 'release' }: Wish): Promise<string> {
  const id = HOLDS.mintId(realm)
  const placedAtMs = realm.nowMs()
  const named = targets ?? [subject('ann')]
  const value: HoldValue = {
    targets: named,
    reason: 'r',
    by: AUDIT.by,
    placedAtMs,
    dueAtMs: placedAtMs + inMs,
    atDeadline,
  }
  const operations = [
    ...HOLDS.put(realm, { id, value, audit: AUDIT }),
    ...rowsOf(realm, holdRules(id, value), AUDIT),
  ]
  const outcome = await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
  return id
}

async function schedule(realm: Realm, inMs: number): Promise<string> {
  const id = SCHEDULES.mintId(realm)
  const askedAtMs = realm.nowMs()
  const value: ScheduleValue = {
    targets: [subject('ann')],
    reason: 'r',
    by: AUDIT.by,
    askedAtMs,
    dueAtMs: askedAtMs + inMs,
  }
  const operations = SCHEDULES.put(realm, { id, value, audit: AUDIT })
  await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
  return id
}

async function stateOf(realm: Realm, id: string): Promise<string> {
  const found = await HOLDS.find(realm, id)
  return found.kind === 'ended' ? found.value.state : found.kind
}

type Rounds = { readonly round: (time?: DueTime) => Promise<number> }

/** A round over all realms, by a clock that everybody trusts unless it is said. */
function deadlines({ realms }: Pick<World, 'realms'>): Rounds {
  const made = new Deadlines(
    realms,
    watchedKinds(KEPT_MS, async () => undefined),
  )
  return {
    round: async (time) => {
      let done = 0
      for (const realm of realms.all())
        done += await made.round(realm, time ?? { endingMs: realm.nowMs(), otherMs: realm.nowMs() })
      return done
    },
  }
}

test('a hold becomes what was asked at its deadline, and not a millisecond earlier', async () => {
  for (const [atDeadline, state, verdict] of [
    ['release', 'released', 'active'],
    ['revoke', 'revoked', 'revoked'],
  ] as const) {
    const world = await openWorld()
    const { realm, clock } = world
    await issue(realm, 'token')
    const id = await hold(realm, { atDeadline })
    const watch = deadlines(world)
    assert.equal(await say(realm, 'token'), 'held')
    assert.equal(await issue(realm, 'another'), 'held')
    clock.advance(999)
    assert.equal(await watch.round(), 0)
    assert.equal(await say(realm, 'token'), 'held')
    clock.advance(1)
    // A reader's clock ends nothing: only the row does.
    assert.equal(await say(realm, 'token'), 'held')
    assert.equal(await watch.round(), 1)
    assert.equal(await say(realm, 'token'), verdict)
    assert.equal(await stateOf(realm, id), state)
    assert.equal(await issue(realm, 'afterwards'), 'issued')
    assert.equal(await say(realm, 'afterwards'), 'active')
    assert.equal(await watch.round(), 0)
  }
})

test('what is due is done once, by however many rounds at a time, and after a restart too', async () => {
  const { realms, realm, clock, store } = await openWorld()
  await issue(realm, 'token')
  await hold(realm, { atDeadline: 'revoke' })
  await schedule(realm, 1_000)
  clock.advance(5_000)
  const random = new SeededRandom('again')
  const again = await Realms.open({ store, clock, master: MASTER, random, defer: queueMicrotask })
  const before = again.default.index.seq
  const [one, other] = [deadlines({ realms: again }), deadlines({ realms: again })]
  await Promise.all([one.round(), other.round(), one.round()])
  // The hold: its end, its release, its revocation. The schedule: its end, its revocation.
  assert.equal(again.default.index.seq - before, 5)
  await Promise.all([one.round(), other.round()])
  assert.equal(again.default.index.seq - before, 5)
  assert.equal(await say(again.default, 'token'), 'revoked')
  void realms
})

test('a scheduled revocation ends what was issued until then, and nothing later', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  await schedule(realm, 1_000)
  const watch = deadlines(world)
  await issue(realm, 'before')
  clock.advance(1_000)
  await issue(realm, 'same millisecond')
  await watch.round()
  await issue(realm, 'after')
  assert.deepEqual(
    [await say(realm, 'before'), await say(realm, 'same millisecond'), await say(realm, 'after')],
    ['revoked', 'revoked', 'active'],
  )
})

test('lifting one hold leaves every other one over the same in force', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  await issue(realm, 'token')
  await hold(realm, { inMs: 1_000 })
  await hold(realm, { inMs: 9_000, targets: [subject('ann', 'identity'), subject('ann')] })
  const watch = deadlines(world)
  clock.advance(1_000)
  assert.equal(await watch.round(), 1)
  assert.equal(await say(realm, 'token'), 'held')
  clock.advance(8_000)
  assert.equal(await watch.round(), 1)
  assert.equal(await say(realm, 'token'), 'active')
  assert.equal(realm.index.holds.size, 0)
})

test('a hold that becomes a revocation keeps its own cut: a foreign sign-in since is not ended by it', async () => {
  const { realm, clock } = await openWorld()
  const source = 'iss:https://idp.example'
  const facts = (issuedAtMs: number): TokenFacts => ({
    source,
    subject: 'ann',
    ancestors: [],
    position: BEYOND_LOGS,
    issuedAtMs,
    expiresAtMs: START_MS + DAY_MS,
    foreign: { jti: String(issuedAtMs), skewMs: 60_000 },
  })
  const id = await hold(realm, { targets: [subject('ann', source)], atDeadline: 'revoke' })
  const [old, fresh] = [facts(START_MS), facts(START_MS + 600_000)]
  clock.advance(1_200_000)
  assert.deepEqual(
    [old, fresh].map((one) => realm.judge(one).kind),
    ['inactive', 'inactive'],
  )
  const found = await HOLDS.find(realm, id)
  assert.ok(found.kind === 'open')
  const end = { entry: found.entry, caller: undefined, how: 'test', keptMs: KEPT_MS } as const
  const ends = await Promise.all([
    endHold(realm, { ...end, to: 'revoked' }),
    endHold(realm, { ...end, to: 'released' }),
  ])
  assert.equal(ends.filter(Boolean).length, 1, 'two that end it at once: one does')
  if (ends[0])
    assert.deepEqual(
      [old, fresh].map((one) => realm.judge(one).kind),
      ['inactive', 'active'],
    )
})

test('how a hold ended can be read until the audit has expired', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  const id = await hold(realm, {})
  clock.advance(1_000)
  await deadlines(world).round()
  clock.advance(KEPT_MS - 1)
  assert.equal(await stateOf(realm, id), 'released')
  clock.advance(1)
  assert.equal(await stateOf(realm, id), 'none')
})

test('a realm is full at its bound, and not one before it', async () => {
  const { realm } = await openWorld()
  const ids: string[] = []
  while (ids.length < OPEN_MAX - 1) ids.push(await hold(realm, {}))
  assert.equal(await HOLDS.isFull(realm), false)
  await hold(realm, {})
  assert.equal(await HOLDS.isFull(realm), true)
})
