import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ordinalOf, position, realmOrdinal, StoreUnavailable } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { decodeRule, encodeRule, type LogRow } from '@rescind/core/log'
import { AUDIT, actOf, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { MASTER, openWorld, START_MS, type World } from '../../test/kit/realm.ts'
import { DIGEST_KEY, digestAt } from '../../test/kit/samples.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { putRecord } from '../directory/change.ts'
import type { Collection } from '../directory/directory.ts'
import type { Realm } from '../realm/realm.ts'
import { Realms } from '../realm/realms.ts'
import { revokePrincipals, revokeToken } from '../realm/revoke.ts'
import { Ledger } from './ledger.ts'
import type { Publication } from './publications.ts'
import type { Write } from './writes.ts'

type Faulty = World & { readonly store: FaultyStore }

async function openFaulty(): Promise<Faulty> {
  const store = new FaultyStore(START_MS)
  const world = await openWorld(store)
  return { ...world, store }
}

/** Pages of the log after a given row fail at once, while earlier ones take their time. */
class FailingBehind extends FaultyStore {
  behind: number | undefined

  override async rowsAfter(
    ...ask: Parameters<FaultyStore['rowsAfter']>
  ): ReturnType<FaultyStore['rowsAfter']> {
    if (this.behind !== undefined && ask[1] >= this.behind) throw new StoreUnavailable('no rows behind')
    await new Promise((resolve) => setImmediate(resolve))
    return super.rowsAfter(...ask)
  }
}

const CLIENT = { source: 'oauth', client: 'c' }

function writeOf(realm: Realm, operations: Write['operations']): Write {
  return { realm: realm.ordinal, dependsOn: [], expects: [], operations }
}

/** A write whose one row hits nothing. */
function rowWrite(realm: Realm): Write {
  return writeOf(realm, [{ kind: 'append', row: realm.row({ kind: 'release', id: 'nothing' }, AUDIT) }])
}

function open(store: FaultyStore, world: World): Promise<Realms> {
  const parts = { store, clock: world.clock, master: MASTER, random: new SeededRandom('again') }
  return Realms.open({ ...parts, defer: queueMicrotask })
}

describe('a flush that fails', () => {
  test('a commit that failed unwritten leaves the token alive, and a retry ends it', async () => {
    const { realm, realms, store } = await openFaulty()
    const record = await issue(realm, 'one')
    store.fate = 'fails-unwritten'
    await assert.rejects(revokeToken(realm, record, actOf(realm)), StoreUnavailable)
    assert.equal(realms.ledger.broken, true)
    store.fate = 'works'
    assert.equal((await revokeToken(realm, record, actOf(realm))).kind, 'revoked')
    assert.deepEqual([realms.ledger.broken, store.reopens, await say(realm, 'one')], [false, 1, 'revoked'])
  })

  test('[F07] a commit that failed but was written is known before the next one is answered', async () => {
    const { realm, store } = await openFaulty()
    const record = await issue(realm, 'one')
    await issue(realm, 'two', { client: 'other' })
    store.fate = 'fails-written'
    await assert.rejects(revokeToken(realm, record, actOf(realm)), StoreUnavailable)
    const head = await store.head(realm.ordinal)
    store.fate = 'works'
    await realm.commit(rowWrite(realm))
    assert.equal(realm.index.seq, head.seq + 1)
    assert.deepEqual([await say(realm, 'one'), await say(realm, 'two')], ['revoked', 'active'])
  })

  test('what was written without an answer makes later writes stale, as if it had been answered', async () => {
    const { realm, store } = await openFaulty()
    const judgedAt = realm.position()
    store.fate = 'fails-written'
    const cutoff = revokePrincipals(realm, { shape: 'client', principals: CLIENT }, actOf(realm))
    await assert.rejects(cutoff, StoreUnavailable)
    store.fate = 'works'
    assert.deepEqual(await tryIssue(realm, intentOf(realm, 'late'), { judgedAt }), { kind: 'stale' })
    assert.equal(await say(realm, 'late'), 'unknown')
    assert.equal((await tryIssue(realm, intentOf(realm, 'new'))).kind, 'issued')
    assert.equal(await say(realm, 'new'), 'active')
  })

  test('all writes of a failed group fail, and those that were written are known later', async () => {
    const { realm, store } = await openFaulty()
    const records = [await issue(realm, 'a'), await issue(realm, 'b'), await issue(realm, 'c')]
    store.fate = 'fails-written'
    const acts = await Promise.allSettled(records.map((one) => revokeToken(realm, one, actOf(realm))))
    assert.deepEqual(
      acts.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    store.fate = 'works'
    await realm.commit(rowWrite(realm))
    for (const text of ['a', 'b', 'c']) assert.equal(await say(realm, text), 'revoked')
  })

  test('[G08] nothing is written or acknowledged before the store was opened and read again', async () => {
    const { realm, realms, store } = await openFaulty()
    const record = await issue(realm, 'one')
    store.fate = 'fails-unwritten'
    await assert.rejects(revokeToken(realm, record, actOf(realm)), StoreUnavailable)
    store.fate = 'works'
    store.reopenFailures = 3
    // Two pages are read at once, so this makes two tries fail.
    store.rowsFailures = 4
    const before = store.commits
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const both = await Promise.allSettled([
        revokeToken(realm, record, actOf(realm)),
        tryIssue(realm, intentOf(realm, `late ${attempt}`)),
      ])
      assert.deepEqual(
        both.map(({ status }) => status),
        ['rejected', 'rejected'],
      )
      assert.deepEqual([realms.ledger.broken, store.commits], [true, before])
    }
    assert.equal((await revokeToken(realm, record, actOf(realm))).kind, 'revoked')
    assert.deepEqual([realms.ledger.broken, store.commits, store.reopens], [false, before + 1, 6])
    assert.equal(await say(realm, 'one'), 'revoked')
  })

  test('rows that a recovery read before it failed are reported as lost, and the failure is thrown', async () => {
    const store = new FailingBehind(START_MS)
    const { realm, realms } = await openWorld(store)
    const lost: number[] = []
    realms.ledger.onGroup({ published: () => {}, lost: (ordinal) => lost.push(ordinal) })
    const start = realm.index.seq
    const thousand = Array.from({ length: 1_000 }, () => rowWrite(realm).operations).flat()
    store.fate = 'fails-written'
    await assert.rejects(realm.commit(writeOf(realm, thousand)), StoreUnavailable)
    store.fate = 'works'
    store.behind = start + 1_000
    await assert.rejects(realm.commit(rowWrite(realm)), StoreUnavailable)
    assert.deepEqual([realm.index.seq, lost], [start + 1_000, [realm.ordinal]])
    store.behind = undefined
    assert.equal((await realm.commit(rowWrite(realm))).kind, 'applied')
    assert.deepEqual([realm.index.seq, lost], [start + 1_001, [realm.ordinal]])
  })

  test('a flush that fails again after its recovery breaks the ledger again', async () => {
    const { realm, realms, store } = await openFaulty()
    for (const fate of ['fails-unwritten', 'fails-written', 'fails-unwritten', 'fails-written'] as const) {
      store.fate = fate
      await assert.rejects(realm.commit(rowWrite(realm)), StoreUnavailable)
      assert.equal(realms.ledger.broken, true)
    }
    store.fate = 'works'
    await realm.commit(rowWrite(realm))
    assert.equal(realm.index.seq, (await store.head(realm.ordinal)).seq)
  })

  test('writes that waited behind a failed flush are committed after the recovery', async () => {
    const { realm, store } = await openFaulty()
    let openGate = (): void => {}
    store.gate = new Promise((resolve) => {
      openGate = resolve
    })
    store.fate = 'fails-written'
    const before = store.commits
    const first = assert.rejects(realm.commit(rowWrite(realm)), StoreUnavailable)
    while (store.commits === before) await Promise.resolve()
    const second = realm.commit(rowWrite(realm))
    store.reopen = async () => {
      store.fate = 'works'
    }
    store.gate = undefined
    openGate()
    await first
    assert.equal((await second).kind, 'applied')
    assert.equal(realm.index.seq, (await store.head(realm.ordinal)).seq)
  })

  test('a cached directory record that a lost answer changed is read again after the recovery', async () => {
    const { realm, store } = await openFaulty()
    const things: Collection<{ readonly text: string }> = { name: 'things', keys: () => [] }
    const put = (text: string, fromVersion: number): Write =>
      writeOf(realm, putRecord(realm, { collection: things, id: 'x', value: { text }, fromVersion }, AUDIT))
    await realm.commit(put('old', 0))
    assert.equal((await realm.directory.get(things, 'x'))?.value.text, 'old')
    store.fate = 'fails-written'
    await assert.rejects(realm.commit(put('new', 1)), StoreUnavailable)
    store.fate = 'works'
    await realm.commit(rowWrite(realm))
    assert.equal((await realm.directory.get(things, 'x'))?.value.text, 'new')
  })
})

describe('the order of steps', () => {
  test('listeners hear of every row once, in order, after it was folded and before its caller', async () => {
    const { realm, realms, store } = await openFaulty()
    const heard: number[] = []
    let isAnswered = false
    realms.ledger.onRow((ordinal, row: LogRow) => {
      if (ordinal !== realm.ordinal) return
      assert.equal(realm.index.seq, row.seq, 'folded')
      assert.equal(isAnswered, false)
      heard.push(row.seq)
    })
    const start = realm.index.seq
    const { row } = rowWrite(realm).operations[0] as Extract<Write['operations'][number], { kind: 'append' }>
    const append = { kind: 'append', row } as const
    await realm.commit(writeOf(realm, [append, append])).then(() => {
      isAnswered = true
    })
    isAnswered = false
    store.fate = 'fails-written'
    await assert.rejects(realm.commit(writeOf(realm, [append, append])))
    store.fate = 'works'
    await realm.commit(writeOf(realm, [append]))
    assert.deepEqual(
      heard,
      [1, 2, 3, 4, 5].map((nth) => start + nth),
    )
  })

  test('a group is published once per realm, after it was folded and before its callers are answered', async () => {
    const { realm, realms, store } = await openFaulty()
    const told: Publication[] = []
    const lost: number[] = []
    let isAnswered = false
    realms.ledger.onGroup({
      published: (publication) => {
        assert.equal(isAnswered, false)
        if (publication.realm === realm.ordinal) assert.equal(realm.index.seq, publication.head.seq)
        told.push(publication)
      },
      lost: (ordinal) => lost.push(ordinal),
    })
    const start = realm.index.seq
    const missing = {
      kind: 'extend-token',
      digest: digestAt(1),
      source: 'oauth',
      expiresAtMs: 1,
      atMs: 1,
    } as const
    const writes = [
      rowWrite(realm),
      rowWrite(realms.system),
      writeOf(realm, [...rowWrite(realm).operations, missing]),
      rowWrite(realm),
      writeOf(realm, []),
    ]
    await Promise.all(writes.map((write) => realm.commit(write))).then(() => {
      isAnswered = true
    })
    isAnswered = false
    const own = told.filter(({ realm: of }) => of === realm.ordinal)
    assert.deepEqual([told.length, own.length], [2, 1])
    const [first] = own
    assert.deepEqual([first?.prev, first?.head.seq], [start, start + 2])
    const stored = await store.chainedRowsAfter(realm.ordinal, start, 10)
    assert.deepEqual(
      first?.rows.map(({ means, ...row }) => {
        assert.deepEqual(decodeRule(row), means)
        return { ...row, auditHash: sha256(Buffer.from(row.audit)) }
      }),
      stored.map(({ chain: _, ...row }) => row),
    )
    assert.deepEqual(first?.head.chain, stored.at(-1)?.chain)

    // Rows written by a flush that failed are not published but reported as lost; then publications go on.
    store.fate = 'fails-written'
    await assert.rejects(realm.commit(rowWrite(realm)))
    store.fate = 'works'
    await realm.commit(rowWrite(realm))
    assert.deepEqual(lost, [realm.ordinal])
    assert.deepEqual([told.at(-1)?.prev, told.at(-1)?.head.seq], [start + 3, start + 4])
  })

  test('each write of a group gets its own position', async () => {
    const { realm, realms } = await openFaulty()
    const start = realm.index.seq
    const outcomes = await Promise.all([
      realm.commit(rowWrite(realm)),
      realms.system.commit(rowWrite(realms.system)),
      realm.commit(rowWrite(realm)),
      realm.commit(writeOf(realm, [])),
    ])
    const ordinal = ordinalOf(realm.position())
    assert.deepEqual(
      [outcomes[0], outcomes[2], outcomes[3]],
      [start + 1, start + 2, start + 2].map((seq) => ({ kind: 'applied', at: position(ordinal, seq), seq })),
    )
  })

  test('a conflict is passed on, and nothing of its write is folded', async () => {
    const { realm } = await openFaulty()
    const start = realm.index.seq
    const { operations } = rowWrite(realm)
    const missing = {
      kind: 'extend-token',
      digest: digestAt(1),
      source: 'oauth',
      expiresAtMs: 1,
      atMs: 1,
    } as const
    const outcome = await realm.commit(writeOf(realm, [...operations, missing]))
    assert.deepEqual(outcome, { kind: 'conflict', what: 'token-missing' })
    assert.equal(realm.index.seq, start)
  })

  test('a floor that was raised is in force at once and durable with the next flush', async () => {
    const { realm, realms, store } = await openFaulty()
    realms.ledger.raiseFloor(START_MS + 5_000)
    assert.deepEqual([realm.index.floorMs, await store.floor()], [START_MS + 5_000, START_MS])
    await realm.commit(rowWrite(realm))
    assert.equal(await store.floor(), START_MS + 5_000)
    realms.ledger.raiseFloor(START_MS)
    assert.equal(realm.index.floorMs, START_MS + 5_000)
    realms.ledger.raiseFloor(START_MS + 6_000)
    await realms.ledger.settleFloor()
    assert.equal(await store.floor(), START_MS + 6_000)
    const again = await open(store, await openFaulty())
    assert.equal(again.default.index.floorMs, START_MS + 6_000)
  })

  test('closing finishes all accepted writes and accepts no more', async () => {
    const { realm, realms } = await openFaulty()
    const last = realm.commit(rowWrite(realm))
    const closing = realms.ledger.close()
    await assert.rejects(realm.commit(rowWrite(realm)), StoreUnavailable)
    assert.equal((await last).kind, 'applied')
    await closing
  })
})

describe('opening', () => {
  test('a log of any length is folded as a whole, also when it ends with a full page', async () => {
    for (const rows of [0, 1, 999, 1_000, 1_001, 2_000, 10_000]) {
      const store = new FaultyStore(START_MS)
      const realm = realmOrdinal(5)
      const rule = { kind: 'release', id: '' } as const
      const row = { atMs: START_MS, rule, bytes: encodeRule(rule, DIGEST_KEY), audit: '' }
      const append = { kind: 'append', row } as const
      const operations = new Array<typeof append>(rows).fill(append)
      await store.commit({ writes: [{ realm, dependsOn: [], expects: [], operations }], floorMs: START_MS })
      const ledger = new Ledger(store, START_MS, { defer: queueMicrotask })
      const index = await ledger.openRealm(realm, DIGEST_KEY)
      assert.equal(index.seq, rows)
      assert.equal(await ledger.openRealm(realm, DIGEST_KEY), index)
    }
  })

  test('a log that two callers open at the same time has one index', async () => {
    const ledger = new Ledger(new FaultyStore(START_MS), START_MS, { defer: queueMicrotask })
    const [first, second] = [1, 2].map(() => ledger.openRealm(realmOrdinal(5), DIGEST_KEY))
    assert.equal(await first, await second)
  })
})
