import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Acceptor,
  EXPIRING_KINDS,
  type ExpiringEntry,
  type Realm,
  revokePrincipals,
  type Store,
} from '@rescind/authority'
import { type Handle, StoreUnavailable } from '@rescind/core'
import { actOf, issue } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import {
  AcceptanceStock,
  STOCK_FOREIGN_PER_ACCEPTOR_MAX,
  STOCK_MAX,
  STOCK_PER_ACCEPTOR_MAX,
} from './acceptance-stock.ts'
import { acceptancesOf, droppedBy, entryId, type TokenName } from './stored-acceptances.ts'
import { AcceptanceWriter } from './write-acceptances.ts'

const DAY_MS = 86_400_000
const RUNS = (): boolean => false
const VERIFIER: Acceptor = { by: 'verifier', name: 'a' }
const OTHER: Acceptor = { by: 'verifier', name: 'b' }

/** A realm whose store has this many entries about own and foreign tokens, by acceptor. */
function stocked(entries: readonly (readonly [TokenName, Acceptor, number])[]): Realm {
  const pages: (readonly ExpiringEntry[])[] = []
  for (const [name, acceptor, count] of entries) {
    const page = Array.from({ length: 1_000 }, () => ({ id: entryId(name, acceptor) }) as ExpiringEntry)
    for (let left = count; left > 0; left -= 1_000) pages.push(left < 1_000 ? page.slice(0, left) : page)
  }
  const expiringPage = (
    _realm: unknown,
    { after }: { readonly after: string | undefined },
  ): Promise<object> => {
    const at = Number(after ?? 0)
    const next = at + 1 < pages.length ? String(at + 1) : undefined
    return Promise.resolve({ entries: pages[at] ?? [], next })
  }
  return { ordinal: 1, store: { expiringPage } } as unknown as Realm
}

const OWN: TokenName = `tok_${'A'.repeat(22)}` as never
const FOREIGN: TokenName = { issuer: 'https://idp.example', jti: 'j' }

async function roomIn(...entries: Parameters<typeof stocked>[0]): Promise<AcceptanceStock> {
  const stock = new AcceptanceStock(stocked(entries))
  await stock.settle(1, RUNS)
  return stock
}

test('the bounds on kept acceptances are exact: of foreign tokens of one acceptor, of one acceptor, of all', async () => {
  const foreign = await roomIn([FOREIGN, VERIFIER, STOCK_FOREIGN_PER_ACCEPTOR_MAX - 1])
  assert.equal(foreign.hasRoom(FOREIGN, VERIFIER), true)
  foreign.added(FOREIGN, VERIFIER)
  assert.deepEqual(
    [foreign.hasRoom(FOREIGN, VERIFIER), foreign.hasRoom(OWN, VERIFIER), foreign.hasRoom(FOREIGN, OTHER)],
    [false, true, true],
  )
  const own = await roomIn([OWN, VERIFIER, STOCK_PER_ACCEPTOR_MAX - 1])
  assert.equal(own.hasRoom(OWN, VERIFIER), true)
  own.added(OWN, VERIFIER)
  assert.deepEqual([own.hasRoom(OWN, VERIFIER), own.hasRoom(OWN, OTHER)], [false, true])
  const half = STOCK_MAX / 2
  const all = await roomIn([OWN, VERIFIER, half - 1], [OWN, OTHER, half])
  const third: Acceptor = { by: 'check', name: '' }
  assert.equal(all.hasRoom(OWN, third), true)
  all.added(OWN, third)
  assert.equal(all.hasRoom(OWN, third), false)
})

/** A store that says, when a test wants it, that it holds the entries of another one. */
class CrowdedStore extends FaultyStore {
  crowd: Realm | undefined

  override expiringPage(...ask: Parameters<Store['expiringPage']>): ReturnType<Store['expiringPage']> {
    const isOfAll = this.crowd !== undefined && ask[1].kind === EXPIRING_KINDS.accepted
    return isOfAll ? (this.crowd?.store ?? this).expiringPage(...ask) : super.expiringPage(...ask)
  }
}

test('what is over the bound is counted as dropped, and what is kept already goes on', async () => {
  const store = new CrowdedStore(START_MS)
  const { realm } = await openWorld(store)
  const { handle } = await issue(realm, 'access')
  const note = (acceptor: Acceptor): void =>
    realm.acceptances.note(acceptor, { handle }, { firstMs: realm.nowMs(), lastMs: realm.nowMs() })
  note(VERIFIER)
  await new AcceptanceWriter(0).write(realm, RUNS)
  store.crowd = stocked([[OWN, OTHER, STOCK_MAX]])
  note(VERIFIER)
  note(OTHER)
  await new AcceptanceWriter(0).write(realm, RUNS)
  store.crowd = undefined
  assert.deepEqual(
    (await acceptancesOf(realm, handle)).map(({ acceptor }) => acceptor),
    [VERIFIER],
  )
  assert.deepEqual(
    (await droppedBy(realm)).map(({ acceptor, dropped }) => [acceptor, dropped.count]),
    [[OTHER, 1]],
  )
})

test('what a failing store did not take is noted still, and written with the next round; counts are not lost either', async () => {
  const faulty = new FaultyStore(START_MS)
  const { realm } = await openWorld(faulty)
  const { handle } = await issue(realm, 'access')
  realm.acceptances.note(VERIFIER, { handle }, { firstMs: realm.nowMs(), lastMs: realm.nowMs() })
  realm.acceptances.drop(OTHER, { count: 3, sinceMs: 1, untilMs: 2 })
  const writer = new AcceptanceWriter(0)
  faulty.fate = 'fails-unwritten'
  await assert.rejects(writer.write(realm, RUNS), StoreUnavailable)
  assert.equal((await acceptancesOf(realm, handle)).length, 1)
  faulty.fate = 'works'
  await writer.write(realm, RUNS)
  assert.equal(realm.acceptances.size, 0)
  const page = await realm.store.expiringPage(realm.ordinal, {
    ...{ kind: EXPIRING_KINDS.accepted, after: undefined, limit: 10 },
  })
  assert.equal(page.entries.length, 1)
  assert.deepEqual(
    (await droppedBy(realm)).map(({ dropped }) => dropped.count),
    [3],
  )
})

test('what was written is known after a restart, and goes on from there; counts of both processes are told', async () => {
  const { realm, store, clock } = await openWorld()
  const { handle } = await issue(realm, 'access')
  const seen = (of: Realm, atMs: number, instance: string): void =>
    of.acceptances.note(VERIFIER, { handle }, { firstMs: atMs, lastMs: atMs, instance })
  seen(realm, START_MS, 'host-a')
  realm.acceptances.drop(VERIFIER, { count: 1, sinceMs: 5, untilMs: 6 })
  await new AcceptanceWriter(DAY_MS).write(realm, RUNS)
  const { realm: again } = await openWorld(store, { clock })
  seen(again, START_MS + 120_000, 'host-b')
  again.acceptances.drop(VERIFIER, { count: 2, sinceMs: 4, untilMs: 5 })
  await new AcceptanceWriter(DAY_MS).write(again, RUNS)
  const [accepted, ...more] = await acceptancesOf(again, handle)
  assert.deepEqual(more, [])
  assert.deepEqual(accepted, {
    acceptor: VERIFIER,
    ...{ firstMs: START_MS, lastMs: START_MS + 120_000, instances: ['host-a', 'host-b'] },
  })
  const counts = (await droppedBy(again)).map(({ dropped }) => dropped.count)
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    3,
  )
})

/** Counts how often an acceptance is looked up. */
class CountingStore extends FaultyStore {
  lookedUp = 0

  override expiring(...ask: Parameters<Store['expiring']>): ReturnType<Store['expiring']> {
    if (ask[1].kind === EXPIRING_KINDS.accepted) this.lookedUp += 1
    return super.expiring(...ask)
  }
}

test('what is remembered of a realm is forgotten once it is closed', async () => {
  const store = new CountingStore(START_MS)
  const { realm } = await openWorld(store)
  const { handle } = await issue(realm, 'access')
  const writer = new AcceptanceWriter(DAY_MS)
  const lookUps = async (): Promise<number> => {
    const before = store.lookedUp
    realm.acceptances.note(VERIFIER, { handle }, { firstMs: START_MS, lastMs: START_MS })
    await writer.write(realm, RUNS)
    return store.lookedUp - before
  }
  assert.deepEqual([await lookUps(), await lookUps()], [1, 0])
  realm.setClosed(true)
  await writer.write(realm, RUNS)
  realm.setClosed(false)
  assert.deepEqual([await lookUps(), await lookUps()], [1, 0])
})

test('an acceptance is never written in a group with a revocation', async () => {
  const store = new FaultyStore(START_MS)
  const { realm } = await openWorld(store)
  const { handle } = await issue(realm, 'access')
  realm.acceptances.note(VERIFIER, { handle }, { firstMs: START_MS, lastMs: START_MS })
  const gate = Promise.withResolvers<void>()
  store.gate = gate.promise
  // This one holds up the queue, so that everything else arrives before the next group is made.
  const first = issue(realm, 'another')
  const writing = new AcceptanceWriter(DAY_MS).write(realm, RUNS)
  await new Promise((resolve) => setImmediate(resolve))
  const principals = { source: 'oauth', subject: 'nobody' }
  const revoking = revokePrincipals(realm, { shape: 'subject', principals }, actOf(realm))
  gate.resolve()
  await Promise.all([first, writing, revoking])
  const kinds = store.written.map(({ writes }) =>
    writes.flatMap(({ operations }) => operations.map(({ kind }) => kind)),
  )
  const at = kinds.findIndex((group) => group.includes('put-expiring'))
  assert.ok(at > 0 && !kinds[at]?.includes('append'))
  assert.ok(
    kinds.slice(0, at).some((group) => group.includes('append')),
    'the revocation went first',
  )
})

test('a process that stops writes what it has time for, and counts the rest as dropped', async () => {
  const { realm } = await openWorld()
  const handles: Handle[] = []
  for (let nth = 0; nth < 101; nth += 1) handles.push((await issue(realm, `t${nth}`)).handle)
  for (const handle of handles)
    realm.acceptances.note(VERIFIER, { handle }, { firstMs: START_MS, lastMs: START_MS })
  // Late after the first batch.
  await new AcceptanceWriter(DAY_MS).writeLast(realm, () => realm.acceptances.size < handles.length)
  const kept: unknown[] = []
  for (const handle of handles) kept.push(...(await acceptancesOf(realm, handle)))
  const [left, ...more] = await droppedBy(realm)
  assert.deepEqual(more, [])
  assert.deepEqual([kept.length, left?.dropped.count, realm.acceptances.size], [100, 1, 0])
})
