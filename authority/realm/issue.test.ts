import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ancestorOf, grantOf, LIFETIME_MAX_MS, type TokenRecord } from '@rescind/core'
import type { Rule, Target } from '@rescind/core/log'
import { AUDIT, actOf, callerAt, intentOf, issue, rawOf, say, tryIssue } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import { DAY_MS, grantAt, handleAt } from '../../test/kit/samples.ts'
import { putRecord } from '../directory/change.ts'
import type { Collection } from '../directory/directory.ts'
import type { Operation } from '../log/writes.ts'
import { issueTokens } from './issue.ts'
import type { Caller, Realm } from './realm.ts'
import { unsealTokenText } from './realm-keys.ts'
import { revokeGrant, revokePrincipals, revokeToken } from './revoke.ts'

const THINGS: Collection<string> = { name: 'things', keys: () => [] }

async function open(): Promise<{ realm: Realm; store: FaultyStore; system: Realm }> {
  const store = new FaultyStore(START_MS)
  const { realm, realms } = await openWorld(store)
  return { realm, store, system: realms.system }
}

function append(realm: Realm, rule: Rule): Promise<unknown> {
  return realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'append', row: realm.row(rule, AUDIT) }],
  })
}

describe('what is minted', () => {
  test('a record has what was intended, the position it was judged at, and the time', async () => {
    const { realm } = await open()
    const judgedAt = realm.position()
    const parent = await issue(realm, 'parent')
    await append(realm, { kind: 'release', id: 'nothing' })
    const given = {
      handle: handleAt(1),
      grant: grantAt(1),
      session: 'ses',
      ancestors: [ancestorOf(parent)],
      scope: 'a b',
      audience: ['x'],
      authenticatedBy: ['password'],
      claims: { deep: { list: [1] } },
    } as const
    const issued = await tryIssue(realm, intentOf(realm, 'one', given), { judgedAt })
    assert.ok(issued.kind === 'issued')
    const [record] = issued.records
    const { raw, ...rest } = intentOf(realm, 'one', given)
    const digest = raw.digest(realm.keys.digestKey)
    assert.deepEqual(record, { ...rest, digest, position: judgedAt, issuedAtMs: realm.nowMs() })
    assert.deepEqual(await realm.store.tokenByDigest(realm.ordinal, digest), record)
    assert.notEqual(judgedAt, realm.position())
  })

  test('a token without a grant starts its own, with its own bits', async () => {
    const { realm } = await open()
    const record = await issue(realm, 'one')
    assert.equal(record.grant, grantOf(record.handle))
    assert.deepEqual([record.ancestors, record.sealed], [[], undefined])
  })

  test('text is sealed only on request, and opens for its record', async () => {
    const { realm } = await open()
    const record = await issue(realm, 'readable', { sealText: true })
    assert.equal(unsealTokenText(realm.keys, realm.name, record)?.reveal(), 'readable')
    assert.ok(!('sealText' in record) && !('raw' in record), 'the record holds nothing but the record')
  })

  test('[H05] the longest life is minted, a millisecond more is not (model §2.8)', async () => {
    const { realm } = await open()
    const last = realm.nowMs() + LIFETIME_MAX_MS
    await issue(realm, 'longest', { expiresAtMs: last })
    const longer = await tryIssue(realm, intentOf(realm, 'longer', { expiresAtMs: last + 1 }))
    assert.deepEqual(longer, { kind: 'stale' }, 'the maximum became less after it was read: judge again')
    assert.equal(await say(realm, 'longer'), 'unknown')
  })

  test('[F10] text that is already a token is not minted again, alive or dead', async () => {
    const { realm } = await open()
    const record = await issue(realm, 'one')
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'one')), { kind: 'token-exists' })
    const handle = { handle: record.handle }
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'two', handle)), { kind: 'token-exists' })
    await revokeToken(realm, record, actOf(realm))
    // A rule on these very bytes exists, so judging again does not help.
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'one')), { kind: 'stale' })
    assert.equal(await say(realm, 'two'), 'unknown')
  })

  test('several tokens are minted together or not at all', async () => {
    const { realm } = await open()
    await issue(realm, 'known')
    const judgedAt = realm.position()
    const tokens = ['new', 'known'].map((text) => intentOf(realm, text, { client: 'other' }))
    const issued = await issueTokens(realm, { judgedAt, caller: callerAt(realm, judgedAt), tokens })
    assert.deepEqual([issued, await say(realm, 'new')], [{ kind: 'token-exists' }, 'unknown'])
  })

  test('the log grows by no row when tokens are issued and consumed (model §3.3)', async () => {
    const { realm } = await open()
    const before = realm.index.seq
    const refresh = await issue(realm, 'refresh', { kind: 'refresh' })
    await tryIssue(realm, intentOf(realm, 'next', { kind: 'refresh' }), { consume: refresh })
    assert.equal(realm.index.seq, before)
  })
})

describe('single use', () => {
  test('a consumed token is rotated, its successor lives, and a second use mints nothing', async () => {
    const { realm } = await open()
    const first = await issue(realm, 'first', { kind: 'refresh' })
    const { grant } = first
    const next = await tryIssue(realm, intentOf(realm, 'second', { kind: 'refresh', grant }), {
      consume: first,
    })
    assert.equal(next.kind, 'issued')
    assert.deepEqual([await say(realm, 'first'), await say(realm, 'second')], ['rotated', 'active'])
    const again = await tryIssue(realm, intentOf(realm, 'thief', { kind: 'refresh', grant }), {
      consume: first,
    })
    assert.deepEqual([again, await say(realm, 'thief')], [{ kind: 'consumed' }, 'unknown'])
  })

  test('[E05] [E08] of 32 uses at once exactly one mints a successor, a hundred times over', async () => {
    const { realm } = await open()
    for (let round = 0; round < 100; round += 1) {
      const consume = await issue(realm, `refresh ${round}`, { kind: 'refresh' })
      const texts = Array.from({ length: 32 }, (_, at) => `next ${round} ${at}`)
      const all = await Promise.all(texts.map((text) => tryIssue(realm, intentOf(realm, text), { consume })))
      assert.equal(all.filter(({ kind }) => kind === 'issued').length, 1)
      const said = await Promise.all(texts.map((text) => say(realm, text)))
      assert.equal(said.filter((one) => one === 'active').length, 1)
    }
  })
})

describe('holds', () => {
  const client: Target = { kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'c' } }

  test('nothing is minted for the principals of a hold until it is released (model §5.5)', async () => {
    const { realm } = await open()
    await issue(realm, 'before')
    await append(realm, { kind: 'hold', id: 'h', target: client })
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'during')), { kind: 'held' })
    assert.equal((await tryIssue(realm, intentOf(realm, 'other', { client: 'd' }))).kind, 'issued')
    assert.deepEqual([await say(realm, 'before'), await say(realm, 'during')], ['held', 'unknown'])
    await append(realm, { kind: 'release', id: 'h' })
    await issue(realm, 'after')
    assert.deepEqual([await say(realm, 'before'), await say(realm, 'after')], ['active', 'active'])
  })

  test('a dated hold suspends old tokens and lets new ones be minted', async () => {
    const { realm } = await open()
    await issue(realm, 'old')
    await append(realm, {
      kind: 'hold',
      id: 'h',
      target: { ...client, issuedBeforeMs: realm.nowMs() + 1 } as Target,
    })
    await issue(realm, 'new')
    assert.deepEqual([await say(realm, 'old'), await say(realm, 'new')], ['held', 'active'])
  })
})

type Hit = (realm: Realm, parent: TokenRecord) => Promise<unknown>

const client = { source: 'oauth', client: 'c' }

/** Everything that a write depends on, and what may hit it between judgement and commit (model §4.3). */
const HITS: Readonly<Record<string, Hit>> = {
  'the parent is revoked': (realm, parent) => revokeToken(realm, parent, actOf(realm)),
  'its ancestor is revoked': (realm, { ancestors: [elder] }) => {
    assert.ok(elder?.handle !== undefined)
    const digest = rawOf('elder').digest(realm.keys.digestKey)
    const target = { kind: 'token', source: elder.source, handle: elder.handle, digest } as const
    return append(realm, { kind: 'revoke', target, keepUntilMs: realm.nowMs() + LIFETIME_MAX_MS })
  },
  'the grant is revoked': (realm, { source, grant }) => revokeGrant(realm, { source, grant }, actOf(realm)),
  'the client is cut off': (realm) =>
    revokePrincipals(realm, { shape: 'client', principals: client }, actOf(realm)),
  'the realm is cut off': (realm) =>
    revokePrincipals(realm, { shape: 'realm', principals: { source: '' } }, actOf(realm)),
  "the caller's own principals are cut off": (realm) =>
    revokePrincipals(
      realm,
      { shape: 'subject', principals: { source: 'identity', subject: 'admin' } },
      actOf(realm),
    ),
  'the grandparent’s tenant is cut off': (realm) =>
    revokePrincipals(
      realm,
      { shape: 'tenant', principals: { source: 'identity', tenant: 'elder' } },
      actOf(realm),
    ),
  'the session is revoked': (realm) =>
    append(realm, {
      kind: 'revoke',
      target: { kind: 'session', source: 'oauth', session: 'ses' },
      keepUntilMs: realm.nowMs() + LIFETIME_MAX_MS,
    }),
  '[H15] the grant of its ancestor is revoked': (realm, { ancestors: [elder] }) => {
    assert.ok(elder?.grant !== undefined)
    return revokeGrant(realm, { source: elder.source, grant: elder.grant }, actOf(realm))
  },
  '[H15] the session of its ancestor is revoked': (realm) =>
    append(realm, {
      kind: 'revoke',
      target: { kind: 'session', source: 'identity', session: 'elder' },
      keepUntilMs: realm.nowMs() + LIFETIME_MAX_MS,
    }),
  '[H15] the session of its ancestor is held': (realm) =>
    append(realm, {
      kind: 'hold',
      id: 'h',
      target: { kind: 'session', source: 'identity', session: 'elder' },
    }),
  'the client is held': (realm) =>
    append(realm, { kind: 'hold', id: 'h', target: { kind: 'cut', shape: 'client', principals: client } }),
  'the grant is held': (realm, { source, grant }) =>
    append(realm, { kind: 'hold', id: 'h', target: { kind: 'grant', source, grant } }),
}

/** A single-use token that another one was exchanged for. */
async function family(realm: Realm): Promise<TokenRecord> {
  const elder = await issue(realm, 'elder', {
    source: 'identity',
    tenant: 'elder',
    session: 'elder',
    client: 'other',
    subject: 'e',
  })
  return issue(realm, 'parent', { kind: 'refresh', session: 'ses', ancestors: [ancestorOf(elder)] })
}

/** A rotation on behalf of an administrator: the successor inherits grant and ancestors, and adds none. */
function refresh(
  realm: Realm,
  parent: TokenRecord,
  text: string,
  judgedAt = realm.position(),
): ReturnType<typeof tryIssue> {
  const intent = intentOf(realm, text, {
    kind: 'refresh',
    grant: parent.grant,
    session: 'ses',
    ancestors: parent.ancestors,
  })
  const caller = callerAt(realm, judgedAt, { source: 'identity', subject: 'admin' })
  return tryIssue(realm, intent, { judgedAt, caller, consume: parent })
}

async function assertNothing(realm: Realm, parent: TokenRecord): Promise<void> {
  assert.equal(await say(realm, 'child'), 'unknown')
  assert.equal(await realm.store.consumption(realm.ordinal, parent.handle), undefined)
}

describe('a write is stale, and changes nothing, when between judgement and commit', () => {
  for (const [what, hit] of Object.entries(HITS)) {
    test(`${what}, in an earlier group`, async () => {
      const { realm } = await open()
      const parent = await family(realm)
      const judgedAt = realm.position()
      await hit(realm, parent)
      const outcome = await refresh(realm, parent, 'child', judgedAt)
      assert.ok(outcome.kind === 'stale' || outcome.kind === 'held', outcome.kind)
      await assertNothing(realm, parent)
    })

    test(`${what}, in the same group, whichever was asked for first`, async () => {
      for (const isFirst of [true, false]) {
        const { realm, store } = await open()
        const parent = await family(realm)
        const before = store.commits
        const early = isFirst ? hit(realm, parent) : undefined
        const minting = refresh(realm, parent, 'child')
        await (early ?? hit(realm, parent))
        assert.deepEqual(await minting, { kind: 'stale' })
        assert.equal(store.commits, before + 1, 'they shared a group')
        await assertNothing(realm, parent)
      }
    })
  }

  test("the caller's key in the system realm is revoked, earlier or in the same group (model §1.1)", async () => {
    for (const isSame of [true, false]) {
      const { realm, system } = await open()
      const key = await issue(system, 'control key', { source: 'control' })
      const caller: Caller = { id: 'key', from: 'local', dependency: { realm: system.ordinal, facts: key } }
      const revoking = revokeToken(system, key, actOf(system))
      if (!isSame) await revoking
      assert.deepEqual(await tryIssue(realm, intentOf(realm, 'one'), { caller }), { kind: 'stale' })
      await revoking
    }
  })

  test('an epoch begins that loses the caller', async () => {
    const { realm } = await open()
    const judgedAt = realm.position()
    await append(realm, { kind: 'epoch', ordinal: 2, epochId: 'n', lostBelow: realm.position() })
    await append(realm, { kind: 'epoch', ordinal: 3, epochId: 'o', lostBelow: realm.position() })
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'one'), { judgedAt }), { kind: 'stale' })
  })

  test('a directory record that it expects moves on, or another write changes what it changes', async () => {
    const { realm } = await open()
    const commit = (operations: readonly Operation[]): Promise<unknown> =>
      realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    const put = (fromVersion: number): readonly Operation[] =>
      putRecord(realm, { collection: THINGS, id: 'x', value: 'v', fromVersion }, AUDIT)
    await commit(put(0))
    const expects = [{ collection: 'things', id: 'x', version: 1 }]
    assert.equal((await tryIssue(realm, intentOf(realm, 'one'), { expects })).kind, 'issued')
    await commit(put(1))
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'two'), { expects }), { kind: 'stale' })
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'three'), { also: put(1) }), { kind: 'stale' })
    assert.deepEqual([await say(realm, 'two'), await say(realm, 'three')], ['unknown', 'unknown'])
  })
})

describe('what is not stale', () => {
  test('rules about others, earlier or in the same group, delay no write', async () => {
    const { realm } = await open()
    const parent = await family(realm)
    const judgedAt = realm.position()
    for (let at = 0; at < 300; at += 1) {
      const other = { shape: 'client', principals: { source: 'oauth', client: `other ${at}` } } as const
      const revoking = revokePrincipals(realm, other, actOf(realm))
      if (at % 2 === 0) await revoking
    }
    assert.equal((await refresh(realm, parent, 'child', judgedAt)).kind, 'issued')
  })

  test('judging again after a cutoff of the client mints a live token in the same millisecond', async () => {
    const { realm } = await open()
    const judgedAt = realm.position()
    await revokePrincipals(realm, { shape: 'client', principals: client }, actOf(realm))
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'stale'), { judgedAt }), { kind: 'stale' })
    await issue(realm, 'fresh')
    assert.equal(await say(realm, 'fresh'), 'active')
  })

  test('a dated cutoff of the past touches no token that is minted now', async () => {
    const { realm } = await open()
    const judgedAt = realm.position()
    const caller = callerAt(realm, judgedAt, { source: 'control', client: 'key' })
    const dated = { shape: 'client', principals: client, issuedBeforeMs: realm.nowMs() - DAY_MS } as const
    await revokePrincipals(realm, dated, actOf(realm))
    assert.equal((await tryIssue(realm, intentOf(realm, 'one'), { judgedAt, caller })).kind, 'issued')
    assert.equal(await say(realm, 'one'), 'active')
  })
})

test('a derivation that would need a ninth ancestor is refused (model §2.2)', async () => {
  const { realm } = await open()
  const up = ancestorOf(await issue(realm, 'up'))
  const deep = (count: number): Promise<unknown> =>
    tryIssue(realm, intentOf(realm, `deep ${count}`, { ancestors: Array.from({ length: count }, () => up) }))
  assert.equal(((await deep(8)) as { kind: string }).kind, 'issued')
  assert.notEqual(((await deep(9)) as { kind: string }).kind, 'issued')
})
