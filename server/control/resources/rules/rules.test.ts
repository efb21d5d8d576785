import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Caller, callerFacts, issueTokens, putRecord, type Realm } from '@rescind/authority'
import { Overloaded, type Position, type TokenRecord } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { CHAT_APPS, chatAppValue } from '@rescind/dialects'
import fc from 'fast-check'
import { openWorld, START_MS } from '../../../../test/kit/realm.ts'
import { MODULES } from '../../../compose/modules.ts'
import { isAnswer } from '../../../http/problem.ts'
import { KeySets } from '../../../judging/key-sets.ts'
import { COUNTS_MAX, countUpTo, previewOf } from '../../../rules/preview.ts'
import { rulesOf } from '../../../rules/resolved.ts'
import { Sources } from '../../../rules/sources.ts'
import { writeRules } from '../../../rules/write.ts'
import type { ControlParts } from '../../frame/endpoint.ts'
import { resolveRule } from './resolve.ts'
import type { TargetBody } from './target-schema.ts'

const DAY_MS = 86_400_000
const RUNS = 120

const keySets = new KeySets({
  fetch: () => Promise.reject(new Error('nothing is fetched here')),
  monotonicMs: () => 0,
  allowInternal: false,
  onFailure: () => {},
})
/** The parts of the server that resolving a rule needs. */
const parts = { keySets, sources: new Sources(MODULES) } as ControlParts

function callerIn(realm: Realm): Caller {
  const facts = callerFacts({ source: 'control', client: 'ops' }, realm.position())
  return { id: 'control:ops', from: 'local', dependency: { realm: realm.ordinal, facts } }
}

type Names = {
  readonly source: string
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
}

type Named = Names & { readonly kind?: 'access' | 'refresh' }

async function issue(realm: Realm, text: string, names: Named, parent?: TokenRecord): Promise<TokenRecord> {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined)
  const grant = parent === undefined ? {} : { grant: parent.grant }
  const expiresAtMs = realm.nowMs() + 30 * DAY_MS
  const token = { raw, kind: 'access' as const, ...names, ...grant, expiresAtMs }
  const issued = await issueTokens(realm, {
    judgedAt: realm.position(),
    caller: callerIn(realm),
    tokens: [token],
  })
  assert.ok(issued.kind === 'issued')
  return issued.records[0] as TokenRecord
}

type Asked = { readonly target: TargetBody; readonly issuedBefore?: string; readonly reason?: string }

/** Asks for a rule as the API does. @returns the rule's position, or the status of the refusal. */
async function ask(realm: Realm, { target, issuedBefore }: Asked): Promise<Position | { status: number }> {
  const dated = issuedBefore === undefined ? {} : { issuedBefore }
  const resolved = await resolveRule({ realm, parts }, { target, reason: 'r', ...dated })
  if (isAnswer(resolved)) return { status: resolved.status }
  const rules = rulesOf(realm, resolved)
  const written = await writeRules(realm, { caller: callerIn(realm), rules, how: 'test', reason: 'r' })
  assert.ok(written !== 'stale')
  return written.at
}

const SOURCES = ['oauth', 'identity', 'chat/acme']
const name = fc.constantFrom('a', 'b')
const maybe = fc.option(name, { nil: undefined, freq: 3 })
const source = fc.constantFrom(...SOURCES)
const sources = fc.oneof(source, fc.uniqueArray(source, { minLength: 1, maxLength: 3 }))

type Step =
  | { readonly kind: 'issue'; readonly names: Names; readonly parent: number | undefined }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'cut'; readonly target: TargetBody; readonly agoMs: number | undefined }
  | { readonly kind: 'thing'; readonly nth: number; readonly by: 'token' | 'handle' | 'grant' }

/** Drops undefined members, as JSON does. */
function plain(value: Readonly<Record<string, unknown>>): Names {
  return JSON.parse(JSON.stringify(value)) as Names
}

const principals = fc.record({ subject: maybe, client: maybe, tenant: maybe })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('issue' as const),
      names: fc.tuple(source, principals).map(([of, rest]) => plain({ source: of, ...rest })),
      parent: fc.option(fc.nat(20), { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 1_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      target: fc.oneof(
        {
          weight: 6,
          arbitrary: fc.tuple(sources, principals).map(([of, rest]) => plain({ source: of, ...rest })),
        },
        fc.constant({ realm: true as const }),
      ),
      agoMs: fc.option(fc.constantFrom(0, 1, 999), { nil: undefined, freq: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('thing' as const),
      nth: fc.nat(20),
      by: fc.constantFrom('token' as const, 'handle' as const, 'grant' as const),
    }),
  },
)

type Rule = { readonly target: TargetBody; readonly at: Position; readonly beforeMs: number | undefined }

/** A literal reading of the request's words. */
function says({ target, at, beforeMs }: Rule, text: string, record: TokenRecord): boolean {
  if (target.token !== undefined) return target.token === text
  if (target.handle !== undefined) return target.handle === record.handle
  if (target.grant !== undefined) return target.grant === record.grant
  if (record.position >= at || (beforeMs !== undefined && record.issuedAtMs >= beforeMs)) return false
  if (target.realm !== undefined) return true
  const of = [target.source].flat()
  return (
    of.includes(record.source) &&
    (['subject', 'client', 'tenant'] as const).every(
      (one) => target[one] === undefined || target[one] === record[one],
    )
  )
}

test('random requests end what their words say, and nothing else', async (context) => {
  let [verdicts, dead] = [0, 0]
  const play = async (steps: readonly Step[]): Promise<void> => {
    const { realm, clock } = await openWorld()
    const value = chatAppValue(realm, { name: 'acme', apiKey: 'k'.repeat(20), clientKey: 'c'.repeat(20) })
    const put = { collection: CHAT_APPS, id: 'acme', value, fromVersion: 0 }
    const operations = putRecord(realm, put, { by: 'test', from: 'local', how: 'test' })
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    const tokens: { readonly text: string; readonly record: TokenRecord }[] = []
    const rules: Rule[] = []
    const asks = async (target: TargetBody, beforeMs?: number): Promise<void> => {
      const issuedBefore = beforeMs === undefined ? {} : { issuedBefore: new Date(beforeMs).toISOString() }
      const all = [target.subject, target.client, target.tenant].every((one) => one !== undefined)
      const at = await ask(realm, { target, ...issuedBefore })
      assert.equal(typeof at === 'object', all, JSON.stringify(target))
      if (typeof at !== 'object') rules.push({ target, at, beforeMs })
    }
    for (const one of steps) {
      if (one.kind === 'pass') clock.advance(one.ms)
      else if (one.kind === 'cut')
        await asks(one.target, one.agoMs === undefined ? undefined : realm.nowMs() - one.agoMs)
      else if (one.kind === 'thing') {
        const picked = tokens[one.nth % Math.max(1, tokens.length)]
        if (picked === undefined) continue
        const { text, record } = picked
        await asks({ [one.by]: { token: text, handle: record.handle, grant: record.grant }[one.by] })
      } else {
        const up = one.parent === undefined ? undefined : tokens[one.parent % Math.max(1, tokens.length)]
        const alive =
          up !== undefined &&
          up.record.source === one.names.source &&
          realm.judge(up.record).kind === 'active'
        const text = `text ${tokens.length}`
        tokens.push({ text, record: await issue(realm, text, one.names, alive ? up.record : undefined) })
      }
      for (const { text, record } of tokens) {
        const expected = rules.some((rule) => says(rule, text, record)) ? 'inactive' : 'active'
        assert.equal(realm.judge(record).kind, expected, `${text} after ${JSON.stringify(one)}`)
        verdicts += 1
        if (expected === 'inactive') dead += 1
      }
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), play), { numRuns: RUNS })
  context.diagnostic(`${verdicts} verdicts compared, ${dead} of them negative`)
  assert.ok(dead > verdicts / 10 && dead < verdicts * 0.9)
})

test('a preview counts exactly what the rule then ends, and looking does not change its digest', async () => {
  const { realm } = await openWorld()
  for (let nth = 0; nth < 60; nth += 1) {
    const names = { source: SOURCES[nth % 2] ?? '', subject: `s${nth % 7}`, client: `c${nth % 3}` }
    await issue(realm, `text ${nth}`, names)
  }
  const records = (await realm.store.tokens(realm.ordinal, { after: undefined, limit: 100 })).records
  const targets: readonly TargetBody[] = [
    { source: 'oauth', subject: 's3' },
    { source: ['oauth', 'identity'], client: 'c1' },
    { source: 'identity', subject: 's2', client: 'c0' },
    { token: 'text 11' },
    { source: 'oauth' },
    { realm: true },
  ]
  for (const target of targets) {
    const resolved = await resolveRule({ realm, parts }, { target, reason: 'r' })
    assert.ok(!isAnswer(resolved))
    const counting = { resolved, deadlineMs: 1, monotonicMs: () => 0, wasUsed: async () => false }
    const shown = await previewOf(realm, counting)
    assert.equal((await previewOf(realm, counting)).digest, shown.digest)
    assert.equal(shown.complete, true)
    const alive = records.filter((record) => realm.judge(record).kind === 'active')
    await ask(realm, { target })
    const ended = alive.filter((record) => realm.judge(record).kind !== 'active')
    assert.equal(shown.tokens, ended.length, JSON.stringify(target))
    assert.equal(shown.subjects, new Set(ended.map((one) => `${one.source} ${one.subject}`)).size)
    assert.equal(shown.clients, new Set(ended.map((one) => `${one.source} ${one.client}`)).size)
    assert.equal(shown.grants, new Set(ended.map(({ grant }) => grant)).size)
  }
})

test('counting stops at its deadline, and says that there may be more', async () => {
  const { realm } = await openWorld()
  for (let nth = 0; nth < 3; nth += 1) await issue(realm, `text ${nth}`, { source: 'oauth', subject: 's' })
  const resolved = await resolveRule({ realm, parts }, { target: { source: 'oauth' }, reason: 'r' })
  assert.ok(!isAnswer(resolved))
  const shown = await previewOf(realm, {
    resolved,
    deadlineMs: 5,
    monotonicMs: () => 5,
    wasUsed: async () => false,
  })
  assert.equal(shown.complete, false)
  assert.match(shown.summary, /^≥ 0 live tokens of ≥ 0 grants/)
  assert.match(shown.digest, /\.open$/)
})

test('[W94] only so many rules are counted at once, one more is an outage, and later there is room again', async () => {
  const { realm, store } = await openWorld()
  const resolved = await resolveRule({ realm, parts }, { target: { source: 'oauth' }, reason: 'r' })
  assert.ok(!isAnswer(resolved))
  const counting = { resolved, deadlineMs: 5, monotonicMs: () => 0, wasUsed: async () => false }
  const { promise, resolve } = Promise.withResolvers<void>()
  const real = store.tokens.bind(store)
  store.tokens = async (...ask) => {
    await promise
    return real(...ask)
  }
  const under = Array.from({ length: COUNTS_MAX }, () => countUpTo(realm, counting, 1))
  await assert.rejects(countUpTo(realm, counting, 1), Overloaded)
  const shown = previewOf(realm, counting)
  resolve()
  await Promise.all([...under, shown])
  assert.equal((await countUpTo(realm, counting, 1)).tokens, 0)
})

test('revoking everything of a subject costs the same one row for 1 token and for 20,000', async () => {
  const sizes = [1, 20_000]
  const rows: number[] = []
  for (const size of sizes) {
    const { realm, store } = await openWorld()
    const judgedAt = realm.position()
    const tokens = Array.from({ length: size }, (_, nth) => ({
      raw: RawToken.parse(`text ${nth}`) as RawToken,
      kind: 'access' as const,
      ...{ source: 'oauth', subject: 'alice' },
      expiresAtMs: START_MS + DAY_MS,
    }))
    assert.equal((await issueTokens(realm, { judgedAt, caller: callerIn(realm), tokens })).kind, 'issued')
    const before = realm.index.seq
    const at = await ask(realm, { target: { source: 'oauth', subject: 'alice' } })
    assert.ok(typeof at === 'number')
    assert.equal(realm.index.seq, before + 1)
    const [row] = await store.rowsAfter(realm.ordinal, before, 10)
    rows.push(row?.rule.length ?? 0)
    const { records } = await store.tokens(realm.ordinal, { after: undefined, limit: 1_000 })
    assert.ok(records.every((record) => realm.judge(record).kind === 'inactive'))
    // Within the same millisecond: the clock of this test stands still.
    const again = await issue(realm, 'signed in again', { source: 'oauth', subject: 'alice' })
    assert.equal(realm.judge(again).kind, 'active')
    assert.equal(again.issuedAtMs, records[0]?.issuedAtMs)
  }
  assert.equal(rows[0], rows[1])
})

test('a later, lower request never shortens or weakens an earlier one', async () => {
  const { realm, clock } = await openWorld()
  const old = await issue(realm, 'old', { source: 'oauth', subject: 'a' })
  clock.advance(10_000)
  const late = await issue(realm, 'late', { source: 'oauth', subject: 'a' })
  const target = { source: 'oauth', subject: 'a' }
  await ask(realm, { target, issuedBefore: new Date(START_MS + 5_000).toISOString() })
  assert.deepEqual(
    [old, late].map((one) => realm.judge(one).kind),
    ['inactive', 'active'],
  )
  await ask(realm, { target, issuedBefore: new Date(START_MS).toISOString() })
  assert.deepEqual(
    [old, late].map((one) => realm.judge(one).kind),
    ['inactive', 'active'],
  )
  await ask(realm, { target })
  await ask(realm, { target, issuedBefore: new Date(START_MS).toISOString() })
  assert.deepEqual(
    [old, late].map((one) => realm.judge(one).kind),
    ['inactive', 'inactive'],
  )
})

for (const by of ['token', 'handle'] as const)
  test(`[D02] a refresh token named by its ${by} ends what was made with it, and an access token only itself`, async () => {
    const { realm } = await openWorld()
    const refresh = await issue(realm, 'a refresh token', { source: 'oauth', kind: 'refresh' })
    const first = await issue(realm, 'made with it', { source: 'oauth' }, refresh)
    const second = await issue(realm, 'made later', { source: 'oauth' }, refresh)
    const other = await issue(realm, 'of another grant', { source: 'oauth' })
    const states = () => [refresh, first, second, other].map((one) => realm.judge(one).kind)
    await ask(realm, { target: by === 'token' ? { token: 'made with it' } : { handle: first.handle } })
    assert.deepEqual(states(), ['active', 'inactive', 'active', 'active'])
    await ask(realm, { target: by === 'token' ? { token: 'a refresh token' } : { handle: refresh.handle } })
    assert.deepEqual(states(), ['inactive', 'inactive', 'inactive', 'active'])
  })
