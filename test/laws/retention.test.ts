import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anchorHolds,
  collectExpired,
  LogTrim,
  type Operation,
  putToken,
  type Realm,
  Realms,
  recordOf,
  revokeGrant,
  revokePrincipals,
  revokeToken,
} from '@rescind/authority'
import { ASSIGNED_LIFETIME_MAX_MS, ancestorsFrom, ordinalOf, position, type TokenRecord } from '@rescind/core'
import { decodeRule } from '@rescind/core/log'
import fc from 'fast-check'
import { SLICES } from '../../core/revocations/key-table.ts'
import { actOf, intentOf, rawOf, tryIssue } from '../kit/acts.ts'
import { MASTER, openWorld, type World } from '../kit/realm.ts'
import { DAY_MS } from '../kit/samples.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { naiveWhy, type PlainRow } from './naive.ts'

const RUNS = 300
const HOUR_MS = 3_600_000

const client = fc.constantFrom('a', 'b')
const nth = fc.nat(20)
const lifeMs = fc.constantFrom(HOUR_MS, DAY_MS, 30 * DAY_MS, 400 * DAY_MS)

type Step =
  | {
      readonly kind: 'issue'
      readonly client: string
      readonly lifeMs: number
      readonly parent: number | undefined
      /** A token of another grant that helps to make it. */
      readonly actor: number | undefined
    }
  | { readonly kind: 'assign'; readonly client: string; readonly lifeMs: number }
  | { readonly kind: 'extend' | 'revoke' | 'grant'; readonly nth: number }
  | {
      readonly kind: 'cut'
      readonly client: string
      readonly chat: boolean
      readonly agoMs: number | undefined
    }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('issue' as const),
      client,
      lifeMs,
      parent: fc.option(nth, { nil: undefined, freq: 2 }),
      actor: fc.option(nth, { nil: undefined, freq: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('assign' as const),
      client,
      lifeMs: fc.constantFrom(DAY_MS, 900 * DAY_MS, ASSIGNED_LIFETIME_MAX_MS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('extend' as const, 'revoke' as const, 'grant' as const),
      nth,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      client,
      chat: fc.boolean(),
      agoMs: fc.option(fc.constantFrom(0, DAY_MS), { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, HOUR_MS, DAY_MS, 31 * DAY_MS, 401 * DAY_MS, 2_000 * DAY_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

/** A realm over the years, and every token that it ever had. */
class Years {
  readonly #world: World
  #realms: Realms
  readonly #tokens: TokenRecord[] = []
  /** The whole log, including trimmed rows. */
  readonly #rows: PlainRow[] = []
  #texts = 0
  checked = 0
  dropped = 0
  trimmed = 0

  constructor(world: World) {
    this.#world = world
    this.#realms = world.realms
  }

  get #realm(): Realm {
    return this.#realms.default
  }

  async play(one: Step): Promise<void> {
    switch (one.kind) {
      case 'issue':
        return this.#issue(one)
      case 'assign':
        return this.#assign(one)
      case 'pass':
        return this.#pass(one.ms)
      case 'restart': {
        const { store, clock } = this.#world
        const random = new SeededRandom(`restart ${this.#texts}`)
        this.#realms = await Realms.open({ store, clock, master: MASTER, random, defer: queueMicrotask })
        return
      }
      case 'cut': {
        const source = one.chat ? 'chat/acme' : 'oauth'
        const dated = one.agoMs === undefined ? {} : { issuedBeforeMs: this.#realm.nowMs() - one.agoMs }
        const cutoff = { shape: 'client', principals: { source, client: one.client }, ...dated } as const
        await revokePrincipals(this.#realm, cutoff, actOf(this.#realm))
        return
      }
      default:
        return this.#touch(one)
    }
  }

  async #issue({ client: of, lifeMs: life, parent, actor }: Extract<Step, { kind: 'issue' }>): Promise<void> {
    const realm = this.#realm
    const ups = [...(await this.#live(parent)), ...(await this.#live(actor))]
    // No child outlives its parents: the dialects ensure that, and how long rules are kept depends on it.
    const expiresAtMs = Math.min(realm.nowMs() + life, ...ups.map((up) => up.expiresAtMs))
    const ancestors = ancestorsFrom(ups).slice(0, 8)
    const intent = intentOf(realm, this.#text(), { client: of, expiresAtMs, ancestors })
    const issued = await tryIssue(realm, intent)
    assert.equal(issued.kind, 'issued')
    if (issued.kind === 'issued') this.#tokens.push(...issued.records)
  }

  async #live(at: number | undefined): Promise<readonly TokenRecord[]> {
    const up = at === undefined ? undefined : this.#tokens[at % Math.max(1, this.#tokens.length)]
    return up !== undefined && (await this.#isActive(up)) ? [up] : []
  }

  async #assign({ client: of, lifeMs: life }: Extract<Step, { kind: 'assign' }>): Promise<void> {
    const realm = this.#realm
    const expiresAtMs = realm.nowMs() + life
    const intent = intentOf(realm, this.#text(), {
      source: 'chat/acme',
      kind: 'assigned',
      client: of,
      expiresAtMs,
    })
    const record = recordOf(realm, intent, { position: realm.position(), issuedAtMs: realm.nowMs() })
    await this.#commit(record, putToken(record))
    this.#tokens.push(record)
  }

  async #touch({ kind, nth: at }: Extract<Step, { kind: 'extend' | 'revoke' | 'grant' }>): Promise<void> {
    const which = at % Math.max(1, this.#tokens.length)
    const record = this.#tokens[which]
    const realm = this.#realm
    if (record === undefined || !(await this.#isActive(record))) return
    if (kind === 'revoke') await revokeToken(realm, record, actOf(realm))
    else if (kind === 'grant') await revokeGrant(realm, record, actOf(realm))
    else if (record.kind === 'assigned') {
      const expiresAtMs = realm.nowMs() + ASSIGNED_LIFETIME_MAX_MS
      const { digest, source } = record
      await this.#commit(record, { kind: 'extend-token', digest, source, expiresAtMs, atMs: realm.nowMs() })
      this.#tokens[which] = { ...record, expiresAtMs }
    }
  }

  async #commit(record: TokenRecord, operation: Operation): Promise<void> {
    const realm = this.#realm
    const dependsOn = [{ realm: realm.ordinal, facts: record }]
    const outcome = await realm.commit({
      realm: realm.ordinal,
      dependsOn,
      expects: [],
      operations: [operation],
    })
    assert.equal(outcome.kind, 'applied')
  }

  async #pass(ms: number): Promise<void> {
    const { clock, store } = this.#world
    clock.advance(ms)
    this.#realms.ledger.raiseFloor(clock.wallMs())
    await this.#realms.ledger.settleFloor()
    while ((await collectExpired(this.#realms, store)) > 0) this.dropped += 1
    const before = this.#realm.index.ended.size
    for (let slice = 0; slice < SLICES; slice += 1) this.#realm.index.dropExpired(slice)
    this.dropped += before - this.#realm.index.ended.size
    await this.#trim()
  }

  async #trim(): Promise<void> {
    const realm = this.#realm
    const before = (await realm.store.anchor(realm.ordinal)).seq
    const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
    const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
    while (await trim.step());
    this.trimmed += (await realm.store.anchor(realm.ordinal)).seq - before
    assert.ok(await anchorHolds(realm.store, realm.ordinal, realm.keys.sealKey))
  }

  #text(): string {
    this.#texts += 1
    return `text ${this.#texts}`
  }

  async #isActive(record: TokenRecord): Promise<boolean> {
    const text = `text ${this.#tokens.findIndex(({ digest }) => digest === record.digest) + 1}`
    return (await this.#realm.find(rawOf(text))).verdict.kind === 'active'
  }

  /** A token must be active exactly if it has not expired and no row of the whole log ever named it. */
  async check(): Promise<void> {
    const realm = this.#realm
    const rows = this.#rows
    for (const row of await realm.store.rowsAfter(realm.ordinal, rows.length, 10_000)) {
      assert.equal(row.seq, rows.length + 1)
      rows.push({ at: position(ordinalOf(realm.position()), row.seq), atMs: row.atMs, rule: decodeRule(row) })
    }
    for (const record of this.#tokens) {
      const expected = naiveWhy(rows, record) === undefined && record.expiresAtMs > realm.nowMs()
      assert.equal(await this.#isActive(record), expected, `${record.kind} of ${record.client}`)
      this.checked += 1
    }
  }
}

test('[G03] over years of dropping and restarting no rule is dropped before all tokens that it hit', async (context) => {
  let [checked, dropped, trimmed] = [0, 0, 0]
  const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
    const years = new Years(await openWorld())
    for (const one of steps) {
      await years.play(one)
      await years.check()
    }
    checked += years.checked
    dropped += years.dropped
    trimmed += years.trimmed
  })
  await fc.assert(property, { numRuns: RUNS })
  context.diagnostic(`${checked} verdicts checked, ${dropped} keys and batches of records dropped meanwhile`)
  context.diagnostic(`${trimmed} rows trimmed`)
  assert.ok(trimmed > 100, 'logs were trimmed')
  assert.ok(dropped > 100, 'something was forgotten')
})
