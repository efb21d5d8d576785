import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { position, StoreRefused, StoreUnavailable } from '@rescind/core'
import { decodeRule } from '@rescind/core/log'
import { AUDIT, actOf, callerAt, intentOf, issue, rawOf, say, tryIssue } from '../../test/kit/acts.ts'
import { type CommitFate, FaultyStore } from '../../test/kit/faulty-store.ts'
import { HandClock, MASTER, openWorld, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { storedKind } from '../kinds.ts'
import { collectEntries } from '../log/gc.ts'
import type { Group, GroupOutcome } from '../log/writes.ts'
import type { Store } from '../ports.ts'
import type { MasterKey } from './realm-keys.ts'
import { Realms } from './realms.ts'
import { revokePrincipals, revokeToken } from './revoke.ts'

function open(store: Store, seed = 'again', master: MasterKey = MASTER): Promise<Realms> {
  const clock = new HandClock()
  return Realms.open({ store, clock, master, random: new SeededRandom(seed), defer: queueMicrotask })
}

describe('a new store', () => {
  test('gets a system realm and a default one, each with an epoch as its first row', async () => {
    const store = new FaultyStore(START_MS)
    assert.equal(await Realms.isNew(store), true)
    const realms = await open(store)
    assert.equal(await Realms.isNew(store), false)
    assert.deepEqual(
      realms.all().map(({ name }) => name),
      ['system', 'default'],
    )
    for (const realm of realms.all()) {
      const [first] = await store.rowsAfter(realm.ordinal, 0, 1)
      assert.ok(first !== undefined)
      const rule = decodeRule(first)
      assert.ok(rule.kind === 'epoch')
      assert.deepEqual([rule.ordinal, realm.index.epochId], [1, rule.epochId])
      assert.equal(realm.position(), position(1, realm.index.seq))
    }
    assert.notEqual(realms.system.index.epochId, realms.default.index.epochId)
  })

  test('the system realm serves no dialect (model §1.1)', async () => {
    const realms = await open(new FaultyStore(START_MS))
    assert.equal(await realms.get('system'), undefined)
    assert.equal(await realms.get('default'), realms.default)
    for (const name of ['', 'nope', 'Default', 'default ', '__proto__', 'constructor', 'toString']) {
      assert.equal(await realms.get(name), undefined, name)
    }
  })
})

describe('opening a store again', () => {
  test('gives the same realms, the same heads and the same verdicts', async () => {
    const store = new FaultyStore(START_MS)
    const { realms, realm } = await openWorld(store)
    const other = await realms.create('other', AUDIT)
    await revokeToken(realm, await issue(realm, 'revoked'), actOf(realm))
    await issue(realm, 'cut', { client: 'x' })
    await revokePrincipals(
      realm,
      { shape: 'client', principals: { source: 'oauth', client: 'x' } },
      actOf(realm),
    )
    await issue(realm, 'after the cut', { client: 'x' })
    await issue(realm, 'live')
    await issue(other, 'live')
    await issue(other, 'revoked')
    const texts = ['revoked', 'cut', 'after the cut', 'live', 'never']
    const picture = async (of: Realms): Promise<unknown> => {
      const said: unknown[] = []
      for (const one of of.all()) {
        said.push([one.name, one.ordinal, one.position(), one.index.epochId, one.keys])
        for (const text of texts) said.push([text, await say(one, text)])
      }
      return said
    }
    const before = await picture(realms)
    const again = await open(store)
    assert.deepEqual(await picture(again), before)
    assert.deepEqual(await Promise.all(texts.map((text) => say(again.default, text))), [
      'revoked',
      'revoked',
      'active',
      'active',
      'unknown',
    ])
    assert.equal((await again.create('third', AUDIT)).ordinal, other.ordinal + 1)
  })

  test('with another master key is refused, and nothing is written (model §8.2)', async () => {
    const store = new FaultyStore(START_MS)
    await open(store)
    const before = store.commits
    const bytes = Buffer.from(MASTER.bytes)
    bytes[0] = (bytes[0] ?? 0) ^ 1
    await assert.rejects(open(store, 'x', { bytes }), StoreRefused)
    assert.equal(store.commits, before)
  })
})

describe('realms are separate (model §1.1)', () => {
  test('one text in two realms is two tokens with two digests, and is revoked in one alone', async () => {
    const { realms, realm } = await openWorld()
    const other = await realms.create('other', AUDIT)
    const mine = await issue(realm, 'same text')
    const theirs = await issue(other, 'same text')
    assert.notEqual(mine.digest, theirs.digest)
    await revokeToken(realm, mine, actOf(realm))
    assert.deepEqual([await say(realm, 'same text'), await say(other, 'same text')], ['revoked', 'active'])
    await issue(realm, 'only here')
    assert.equal(await say(other, 'only here'), 'unknown')
  })

  test('a cutoff of a whole realm leaves every other realm alone', async () => {
    const { realms, realm } = await openWorld()
    const other = await realms.create('other', AUDIT)
    await issue(realm, 'one')
    await issue(other, 'one')
    await issue(realms.system, 'one')
    const { seq } = other.index
    await revokePrincipals(realm, { shape: 'realm', principals: { source: '' } }, actOf(realm))
    const said = await Promise.all([realm, other, realms.system].map((one) => say(one, 'one')))
    assert.deepEqual([said, other.index.seq], [['revoked', 'active', 'active'], seq])
  })

  test('a cutoff in one realm makes no write in another stale, even in the same group', async () => {
    const { realms, realm } = await openWorld()
    const other = await realms.create('other', AUDIT)
    const cutting = revokePrincipals(
      realm,
      { shape: 'source', principals: { source: 'oauth' } },
      actOf(realm),
    )
    const minting = tryIssue(other, intentOf(other, 'one'), { caller: callerAt(other, other.position()) })
    assert.equal((await minting).kind, 'issued')
    assert.equal((await cutting).kind, 'revoked')
    assert.equal(await say(other, 'one'), 'active')
  })

  test('secrets and digests are keyed by the realm', async () => {
    const { realms, realm } = await openWorld()
    const other = await realms.create('other', AUDIT)
    assert.notEqual(realm.secretDigest('s'), other.secretDigest('s'))
    const digests = realms.all().map(({ keys }) => rawOf('t').digest(keys.digestKey))
    assert.equal(new Set(digests).size, 3)
  })
})

describe('making a realm', () => {
  test('a name that cannot be one, is taken, or is "system" is refused and changes nothing', async () => {
    const { realms } = await openWorld()
    const { seq } = realms.system.index
    for (const name of ['', 'system', 'default', 'A', 'a b', '-a', 'a'.repeat(64), 'a/b']) {
      await assert.rejects(realms.create(name, AUDIT), StoreRefused, name)
    }
    assert.deepEqual([realms.system.index.seq, realms.all().length], [seq, 2])
  })

  test('two that are created at once race; the loser may try again, and in the end both exist', async () => {
    const store = new FaultyStore(START_MS)
    const { realms } = await openWorld(store)
    const names = ['one', 'two', 'three']
    const wanting = new Set(names)
    for (let round = 0; wanting.size > 0; round += 1) {
      assert.ok(round < 5, 'every round makes at least one')
      const tries = [...wanting].map(async (name) => {
        await realms.create(name, AUDIT)
        wanting.delete(name)
      })
      for (const result of await Promise.allSettled(tries)) {
        if (result.status === 'rejected') assert.ok(result.reason instanceof StoreUnavailable)
      }
    }
    const ordinalsIn = (of: Realms): Promise<readonly unknown[]> =>
      Promise.all(names.map(async (name) => (await of.get(name))?.ordinal))
    const ordinals = await ordinalsIn(realms)
    assert.equal(new Set(ordinals).size, 3)
    const again = await open(store)
    assert.deepEqual(await ordinalsIn(again), ordinals)
  })

  test('a realm whose creation was not confirmed can be created again', async () => {
    for (const fate of ['fails-unwritten', 'fails-written'] as const) {
      for (const failing of [1, 2]) {
        const store = new FailingOnce(START_MS)
        const { realms } = await openWorld(store)
        store.failAt(failing, fate)
        await assert.rejects(realms.create('new', AUDIT), StoreUnavailable)
        const made = await realms.create('new', AUDIT).catch((error: unknown) => error)
        const had = await realms.get('new')
        assert.equal(had?.index.epochId.length, 22, `${fate} at commit ${failing}: ${String(made)}`)
      }
    }
  })
})

/** Fails one commit, a given number of commits from now. */
class FailingOnce extends FaultyStore {
  #left = 0
  #fate: CommitFate = 'works'

  failAt(nth: number, fate: CommitFate): void {
    this.#left = nth
    this.#fate = fate
  }

  override commit(group: Group): Promise<GroupOutcome> {
    this.#left -= 1
    this.fate = this.#left === 0 ? this.#fate : 'works'
    return super.commit(group)
  }
}

test('a realm whose creation two callers retry at once is opened once', async () => {
  const store = new FaultyStore(START_MS)
  const { realms } = await openWorld(store)
  store.fate = 'fails-written'
  await assert.rejects(realms.create('late', AUDIT), StoreUnavailable)
  store.fate = 'works'
  await realms.ledger.probe()
  const made = await Promise.allSettled([realms.create('late', AUDIT), realms.create('late', AUDIT)])
  const late = await realms.get('late')
  assert.ok(late !== undefined)
  // The second caller may find that the realm exists.
  for (const one of made) {
    if (one.status === 'fulfilled') assert.equal(one.value, late)
    else assert.ok(one.reason instanceof StoreRefused)
  }
  assert.ok(made.some(({ status }) => status === 'fulfilled'))
  assert.deepEqual([late.index.seq, late.index.epochs.length], [1, 1])
})

test('a first start that failed at any commit is completed by the next one', async () => {
  const failures: string[] = []
  for (const fate of ['fails-unwritten', 'fails-written'] as const) {
    for (let nth = 1; nth <= 4; nth += 1) {
      const store = new FailingOnce(START_MS)
      store.failAt(nth, fate)
      await assert.rejects(open(store, 'first'), `there is a commit ${nth}`)
      try {
        const realms = await open(store, 'second')
        await issue(realms.default, 'one')
        assert.equal(await say(realms.default, 'one'), 'active')
      } catch (error) {
        failures.push(`${fate} at commit ${nth}: ${String(error)}`)
      }
    }
  }
  assert.deepEqual(failures, [])
})

function openLazily(store: Store): Promise<Realms> {
  return Realms.open({
    ...{ store, clock: new HandClock(), master: MASTER, random: new SeededRandom('lazily') },
    ...{ defer: queueMicrotask, lazily: true },
  })
}

// Actions on a realm that is not open: concurrent requests, disabling, right after creation, after wrapping keys again, with
// expired expiring entries, and on one in which something was written.
onBothStores(
  '[W104] a realm in which nothing was written is opened once, by its first request',
  async (store) => {
    const { realms: first } = await openWorld(store)
    for (const name of ['empty', 'off', 'used']) await first.create(name, AUDIT)
    const used = await first.get('used')
    assert.ok(used !== undefined)
    const record = await issue(used, 'one')
    await revokeToken(used, record, actOf(used))
    const caller = actOf(first.default).caller
    assert.equal(await first.setState('off', 'disabled', { caller, audit: AUDIT }), 'done')
    const realms = await openLazily(store)
    assert.deepEqual(
      realms.all().map(({ name }) => name),
      // A disabled realm has a row that ended everything in it.
      ['system', 'default', 'off', 'used'],
    )
    assert.deepEqual(
      realms.dormant().map(({ name }) => name),
      ['empty'],
    )
    assert.deepEqual(
      [realms.isServed('empty'), realms.isServed('off'), realms.isServed('none')],
      [true, false, false],
    )
    const again = await realms.get('used')
    assert.ok(again !== undefined)
    assert.equal(await say(again, 'one'), 'revoked', 'what is revoked is known from the start')
    const woken = await Promise.all([
      realms.get('empty'),
      realms.served('empty'),
      realms.known('empty'),
      realms.get('empty'),
    ])
    assert.equal(new Set(woken).size, 1)
    assert.deepEqual([woken[0]?.index.seq, woken[0]?.index.epochs.length], [1, 1])
    assert.equal(await realms.get('empty'), woken[0], 'the same from then on')
    assert.equal(realms.dormant().length, 0)
  },
)

test('[W104] a new realm is opened by its first request, and is then like every other', async () => {
  const { store } = await openWorld()
  const realms = await openLazily(store)
  await realms.make('new', AUDIT)
  await assert.rejects(realms.make('new', AUDIT), StoreRefused)
  assert.equal(realms.all().length, 2)
  assert.equal((await realms.view('new'))?.enabled, true)
  const realm = await realms.get('new')
  assert.ok(realm !== undefined)
  const record = await issue(realm, 'one')
  await revokeToken(realm, record, actOf(realm))
  assert.equal(await say(realm, 'one'), 'revoked')
  assert.equal(
    await say(await openLazily(store).then(async (next) => (await next.get('new')) ?? realm), 'one'),
    'revoked',
  )
})

test('[W104] a realm that is not open is disabled, deleted and wrapped anew as one that is', async () => {
  const { store } = await openWorld()
  const realms = await openLazily(store)
  for (const name of ['off', 'gone', 'kept']) await realms.make(name, AUDIT)
  const { caller } = actOf(realms.default)
  assert.equal(await realms.setState('off', 'disabled', { caller, audit: AUDIT }), 'done')
  assert.equal(await realms.setState('gone', 'deleted', { caller, audit: AUDIT }), 'done')
  const master = { bytes: Buffer.alloc(32, 9) }
  assert.equal(await realms.rewrap(master, { caller, audit: AUDIT }), 'done')
  assert.deepEqual(
    ['off', 'gone', 'kept'].map((name) => realms.isServed(name)),
    [false, false, true],
  )
  assert.equal(realms.dormant().length, 1)
  assert.equal((await realms.get('kept'))?.name, 'kept', 'by the key that its record is wrapped by now')
  assert.equal((await realms.known('off'))?.isClosed, true)
  assert.equal(await realms.known('gone'), undefined)
})

test('[W104] a realm that cannot be opened is out of order alone, and is opened when it can be', async () => {
  const store = new FailingOnce(START_MS)
  await openWorld(store)
  const realms = await openLazily(store)
  await realms.make('new', AUDIT)
  // Opening writes its first row, the first epoch.
  store.failAt(1, 'fails-unwritten')
  await assert.rejects(Promise.resolve(realms.get('new')), StoreUnavailable)
  assert.equal(await say(realms.default, 'none'), 'unknown')
  assert.equal((await realms.get('new'))?.index.seq, 1)
})

test('[W104] expired records of a realm that is not open are collected', async () => {
  const world = await openWorld()
  const { store, clock, realms: first } = world
  const made = await first.create('new', AUDIT)
  const entry = { kind: storedKind('k'), id: 'i', value: Buffer.alloc(1), expiresAtMs: clock.wallMs() + 1 }
  const operations = [{ kind: 'put-expiring', entry } as const]
  await made.commit({ realm: made.ordinal, dependsOn: [], expects: [], operations })
  const realms = await openLazily(store)
  assert.equal(realms.dormant().length, 1)
  realms.ledger.raiseFloor(clock.wallMs() + 1)
  await realms.ledger.settleFloor()
  assert.equal(await collectEntries(realms, store), 1)
  assert.equal(await store.expiring(made.ordinal, entry), undefined)
  assert.equal((await realms.get('new'))?.index.floorMs, clock.wallMs() + 1, 'and its index has the floor')
})
