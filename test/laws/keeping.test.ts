import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ISSUER_TERMS,
  ISSUERS,
  type IssuerTerms,
  type IssuerValue,
  issuerId,
  LogTrim,
  type Operation,
  putRecord,
  putToken,
  type Realm,
  Realms,
  recordOf,
  revokeAll,
  ruleOn,
  tokenRule,
} from '@rescind/authority'
import {
  BEYOND_LOGS,
  decodeSnapshot,
  encodeSnapshot,
  isRevoked,
  LIFETIME_MAX_MS,
  ordinalOf,
  position,
  type RevocationIndex,
  type TokenFacts,
} from '@rescind/core'
import { checkpointText, decodeRule, encodeRule, type RevokeRule, type Target } from '@rescind/core/log'
import fc from 'fast-check'
import { SLICES } from '../../core/revocations/key-table.ts'
import { AUDIT, actOf, intentOf } from '../kit/acts.ts'
import { MASTER, openWorld, START_MS, type World } from '../kit/realm.ts'
import { DAY_MS } from '../kit/samples.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { naiveWhy, type PlainRow } from './naive.ts'

/**
 * No rule is dropped while a token that it covers can be live or minted: with clocks ahead or behind, restarts, trims,
 * snapshots, rows of older versions, and issuers that are deleted and come back. Comparing names over every row that
 * ever existed says what a rule covers; the model of what an issuer may mint says what can be live.
 */
const RUNS = 150
const IDP = 'https://idp/'
const SOURCE = `iss:${IDP}`
const SKEW_MS = 60_000

const name = fc.constantFrom('a', 'b')
const days = fc.constantFrom(0, 1, 30, 399, 401, 700)

type Step =
  | { readonly kind: 'mint'; readonly client: string; readonly session: string; readonly lifeDays: number }
  | { readonly kind: 'sign'; readonly who: string; readonly aheadDays: number; readonly silent: boolean }
  | { readonly kind: 'rule'; readonly target: Target; readonly old: boolean; readonly shown: boolean }
  | { readonly kind: 'end'; readonly nth: number }
  | { readonly kind: 'clock'; readonly aheadDays: number }
  | { readonly kind: 'pass'; readonly days: number }
  | { readonly kind: 'restart' | 'snapshot' | 'delete' | 'register' }

const foreign = { source: SOURCE }
const target: fc.Arbitrary<Target> = fc.oneof(
  name.map((who): Target => ({ kind: 'key', keyId: `key ${who}` })),
  name.map((who): Target => ({ kind: 'session', source: SOURCE, session: who })),
  name.map((who): Target => ({ kind: 'session', source: 'oauth', session: who })),
  fc.nat(8).map((nth): Target => ({ kind: 'foreign', issuer: IDP, jti: `jti ${nth}` })),
  name.map((client): Target => ({ kind: 'cut', shape: 'client', principals: { source: 'oauth', client } })),
  name.map((subject): Target => ({ kind: 'cut', shape: 'subject', principals: { ...foreign, subject } })),
  name.map(
    (subject): Target => ({
      kind: 'cut',
      shape: 'subject',
      principals: { ...foreign, subject },
      basis: 'authenticated',
    }),
  ),
  fc.constant<Target>({ kind: 'cut', shape: 'source', principals: foreign }),
  fc.constant<Target>({ kind: 'cut', shape: 'realm', principals: { source: '' } }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('mint' as const), client: name, session: name, lifeDays: days }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sign' as const),
      who: name,
      aheadDays: days,
      silent: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('rule' as const),
      target,
      old: fc.boolean(),
      shown: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), nth: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      aheadDays: fc.constantFrom(-300, -1, 0, 900),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), days }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'snapshot', 'delete', 'register') }),
  },
)

class Years {
  readonly #world: World
  #realms: Realms
  /** Existing tokens, ours and foreign. Some foreign ones are minted anew at every check. */
  readonly #tokens: TokenFacts[] = []
  readonly #rows: PlainRow[] = []
  /** How far the wall clock is ahead of true time. */
  #aheadMs = 0
  #passedMs = 0
  #texts = 0
  #signed = 0
  /** How long the issuer's sessions mint tokens, if agreed. */
  readonly #sessionMs: number | undefined
  readonly #withoutIat: boolean
  #copy: RevocationIndex | undefined
  hits = 0
  dropped = 0

  constructor(world: World, { sessionDays, withoutIat }: Agreed) {
    this.#world = world
    this.#realms = world.realms
    this.#sessionMs = sessionDays === undefined ? undefined : sessionDays * DAY_MS
    this.#withoutIat = withoutIat
  }

  get #realm(): Realm {
    return this.#realms.default
  }

  /** The true time, whatever our clock says. */
  get #trueMs(): number {
    return START_MS + this.#passedMs
  }

  async begin(): Promise<void> {
    const maxSessionSeconds =
      this.#sessionMs === undefined ? {} : { maxSessionSeconds: this.#sessionMs / 1_000 }
    const value: IssuerTerms = {
      issuer: IDP,
      registeredAtMs: START_MS,
      ...maxSessionSeconds,
      ...(this.#withoutIat ? { withoutIat: 'lifted' } : {}),
    }
    const put = { collection: ISSUER_TERMS, id: issuerId(IDP), value, fromVersion: 0 }
    await this.#commit(putRecord(this.#realm, put, AUDIT))
    await this.play({ kind: 'register' })
  }

  async play(one: Step): Promise<void> {
    switch (one.kind) {
      case 'mint':
        return this.#mint(one)
      case 'sign':
        this.#sign(one)
        return
      case 'rule':
        return this.#rule(one)
      case 'end':
        return this.#end(one.nth)
      case 'clock':
        this.#world.clock.advance(one.aheadDays * DAY_MS - this.#aheadMs)
        this.#aheadMs = one.aheadDays * DAY_MS
        return
      case 'pass':
        return this.#pass(one.days * DAY_MS)
      case 'restart':
        return this.#restart()
      case 'snapshot':
        this.#copy = this.#copied()
        return
      case 'register':
      case 'delete':
        return this.#registered(one.kind === 'register')
    }
  }

  async #mint({ client, session, lifeDays }: Extract<Step, { kind: 'mint' }>): Promise<void> {
    const realm = this.#realm
    const expiresAtMs = realm.nowMs() + Math.min(lifeDays * DAY_MS + 1, LIFETIME_MAX_MS)
    this.#texts += 1
    const intent = intentOf(realm, `text ${this.#texts}`, { client, session, expiresAtMs })
    const record = recordOf(realm, intent, { position: realm.position(), issuedAtMs: realm.nowMs() })
    await this.#remember()
    // A session of ours mints only through live tokens; once they are over, nothing.
    if (naiveWhy(this.#rows, record) !== undefined) return
    await this.#commit([putToken(record)])
    this.#tokens.push(record)
  }

  /** Signs by the issuer's clock, which is right; the issuer may set `iat` ahead. */
  #sign({ who, aheadDays, silent }: Extract<Step, { kind: 'sign' }>): void {
    // An issuer with bounded sessions dates nothing past their end.
    const issuedAtMs = this.#trueMs + (this.#sessionMs === undefined ? aheadDays * DAY_MS : 0)
    const issued = silent && this.#withoutIat ? {} : { issuedAtMs }
    this.#tokens.push(
      this.#foreign({
        who,
        ...issued,
        jti: this.#nextJti(),
        loginMs: this.#trueMs,
        expiresAtMs: issuedAtMs + LIFETIME_MAX_MS,
      }),
    )
  }

  /** No issuer uses an id twice. */
  #nextJti(): string {
    this.#signed += 1
    return `jti ${this.#signed - 1}`
  }

  #foreign({ who, jti, loginMs, expiresAtMs, issuedAtMs }: Signed): TokenFacts {
    return {
      source: SOURCE,
      subject: who,
      session: this.#session(who),
      keyId: `key ${who}`,
      ancestors: [],
      position: BEYOND_LOGS,
      ...(issuedAtMs === undefined ? {} : { issuedAtMs, notBeforeMs: issuedAtMs - SKEW_MS }),
      expiresAtMs,
      foreign: { jti, skewMs: SKEW_MS, authenticatedAtMs: loginMs },
    }
  }

  /** A person's current session; a new one begins where the last ended. */
  #session(who: string): string {
    const nth = this.#sessionMs === undefined ? 0 : Math.floor(this.#passedMs / this.#sessionMs)
    return `${who}${nth}`
  }

  /** Tokens that the issuer's oldest possible sessions, or a holder of its keys, can have signed just now. */
  #mintedNow(): readonly TokenFacts[] {
    const nowMs = this.#trueMs
    const loginMs = this.#sessionMs === undefined ? START_MS : nowMs - this.#sessionMs
    return ['a', 'b'].map((who) =>
      this.#foreign({
        who,
        jti: 'just now',
        issuedAtMs: nowMs,
        loginMs,
        expiresAtMs: nowMs + LIFETIME_MAX_MS,
      }),
    )
  }

  async #rule({ target: drawn, old, shown }: Extract<Step, { kind: 'rule' }>): Promise<void> {
    const realm = this.#realm
    const isTheirs = drawn.kind === 'session' && drawn.source === SOURCE
    const what: Target = isTheirs ? { ...drawn, session: this.#session(drawn.session) } : drawn
    if (what.kind === 'token') return
    // If a session's end is counted by a clock that is unnoticedly behind, it ends too early; see docs/issuers.md.
    const isSession = isTheirs || (what.kind === 'cut' && what.basis === 'authenticated')
    const { clock, store } = this.#world
    if (
      isSession &&
      this.#sessionMs !== undefined &&
      clock.wallMs() < this.#trueMs &&
      clock.wallMs() >= (await store.floor())
    )
      return
    const sample = this.#tokens.filter((one) => one.foreign !== undefined && covered(what, one))
    const expiresAtMs = Math.max(0, ...sample.map((one) => one.expiresAtMs))
    const rule = ruleOn(realm, what, shown && sample.length > 0 ? { expiresAtMs } : undefined)
    if (!old || this.#sessionMs !== undefined || this.#withoutIat) {
      await revokeAll(realm, [rule], actOf(realm))
      return
    }
    await this.#olden({ ...rule, keepUntilMs: realm.nowMs() + LIFETIME_MAX_MS + 600_000 })
  }

  /** Writes a row as an older version did, bypassing the commit, and starts again. */
  async #olden(rule: RevokeRule): Promise<void> {
    const { store } = this.#world
    const realm = this.#realm
    const row = realm.row(rule, AUDIT)
    const bytes = encodeRule(rule, realm.keys.digestKey)
    bytes[0] = 1
    const write = { realm: realm.ordinal, dependsOn: [], expects: [] }
    await store.commit({
      writes: [{ ...write, operations: [{ kind: 'append', row: { ...row, bytes } }] }],
      floorMs: await store.floor(),
    })
    await this.#restart()
  }

  async #end(nth: number): Promise<void> {
    const own = this.#tokens.filter((one) => one.foreign === undefined)
    const facts = own[nth % Math.max(1, own.length)]
    if (facts?.digest === undefined) return
    const record = await this.#world.store.tokenByDigest(this.#realm.ordinal, facts.digest)
    if (record !== undefined) await revokeAll(this.#realm, [tokenRule(record)], actOf(this.#realm))
  }

  async #registered(isRegistered: boolean): Promise<void> {
    const realm = this.#realm
    const id = issuerId(IDP)
    const { version, entry } = await realm.directory.state(ISSUERS, id)
    if (!isRegistered && entry !== undefined)
      await this.#commit([{ kind: 'delete-record', collection: ISSUERS.name, id, fromVersion: version }])
    if (!isRegistered || entry !== undefined) return
    const value: IssuerValue = {
      issuer: IDP,
      enabled: true,
      algorithms: ['ES256'],
      claims: {},
      skewSeconds: SKEW_MS / 1_000,
      maxLifetimeSeconds: 60,
    }
    await this.#commit(putRecord(realm, { collection: ISSUERS, id, value, fromVersion: version }, AUDIT))
  }

  async #pass(ms: number): Promise<void> {
    const { clock, store } = this.#world
    this.#passedMs += ms
    clock.advance(ms)
    await this.#remember()
    // A wrong clock must not raise the floor; `Floor` sees to that.
    this.#realms.ledger.raiseFloor(Math.min(this.#trueMs, clock.wallMs()))
    await this.#realms.ledger.settleFloor()
    for (const index of [this.#realm.index, this.#copy]) {
      const before = index?.ended.size ?? 0
      index?.raiseFloor(await store.floor())
      for (let slice = 0; slice < SLICES; slice += 1) index?.dropExpired(slice)
      this.dropped += before - (index?.ended.size ?? 0)
    }
    const realm = this.#realm
    await this.#commit([{ kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq }])
    const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
    while (await trim.step());
  }

  async #restart(): Promise<void> {
    await this.#remember()
    const { store, clock } = this.#world
    const random = new SeededRandom(`restart ${this.#texts}`)
    this.#realms = await Realms.open({ store, clock, master: MASTER, random, defer: queueMicrotask })
  }

  /** A copy of the index, like a reader's, which from here on depends on floors alone. */
  #copied(): RevocationIndex {
    const { index, keys } = this.#realm
    const epoch = index.epochs.at(-1)
    assert.ok(epoch !== undefined)
    const checkpoint = {
      ordinal: epoch.ordinal,
      epochId: epoch.epochId,
      seq: index.seq,
      chain: 'A'.repeat(43),
    }
    const snapshot = decodeSnapshot(
      encodeSnapshot(index, checkpointText(checkpoint, Buffer.alloc(32))),
      keys.digestKey,
    )
    assert.ok(snapshot !== undefined)
    return snapshot.index
  }

  async #commit(operations: readonly Operation[]): Promise<void> {
    const realm = this.#realm
    const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    assert.equal(outcome.kind, 'applied')
  }

  /** Keeps the new rows before a trim can remove them. */
  async #remember(): Promise<void> {
    const realm = this.#realm
    for (const row of await realm.store.rowsAfter(realm.ordinal, this.#rows.length, 10_000)) {
      const at = position(ordinalOf(realm.position()), row.seq)
      this.#rows.push({ at, atMs: row.atMs, rule: decodeRule(row) })
    }
  }

  /** Every token that was hit and can be live, by true time or ours, is still hit. */
  async check(): Promise<void> {
    await this.#remember()
    const realm = this.#realm
    const overMs = Math.min(this.#trueMs, realm.nowMs())
    for (const facts of [...this.#tokens, ...this.#mintedNow()]) {
      if (facts.expiresAtMs <= overMs || naiveWhy(this.#rows, facts) !== 'revoked') continue
      this.hits += 1
      assert.ok(isRevoked(facts, realm.index), JSON.stringify(facts))
      const seen = this.#copy === undefined ? [] : this.#rows.slice(0, this.#copy.seq)
      if (this.#copy !== undefined && naiveWhy(seen, facts) === 'revoked')
        assert.ok(isRevoked(facts, this.#copy), `in a snapshot: ${JSON.stringify(facts)}`)
    }
  }
}

type Signed = {
  readonly who: string
  readonly jti: string
  readonly loginMs: number
  readonly expiresAtMs: number
  readonly issuedAtMs?: number
}

type Agreed = { readonly sessionDays: number | undefined; readonly withoutIat: boolean }

function covered(what: Target, one: TokenFacts): boolean {
  return what.kind === 'foreign' && one.foreign?.jti === what.jti
}

const agreed: fc.Arbitrary<Agreed> = fc.record({
  sessionDays: fc.option(fc.constantFrom(1, 30), { nil: undefined, freq: 2 }),
  withoutIat: fc.boolean(),
})

test('[H12] [G03] with any clock no rule is dropped while a token that it covers can be live or minted', async (context) => {
  let [hits, dropped] = [0, 0]
  const steps = fc.array(step, { minLength: 20, maxLength: 50 })
  const property = fc.asyncProperty(agreed, steps, async (terms, all) => {
    const years = new Years(await openWorld(), terms)
    await years.begin()
    for (const one of all) {
      await years.play(one)
      await years.check()
    }
    hits += years.hits
    dropped += years.dropped
  })
  await fc.assert(property, { numRuns: RUNS })
  context.diagnostic(`${hits} tokens that were hit and could be alive, ${dropped} keys dropped meanwhile`)
  assert.ok(hits > 1_000 && dropped > 100, 'much was hit, and something was forgotten')
})
