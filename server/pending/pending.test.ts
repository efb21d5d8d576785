import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Caller,
  callerFacts,
  issueTokens,
  putRecord,
  type Realm,
  Realms,
  rowsOf,
} from '@rescind/authority'
import { BEYOND_LOGS, type TokenFacts } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import { MASTER, openWorld, START_MS, type World } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { Deadlines, type DueTime } from '../upkeep/deadlines.ts'
import { watchedKinds } from '../upkeep/watched.ts'
import { endHold, extendHold, HOLDS, type HoldValue, holdRules } from './holds.ts'
import { isKeptRule } from './kept-rule.ts'
import { OPEN_MAX } from './pending.ts'
import { SCHEDULES, type ScheduleValue } from './schedules.ts'

const DAY_MS = 86_400_000
const KEPT_MS = 400 * DAY_MS
const AUDIT = { by: 'control:ops', from: 'local', how: 'test' }

function subject(name: string, source = 'oauth'): Target {
  return { kind: 'cut', shape: 'subject', principals: { source, subject: name } }
}

async function issue(realm: Realm, text: string): Promise<string> {
  const judgedAt = realm.position()
  const facts = callerFacts({ source: 'control', client: 'ops' }, judgedAt)
  const caller = { id: 'control:ops', from: 'local', dependency: { realm: realm.ordinal, facts } }
  const raw = rawOf(text)
  const token = {
    raw,
    kind: 'access',
    source: 'oauth',
    subject: 'ann',
    expiresAtMs: realm.nowMs() + DAY_MS,
  } as const
  return (await issueTokens(realm, { judgedAt, caller, tokens: [token] })).kind
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
  const slot = await HOLDS.freeSlot(realm, id)
  assert.ok(slot !== undefined)
  const operations = [
    ...HOLDS.put(realm, { id, value, slot, audit: AUDIT }),
    ...rowsOf(realm, holdRules(id, value), AUDIT),
  ]
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
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
  const slot = await SCHEDULES.freeSlot(realm, id)
  assert.ok(slot !== undefined)
  const operations = SCHEDULES.put(realm, { id, value, slot, audit: AUDIT })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  return id
}

async function stateOf(realm: Realm, id: string): Promise<string> {
  const found = await HOLDS.find(realm, id)
  return found.kind === 'ended' ? found.value.state : found.kind
}

type Rounds = { readonly round: (time?: DueTime) => Promise<number> }

/** A round over all realms, with a trusted clock unless the test says otherwise. */
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
    // A reader's clock ends no hold; only the row does.
    assert.equal(await say(realm, 'token'), 'held')
    assert.equal(await watch.round(), 1)
    assert.equal(await say(realm, 'token'), verdict)
    assert.equal(await stateOf(realm, id), state)
    assert.equal(await issue(realm, 'afterwards'), 'issued')
    assert.equal(await say(realm, 'afterwards'), 'active')
    assert.equal(await watch.round(), 0)
  }
})

test('[W56] a hold that was extended ends at its new deadline, and not at the old one', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  await issue(realm, 'token')
  const id = await hold(realm, { atDeadline: 'release' })
  const watch = deadlines(world)
  assert.equal(await watch.round(), 0)
  const found = await HOLDS.find(realm, id)
  assert.ok(found.kind === 'open')
  const { entry } = found
  const caller = { id: 'control:ops', from: 'local', dependency: dependencyAt(realm) }
  const extension = { entry, dueAtMs: realm.nowMs() + 2_000, caller, audit: AUDIT }
  assert.equal(await extendHold(realm, extension), true)
  assert.equal(await extendHold(realm, extension), false, 'by what stood there before')
  clock.advance(1_999)
  assert.equal(await watch.round(), 0)
  assert.equal(await say(realm, 'token'), 'held')
  clock.advance(1)
  assert.equal(await watch.round(), 1)
  assert.equal(await say(realm, 'token'), 'active')
  assert.equal(await stateOf(realm, id), 'released')
})

/** Gives an open hold another deadline, in so many milliseconds from now. */
async function movedTo(realm: Realm, id: string, inMs: number): Promise<void> {
  const found = await HOLDS.find(realm, id)
  assert.ok(found.kind === 'open')
  const caller = { id: 'control:ops', from: 'local', dependency: dependencyAt(realm) }
  const { entry } = found
  assert.equal(await extendHold(realm, { entry, dueAtMs: realm.nowMs() + inMs, caller, audit: AUDIT }), true)
}

function dependencyAt(realm: Realm): Caller['dependency'] {
  return { realm: realm.ordinal, facts: callerFacts({ source: 'control', client: 'ops' }, realm.position()) }
}

test('a due item is carried out once, even by concurrent rounds and after a restart', async () => {
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
  // The hold writes its end, its release and its revocation. The schedule writes its end and its revocation.
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

test('a hold that becomes a revocation keeps its own cutoff: a foreign sign-in since is not ended by it', async () => {
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

/** Records as written by builds that had no slots. */
async function placeless(realm: Realm, ids: readonly string[], inMs: number): Promise<void> {
  const askedAtMs = realm.nowMs()
  const value = {
    ...{ targets: [subject('ann')], reason: 'r', by: AUDIT.by },
    ...{ askedAtMs, dueAtMs: askedAtMs + inMs },
  }
  const { collection } = SCHEDULES
  const operations = ids.flatMap((id) => putRecord(realm, { collection, id, value, fromVersion: 0 }, AUDIT))
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

/** Writes them all in one write: one by one, each would scan all earlier ones. */
async function placed(realm: Realm, count: number): Promise<void> {
  const value = {
    ...{ targets: [subject('ann')], reason: 'r', by: AUDIT.by },
    ...{ askedAtMs: realm.nowMs(), dueAtMs: realm.nowMs() + DAY_MS },
  }
  const operations = numbered('sch_placed', count).flatMap((id, nth) =>
    SCHEDULES.put(realm, { id, value, slot: OPEN_MAX - 1 - nth, audit: AUDIT }),
  )
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, nth) => `${prefix}${String(nth).padStart(4, '0')}`)
}

/** The outcomes of so many simultaneous requests, each with a slot that was free when it looked. */
async function atOnce(realm: Realm, count: number): Promise<readonly string[]> {
  const value = {
    ...{ targets: [subject('ann')], reason: 'r', by: AUDIT.by },
    ...{ askedAtMs: 0, dueAtMs: realm.nowMs() + 1 },
  }
  return Promise.all(
    numbered('sch_at-once', count).map(async (id) => {
      const slot = await SCHEDULES.freeSlot(realm, id)
      if (slot === undefined) return 'full'
      const operations = SCHEDULES.put(realm, { id, value, slot, audit: AUDIT })
      return (await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })).kind
    }),
  )
}

// The kind: a bound that is checked before the commit. Neighbours: one slot left and none, slots of older builds,
// others' realms.
onBothStores(
  '[W64] of 300 simultaneous requests for the last slot one gets it, also beside records of an older build',
  async (store) => {
    const { realm, realms } = await openWorld(store)
    const other = await realms.create('other', AUDIT)
    // Half of each, as two builds leave them.
    await placeless(realm, numbered('sch_old', OPEN_MAX / 2), DAY_MS)
    await placed(realm, OPEN_MAX / 2 - 1)
    assert.equal((await atOnce(realm, 300)).filter((kind) => kind === 'applied').length, 1)
    assert.equal(await SCHEDULES.freeSlot(realm, 'an-id'), undefined)
    assert.ok((await atOnce(realm, 3)).every((kind) => kind === 'full'))
    assert.notEqual(await SCHEDULES.freeSlot(other, 'an-id'), undefined, 'another realm is unhurt')
    assert.notEqual(await HOLDS.freeSlot(realm, 'an-id'), undefined, 'and so is another kind')
  },
)

onBothStores('[W64] what is due is found by its time, among however many wait', async (store) => {
  const world = await openWorld(store)
  const { realm, clock } = world
  await placeless(realm, numbered('sch_a', OPEN_MAX + 135), DAY_MS)
  await placeless(realm, numbered('sch_z', 16), 1_000)
  const watch = deadlines(world)
  assert.equal(await watch.round(), 0)
  clock.advance(1_000)
  assert.equal(await watch.round(), 16)
  assert.equal(await watch.round(), 0)
  // An item that is placed and cancelled between two rounds is seen by its row.
  await placeless(realm, ['sch_zz'], 500)
  assert.equal(await watch.round(), 0)
  clock.advance(500)
  assert.equal(await watch.round(), 1)
})

test('[W64] a failing item delays no other due item, and is tried again', async () => {
  const world = await openWorld()
  const { realm, realms, clock } = world
  await placeless(realm, ['sch_1', 'sch_2', 'sch_3'], 1_000)
  clock.advance(1_000)
  const settled: string[] = []
  const kinds = watchedKinds(KEPT_MS, async () => undefined).map((kind) => ({
    ...kind,
    settle: async (_of: Realm, id: string) => {
      if (id === 'sch_1' && settled.length < 3) throw new TypeError('cannot be read')
      settled.push(id)
    },
  }))
  const watch = new Deadlines(realms, kinds)
  const time = { endingMs: realm.nowMs(), otherMs: realm.nowMs() }
  await assert.rejects(watch.round(realm, time), /schedules sch_1/)
  assert.deepEqual(settled, ['sch_2', 'sch_3'])
  await assert.rejects(watch.round(realm, time), /schedules sch_1/)
  assert.equal(await watch.round(realm, time), 3)
})

test('an item that is written while an older reading of it is on its way is read again', async () => {
  const world = await openWorld()
  const { realm, realms, clock } = world
  const id = await hold(realm, { inMs: 60_000 })
  let isFirst = true
  const kinds = watchedKinds(KEPT_MS, async () => undefined).map((kind) => ({
    ...kind,
    one: async (of: Realm, changed: string) => {
      const read = await kind.one(of, changed)
      if (changed === id && isFirst) {
        isFirst = false
        await movedTo(realm, id, 1_000)
      }
      return read
    },
  }))
  const watch = new Deadlines(realms, kinds)
  const round = (): Promise<number> => watch.round(realm, { endingMs: realm.nowMs(), otherMs: realm.nowMs() })
  await round()
  // Its row makes the next round read it again.
  await movedTo(realm, id, 30_000)
  await round()
  clock.advance(1_000)
  assert.equal(await round(), 1)
  assert.equal(await stateOf(realm, id), 'released')
})

test('[W71] while the clock is not trusted, only items that end tokens are carried out', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  const releasing = await hold(realm, { inMs: 1_000 })
  const revoking = await hold(realm, { inMs: 1_000, atDeadline: 'revoke' })
  await schedule(realm, 1_000)
  const watch = deadlines(world)
  clock.advance(1_000)
  assert.equal(await watch.round({ endingMs: realm.nowMs() - 1, otherMs: undefined }), 0)
  assert.equal(await watch.round({ endingMs: realm.nowMs(), otherMs: undefined }), 2)
  assert.deepEqual([await stateOf(realm, releasing), await stateOf(realm, revoking)], ['open', 'revoked'])
  assert.equal(await watch.round(), 1)
  assert.equal(await stateOf(realm, releasing), 'released')
})

test('a realm is full at its bound, and not one before it', async () => {
  const { realm } = await openWorld()
  await placed(realm, OPEN_MAX - 1)
  assert.notEqual(await SCHEDULES.freeSlot(realm, 'an-id'), undefined)
  await schedule(realm, DAY_MS)
  assert.equal(await SCHEDULES.freeSlot(realm, 'an-id'), undefined)
})

test('a rule that ends a login of an unknown kind is not read as one without it', () => {
  const rule = { targets: [subject('77', 'identity')], reason: 'leak', by: 'control:ops' }
  assert.equal(isKeptRule(rule), true)
  assert.equal(isKeptRule({ ...rule, alsoEnds: ['password', 'secondFactors'] }), true)
  for (const alsoEnds of [['password', 'passkeys'], 'password', [7]])
    assert.equal(isKeptRule({ ...rule, alsoEnds }), false)
})
