import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IndexDiffer, LogTrim, type Realm } from '@rescind/authority'
import { KEEP_FOREVER_MS } from '@rescind/core'
import { type CutoffTarget, encodeRule, type Rule } from '@rescind/core/log'
import fc from 'fast-check'
import { openWorld, type World } from '../kit/realm.ts'
import { DAY_MS, revoking, tokenTarget } from '../kit/samples.ts'

/**
 * The check of a correct index never alarms, whatever is written, released, dropped or trimmed, or is on its way to the
 * store, between and during its steps. The check's own tests show that it does alarm.
 */
const RUNS = 300
const AUDIT = { by: 'test', from: 'local', how: 'test' }

type Step =
  | { readonly kind: 'write'; readonly rules: readonly Made[]; readonly waits: boolean }
  | { readonly kind: 'pass'; readonly days: number }
  | { readonly kind: 'drop'; readonly slices: number }
  | { readonly kind: 'trim' }

type Made = { readonly rule: (realm: Realm) => Rule; readonly old: boolean }

const few = fc.nat(4)
const keepDays = fc.constantFrom(-1, 1, 3, 8, 20, 400)

const cutoff: fc.Arbitrary<CutoffTarget> = fc
  .record({ who: few, dated: fc.boolean(), login: fc.boolean(), own: fc.boolean() })
  .map(({ who, dated, login, own }) => ({
    kind: 'cut',
    shape: 'subject',
    principals: { source: own ? 'oauth' : 'iss:https://idp/', subject: `${who}` },
    ...(dated ? { issuedBeforeMs: 1_000_000 + who } : {}),
    ...(login ? { basis: 'authenticated' as const } : {}),
  }))

const rule: fc.Arbitrary<(realm: Realm) => Rule> = fc.oneof(
  fc.tuple(fc.nat(30), keepDays).map(
    ([nth, days]) =>
      (realm: Realm) =>
        revoking(tokenTarget(nth), days === 400 ? KEEP_FOREVER_MS : realm.nowMs() + days * DAY_MS),
  ),
  fc.tuple(cutoff, keepDays).map(
    ([target, days]) =>
      (realm: Realm) =>
        revoking(target, Math.max(1, realm.nowMs() + days * DAY_MS)),
  ),
  fc.tuple(few, keepDays).map(
    ([nth, days]) =>
      (realm: Realm) =>
        revoking({ kind: 'session', source: 'oauth', session: `${nth}` }, realm.nowMs() + days * DAY_MS),
  ),
  few.map((nth) => (): Rule => ({ kind: 'hold', id: `h${nth}`, target: tokenTarget(nth) })),
  few.map((nth) => (): Rule => ({ kind: 'release', id: `h${nth}` })),
)

const made: fc.Arbitrary<Made> = fc.record({ rule, old: fc.boolean() })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      rules: fc.array(made, { minLength: 1, maxLength: 5 }),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), days: fc.constantFrom(0.1, 1, 4, 8) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), slices: fc.nat(64) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'trim' }) },
)

class Life {
  readonly #world: World
  readonly #trim: LogTrim
  readonly #underway: Promise<unknown>[] = []
  trimmed = 0

  constructor(world: World) {
    this.#world = world
    this.#trim = new LogTrim({ realm: world.realm, auditRetentionMs: 0, rowsMin: 1 })
  }

  async play(one: Step): Promise<void> {
    const { realm, realms, clock } = this.#world
    switch (one.kind) {
      case 'write': {
        const writing = this.#write(one.rules)
        this.#underway.push(writing)
        if (one.waits) await writing
        return
      }
      case 'pass':
        clock.advance(one.days * DAY_MS)
        realms.ledger.raiseFloor(clock.wallMs())
        // Sometimes before it is durable.
        if (one.days > 1) await realms.ledger.settleFloor()
        return
      case 'drop':
        for (let slice = 0; slice <= one.slices; slice += 1) realm.index.dropExpired(slice)
        return
      case 'trim':
        await realm.commit({
          ...{ realm: realm.ordinal, dependsOn: [], expects: [] },
          operations: [{ kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq }],
        })
        await this.#trim.step()
        this.trimmed = (await realm.store.anchor(realm.ordinal)).seq
    }
  }

  #write(rules: readonly Made[]): Promise<unknown> {
    const { realm } = this.#world
    const operations = rules.map(({ rule: make, old }) => {
      const of = make(realm)
      const row = realm.row(of, AUDIT)
      const bytes = encodeRule(of, realm.keys.digestKey)
      // As older versions wrote it.
      if (old) bytes[0] = 1
      return { kind: 'append', row: { ...row, bytes } } as const
    })
    return realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underway)
  }
}

test('[W83] no history, and nothing that happens during a check, makes a correct index differ from its log', async () => {
  let [trimmed, during, dropped] = [0, 0, 0]
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 30 }),
    fc.array(step, { maxLength: 30 }),
    fc.constantFrom(5, 20, 1_000),
    async (before, meanwhile, sliceKeys) => {
      const world = await openWorld()
      const { realms, realm } = world
      const life = new Life(world)
      for (const one of before) await life.play(one)
      const differ = new IndexDiffer(realms.ledger, sliceKeys)
      let next = 0
      const rest = async (): Promise<void> => {
        const one = meanwhile[next]
        next += 1
        if (one === undefined) return
        during += 1
        await life.play(one)
      }
      const clean = { missing: 0, short: 0, unexplained: 0 }
      assert.deepEqual(await differ.run(realm, { rest, goesOn: () => true }), clean)
      await life.settle()
      assert.deepEqual(await differ.run(realm, { rest: async () => {}, goesOn: () => true }), clean)
      assert.equal(realm.index.removedEarly, 0)
      if (life.trimmed > 1) trimmed += 1
      if (realm.index.ended.size < 5) dropped += 1
    },
  )
  await fc.assert(property, { numRuns: RUNS })
  assert.ok(trimmed > RUNS / 20, `${trimmed} logs were trimmed`)
  assert.ok(during > RUNS, `${during} steps happened during checks`)
  assert.ok(dropped > 0)
})
