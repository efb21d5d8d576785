import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ASSIGNED_LIFETIME_MAX_MS,
  ancestorOf,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  LIFETIME_MAX_MS,
  position,
} from '@rescind/core'
import { type CutoffShape, decodeRule, type RevokeRule } from '@rescind/core/log'
import { AUDIT, actOf, callerAt, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { DAY_MS } from '../../test/kit/samples.ts'
import { putRecord } from '../directory/change.ts'
import type { Collection } from '../directory/directory.ts'
import type { Realm } from './realm.ts'
import {
  cutoffRule,
  type EndedBy,
  endedByCutoff,
  type Revoked,
  revokeGrant,
  revokePrincipals,
  revokeToken,
} from './revoke.ts'

const CLIENT = { source: 'oauth', client: 'c' }
const THINGS: Collection<{ readonly text: string }> = { name: 'things', keys: () => [] }

async function lastRule(realm: Realm): Promise<RevokeRule> {
  const [row] = await realm.store.rowsAfter(realm.ordinal, realm.index.seq - 1, 1)
  assert.ok(row !== undefined)
  const rule = decodeRule(row)
  assert.ok(rule.kind === 'revoke')
  return rule
}

function revoked(outcome: Revoked): Extract<Revoked, { kind: 'revoked' }> {
  assert.ok(outcome.kind === 'revoked')
  return outcome
}

describe('what a revocation ends', () => {
  test('[B17] a token and what was derived from it, never its grant or its siblings (model §5.3)', async () => {
    const { realm } = await openWorld()
    const login = await issue(realm, 'login', { kind: 'refresh' })
    const { grant } = login
    const access = await issue(realm, 'access', { grant })
    await issue(realm, 'sibling', { grant })
    const child = await issue(realm, 'child', { grant, ancestors: [ancestorOf(access)] })
    await issue(realm, 'grandchild', { grant, ancestors: [ancestorOf(child), ...child.ancestors] })
    await revokeToken(realm, access, actOf(realm))
    const said = await Promise.all(
      ['access', 'child', 'grandchild', 'sibling', 'login'].map((text) => say(realm, text)),
    )
    assert.deepEqual(said, ['revoked', 'revoked', 'revoked', 'active', 'active'])
  })

  test('a grant with everything in it, whenever it was issued', async () => {
    const { realm } = await openWorld()
    const login = await issue(realm, 'login', { kind: 'refresh' })
    await issue(realm, 'access', { grant: login.grant })
    await issue(realm, 'other')
    await revokeGrant(realm, login, actOf(realm))
    const said = await Promise.all(['login', 'access', 'other'].map((text) => say(realm, text)))
    assert.deepEqual(said, ['revoked', 'revoked', 'active'])
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'late', { grant: login.grant })), {
      kind: 'stale',
    })
  })

  test('principals with everything issued to them so far; signing in again works at once', async () => {
    const { realm } = await openWorld()
    await issue(realm, 'old')
    await issue(realm, 'other', { client: 'd' })
    await revokePrincipals(realm, { shape: 'client', principals: CLIENT }, actOf(realm))
    await issue(realm, 'new')
    const said = await Promise.all(['old', 'other', 'new'].map((text) => say(realm, text)))
    assert.deepEqual(said, ['revoked', 'active', 'active'])
  })

  test('with an instant, only what was issued before it (model §5.2)', async () => {
    const { realm, clock } = await openWorld()
    await issue(realm, 'old')
    clock.advance(1_000)
    const issuedBeforeMs = realm.nowMs()
    await issue(realm, 'young')
    await revokePrincipals(realm, { shape: 'client', principals: CLIENT, issuedBeforeMs }, actOf(realm))
    assert.deepEqual([await say(realm, 'old'), await say(realm, 'young')], ['revoked', 'active'])
    assert.deepEqual((await lastRule(realm)).target, {
      kind: 'cut',
      shape: 'client',
      principals: CLIENT,
      issuedBeforeMs,
    })
  })
})

test('revoking a text that a customer chose ends no grant of another source', async () => {
  const { realm } = await openWorld()
  const victim = await issue(realm, 'victim')
  await revokeGrant(realm, await issue(realm, 'any'), actOf(realm))
  const text = `\u0003${'oauth'.length}:oauth${victim.grant}`
  const assigned = await issue(realm, text, { source: 'chat/acme', kind: 'assigned' })
  await revokeToken(realm, assigned, actOf(realm))
  assert.equal(await say(realm, 'victim'), 'active')
})

describe('how long a rule is kept (model §5.4)', () => {
  test('a rule on a token: its stored expiry and ten minutes; on assigned text: for good', async () => {
    const { realm } = await openWorld()
    const expiresAtMs = realm.nowMs() + 12_345
    await revokeToken(realm, await issue(realm, 'one', { expiresAtMs }), actOf(realm))
    assert.equal((await lastRule(realm)).keepUntilMs, expiresAtMs + KEEP_MARGIN_MS)
    const assigned = await issue(realm, 'two', { kind: 'assigned', source: 'chat/acme' })
    await revokeToken(realm, assigned, actOf(realm))
    assert.equal((await lastRule(realm)).keepUntilMs, KEEP_FOREVER_MS)
  })

  test('a rule on a grant: the longest life that anything in it can have', async () => {
    const { realm } = await openWorld()
    const login = await issue(realm, 'login')
    await revokeGrant(realm, login, actOf(realm))
    assert.equal((await lastRule(realm)).keepUntilMs, realm.nowMs() + LIFETIME_MAX_MS + KEEP_MARGIN_MS)
    const assigned = await issue(realm, 'chosen', { kind: 'assigned', source: 'chat/acme' })
    await revokeGrant(realm, assigned, actOf(realm))
    assert.equal(
      (await lastRule(realm)).keepUntilMs,
      realm.nowMs() + ASSIGNED_LIFETIME_MAX_MS + KEEP_MARGIN_MS,
    )
  })

  test('a cutoff: the longest life that anything under it can have', async () => {
    const { realm } = await openWorld()
    const cases: readonly (readonly [CutoffShape, string, number])[] = [
      ['client', 'oauth', LIFETIME_MAX_MS],
      ['source', 'identity', LIFETIME_MAX_MS],
      ['client', 'chat/acme', ASSIGNED_LIFETIME_MAX_MS],
      ['source', 'chat/acme', ASSIGNED_LIFETIME_MAX_MS],
      ['realm', '', ASSIGNED_LIFETIME_MAX_MS],
      ['realm', 'oauth', ASSIGNED_LIFETIME_MAX_MS],
    ]
    for (const [shape, source, lifeMs] of cases) {
      const { keepUntilMs } = cutoffRule(realm, shape, { source, client: 'c' })
      assert.equal(keepUntilMs, realm.nowMs() + lifeMs + KEEP_MARGIN_MS, `${shape} ${source}`)
    }
  })
})

describe('what the log says', () => {
  test('each revocation is one row that names its target, and a second one is another row', async () => {
    const { realm } = await openWorld()
    const record = await issue(realm, 'one')
    const before = realm.index.seq
    const first = revoked(await revokeToken(realm, record, actOf(realm)))
    const second = revoked(await revokeToken(realm, record, actOf(realm)))
    assert.deepEqual([first.seq, second.seq], [before + 1, before + 2])
    assert.deepEqual(first.at, position(1, before + 1))
    const { source, digest, handle } = record
    assert.deepEqual((await lastRule(realm)).target, { kind: 'token', source, digest, handle })
  })

  test('the audit says who, from where, how, and why if a reason was given', async () => {
    const { realm } = await openWorld()
    const audits: string[] = []
    const commit = realm.store.commit.bind(realm.store)
    realm.store.commit = (group) => {
      for (const { operations } of group.writes) {
        for (const one of operations) if (one.kind === 'append') audits.push(one.row.audit)
      }
      return commit(group)
    }
    const record = await issue(realm, 'one')
    await revokeToken(realm, record, actOf(realm, { how: 'oauth.revoke', why: 'stolen' }))
    await revokeToken(realm, record, actOf(realm, { how: 'oauth.revoke', why: '' }))
    const common = { by: 'test', from: 'local', how: 'oauth.revoke' }
    assert.deepEqual(
      audits.map((audit) => JSON.parse(audit)),
      [{ ...common, why: 'stolen' }, common],
    )
    assert.ok(!audits.join().includes('one'), 'and no text of a token')
  })

  test('other operations of the write are written with it, or nothing is', async () => {
    const { realm } = await openWorld()
    const record = await issue(realm, 'one')
    const put = (fromVersion: number): ReturnType<typeof putRecord> =>
      putRecord(realm, { collection: THINGS, id: 'x', value: { text: 'v' }, fromVersion }, AUDIT)
    const lost = await revokeToken(realm, record, actOf(realm, { also: put(7) }))
    assert.deepEqual([lost, await say(realm, 'one')], [{ kind: 'stale' }, 'active'])
    await revokeToken(realm, record, actOf(realm, { also: put(0) }))
    assert.equal((await realm.directory.get(THINGS, 'x'))?.value.text, 'v')
    assert.equal(await say(realm, 'one'), 'revoked')
  })

  test('a revocation is named by the seq of its own row (model §3.5)', async () => {
    const { realm } = await openWorld()
    const record = await issue(realm, 'one')
    const also = putRecord(
      realm,
      { collection: THINGS, id: 'x', value: { text: 'v' }, fromVersion: 0 },
      AUDIT,
    )
    const { seq } = revoked(await revokeToken(realm, record, actOf(realm, { also })))
    const [row] = await realm.store.rowsAfter(realm.ordinal, seq - 1, 1)
    assert.ok(row !== undefined)
    assert.equal(decodeRule(row).kind, 'revoke')
  })
})

describe('when the right to revoke, or the target, is gone', () => {
  test('a caller who was revoked meanwhile is stale, earlier or in the same group', async () => {
    for (const isSame of [true, false]) {
      const { realm } = await openWorld()
      const own = await issue(realm, 'caller', { client: 'caller' })
      const other = await issue(realm, 'other')
      const caller = { id: 'x', from: 'y', dependency: { realm: realm.ordinal, facts: own } }
      const first = revokeToken(realm, own, actOf(realm))
      if (!isSame) await first
      assert.deepEqual(await revokeToken(realm, other, actOf(realm, { caller })), { kind: 'stale' })
      await first
      assert.equal(await say(realm, 'other'), 'active')
    }
  })

  test('a token may revoke itself', async () => {
    const { realm } = await openWorld()
    const own = await issue(realm, 'own')
    const caller = { id: 'x', from: 'y', dependency: { realm: realm.ordinal, facts: own } }
    assert.equal((await revokeToken(realm, own, actOf(realm, { caller, onlyIfLive: own }))).kind, 'revoked')
  })

  test('an act for a live record only writes one row, however many ask at once (model §5.7)', async () => {
    const { realm } = await openWorld()
    const record = await issue(realm, 'one')
    const before = realm.index.seq
    const act = actOf(realm, { onlyIfLive: record })
    const all = await Promise.all(Array.from({ length: 50 }, () => revokeToken(realm, record, act)))
    assert.equal(all.filter(({ kind }) => kind === 'revoked').length, 1)
    assert.equal(realm.index.seq, before + 1)
  })

  test('a caller who was cut off before it was judged is not stale', async () => {
    const { realm } = await openWorld()
    const record = await issue(realm, 'one', { client: 'other' })
    await revokePrincipals(realm, { shape: 'client', principals: CLIENT }, actOf(realm))
    const caller = callerAt(realm, realm.position(), CLIENT)
    assert.equal((await revokeToken(realm, record, actOf(realm, { caller }))).kind, 'revoked')
  })
})

describe('which tokens a "revoke all" ended', () => {
  async function cutOffClient({ realm }: World): Promise<EndedBy> {
    const { at, previousCutoff } = revoked(
      await revokePrincipals(realm, { shape: 'client', principals: CLIENT }, actOf(realm)),
    )
    return { shape: 'client', at, previousCutoff }
  }

  test('those that lived until then, and no others', async () => {
    const world = await openWorld()
    const { realm, clock } = world
    const cutOffBefore = await issue(realm, 'cut before')
    await cutOffClient(world)
    const expired = await issue(realm, 'expired', { expiresAtMs: realm.nowMs() + 10 })
    const expiring = await issue(realm, 'expiring', { expiresAtMs: realm.nowMs() + 11 })
    const single = await issue(realm, 'single')
    await revokeToken(realm, single, actOf(realm))
    const live = await issue(realm, 'live')
    clock.advance(10)
    const cutoff = await cutOffClient(world)
    const later = await issue(realm, 'later')
    const records = [cutOffBefore, expired, single, later, expiring, live]
    assert.deepEqual(
      records.map((record) => endedByCutoff(realm, record, cutoff)),
      [false, false, false, false, true, true],
    )
  })

  test('a cutoff returns the previous one to its caller', async () => {
    const world = await openWorld()
    const first = await cutOffClient(world)
    const second = await cutOffClient(world)
    assert.equal(first.previousCutoff, undefined)
    assert.equal(second.previousCutoff?.plain, first.at)
  })
})

test('tokens derived from a revoked token stay inactive after the rule on it is dropped', async () => {
  const { realm, realms, clock } = await openWorld()
  const parent = await issue(realm, 'parent', { expiresAtMs: realm.nowMs() + 60_000 })
  const child = { ancestors: [ancestorOf(parent)], expiresAtMs: realm.nowMs() + 30 * DAY_MS }
  await issue(realm, 'child', child)
  await revokeToken(realm, parent, actOf(realm))
  assert.equal(await say(realm, 'child'), 'revoked')
  clock.advance(DAY_MS)
  realms.ledger.raiseFloor(clock.wallMs())
  for (let slice = 0; slice < 64; slice += 1) realm.index.dropExpired(slice)
  // It expired with its parent, at the latest.
  assert.notEqual(await say(realm, 'child'), 'active')
})
