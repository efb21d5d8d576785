import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Nodes, type Realm, Realms, revokePrincipals, revokeToken, type Store } from '@rescind/authority'
import { ContractBroken, isOutage, StoreRefused } from '@rescind/core'
import { relationOf } from '@rescind/core/log'
import { AUDIT, actOf, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { CuttingProxy } from '../../test/kit/cutting-proxy.ts'
import { PostgresData } from '../../test/kit/postgres-data.ts'
import { MASTER } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { Connection } from './connection.ts'
import { openPostgres } from './store.ts'

const BOUND_MS = 1_000

type Node = {
  readonly nodes: Nodes
  readonly realms: Realms
  readonly ledger: Realms['ledger']
  readonly realm: Realm
  readonly store: Store
  /** Why the process had to end. */
  readonly ended: string[]
  /** Lets this node's clock run ahead. */
  readonly skip: (ms: number) => void
}

/** Copying it is quicker than making another one. */
let template: PostgresData
let data: PostgresData
const all: PostgresData[] = []
const open: Node[] = []
before(async () => {
  template = await PostgresData.make()
})
after(() => template.remove())
beforeEach(async () => {
  data = template.copy({ isStandby: false })
  all.push(data)
  await data.start()
})
afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close()
  for (const one of all.splice(0)) {
    await one.halt()
    one.remove()
  }
})

async function openNode(seed: string, port = data.address.port): Promise<Node> {
  const ended: string[] = []
  let aheadMs = 0
  const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() + aheadMs }
  const address = { ...data.address, port }
  const store = await openPostgres(address, { floorMs: 1_000, fenced: (why) => ended.push(why) })
  assert.ok(store.nodes !== undefined)
  const nodes = await Nodes.join({
    ...{ port: store.nodes, clock, boundMs: BOUND_MS, acknowledge: 'everywhere', told: () => {} },
    later: (ms, task) => {
      const timer = setTimeout(task, ms).unref()
      return () => clearTimeout(timer)
    },
  })
  const realms = await Realms.open({
    ...{ store, nodes, clock: nodes.storeClock, master: MASTER, random: new SeededRandom(seed) },
    defer: setImmediate,
  })
  const node = {
    ...{ nodes, realms, ledger: realms.ledger, realm: realms.default, store, ended },
    skip: (ms: number) => {
      aheadMs += ms
    },
  }
  open.push(node)
  return node
}

/** A standby of the server as it is now. The server goes on, unless it is lost. */
async function standby({ isLost }: { readonly isLost: boolean }): Promise<PostgresData> {
  await data.halt()
  const copy = data.copy({ isStandby: true })
  all.push(copy)
  if (!isLost) await data.start()
  return copy
}

/** The server is lost, and this standby takes over its address. */
async function promote(copy: PostgresData): Promise<void> {
  await data.halt()
  data = copy
  await copy.start()
  const admin = await Connection.open(copy.address)
  await admin.run('SELECT pg_promote()')
  admin.drop()
}

/** Waits until it does not throw an outage any more. */
async function lasting<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isOutage(error)) throw error
    }
    await wait(20)
  }
}

async function close(node: Node): Promise<void> {
  open.splice(open.indexOf(node), 1)
  await node.store.close()
}

function cut(proxy: CuttingProxy): void {
  proxy.fate = () => ({ kind: 'cut', from: 'client', afterBytes: 0 })
  for (const pair of proxy.pairs) pair.cut()
}

async function endedOf({ ended }: Node): Promise<string> {
  while (ended.length === 0) await wait(20)
  return ended[0] ?? ''
}

/** A testimony that breaks a contract: no outage, which would be tried again for ever. */
function asBug({ store, realm }: Node): Promise<unknown> {
  const head = { seq: 99, chain: Buffer.alloc(32), ordinal: 1 }
  const rowsAfter = (): never => {
    throw new ContractBroken('a row that is none')
  }
  assert.ok(store.nodes !== undefined)
  return store.nodes.takeover.testify({ heads: new Map([[realm.ordinal, head]]), rowsAfter }, [])
}

/** The node waits for the others no longer, and ends. */
async function outwaited({ ended, skip }: Node): Promise<void> {
  while ((await rows('SELECT FROM rescind.testimony')).length === 0) await wait(20)
  while (ended.length === 0) {
    skip(30_000)
    await wait(20)
  }
}

async function rows<Row>(sql: string): Promise<readonly Row[]> {
  const admin = await Connection.open(data.address)
  const found = await admin.rows<Row>(sql)
  admin.drop()
  return found
}

const place = async (): Promise<string | undefined> => {
  const [row] = await rows<[string]>('SELECT timeline::text FROM rescind.store')
  return row?.[0]
}

async function late({ realms }: Node): Promise<Realm> {
  const realm = await realms.get('late')
  assert.ok(realm !== undefined)
  return realm
}

const subject = (name: string) =>
  ({ shape: 'subject', principals: { source: 'oauth', subject: name } }) as const

test('a standby that lacks nothing takes over: tokens live on, and the nodes with them', {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const [kept, gone] = [await issue(a.realm, 'kept'), await issue(b.realm, 'gone')]
  await revokeToken(a.realm, gone, actOf(a.realm))
  await promote(await standby({ isLost: true }))
  for (const { nodes, realm } of [a, b]) {
    await lasting(() => nodes.fresh())
    assert.equal(await lasting(() => say(realm, 'kept')), 'active')
    assert.equal(await lasting(() => say(realm, 'gone')), 'revoked')
  }
  assert.equal(await place(), '2')
  await lasting(() => revokeToken(a.realm, kept, actOf(a.realm)))
  await lasting(() => b.nodes.asOfNow())
  assert.equal(await say(b.realm, 'kept'), 'revoked')
  assert.deepEqual([...a.ended, ...b.ended], [])
})

test('a standby that lacks a revocation begins a new epoch: earlier tokens are lost, and the revocation is joined', {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  await issue(a.realm, 'before')
  const copy = await standby({ isLost: false })
  await lasting(() => a.nodes.fresh())
  await lasting(() => revokePrincipals(a.realm, subject('s'), actOf(a.realm)))
  await lasting(() => a.realms.make('late', AUDIT))
  const epoch = a.realm.index.epochs.at(-1)?.ordinal ?? 0
  await lasting(() => b.nodes.asOfNow())
  await promote(copy)
  for (const node of [a, b])
    assert.match(await endedOf(node), /a new epoch has begun.*records are lost: realm 0 realms\/late/)
  // Else the next server that takes over would wait for them, and every token would be lost.
  assert.deepEqual(await rows('SELECT node FROM rescind.lease'), [])
  await assert.rejects(a.nodes.asOfNow(), isOutage)
  const next = await openNode('c')
  assert.equal(await say(next.realm, 'before'), 'lost')
  // A verifier that has applied the lost row proves no fork.
  const { epochId, seq } = a.realm.index
  const lost = { ordinal: epoch, epochId, seq, chain: '' }
  assert.equal(relationOf(lost, next.realm.index.epochs, next.realm.index), 'left')
  assert.equal(next.realm.index.epochs.at(-1)?.ordinal, epoch + 1)
  assert.equal(next.realm.index.cutoffs.get('subject')?.size, 1)
  // What its issuers write down is compared with the time of the cutoff, which is the original one.
  const [cutoff] = [...(next.realm.index.cutoffs.get('subject')?.entries() ?? [])].map(([, one]) => one)
  assert.deepEqual(cutoff, [...(a.realm.index.cutoffs.get('subject')?.entries() ?? [])][0]?.[1])
  await issue(next.realm, 'after')
  assert.equal(await say(next.realm, 'after'), 'active')
})

test('a standby that lacks the whole log of a realm takes over: the log goes on with what the nodes remember', {
  timeout: 60_000,
}, async () => {
  const a = await openNode('a')
  await issue(a.realm, 'kept')
  await a.realms.make('late', AUDIT)
  const copy = await standby({ isLost: false })
  await lasting(() => a.nodes.fresh())
  await lasting(async () => issue(await late(a), 'lost'))
  const { index } = await late(a)
  await lasting(async () => revokePrincipals(await late(a), subject('s'), actOf(await late(a))))
  await lasting(() => a.nodes.asOfNow())
  await promote(copy)
  assert.match(await endedOf(a), /a new epoch has begun/)
  const next = await openNode('b')
  assert.equal(await say(next.realm, 'kept'), 'active')
  assert.equal(await place(), '2')
  const { index: joined } = await late(next)
  assert.equal(joined.cutoffs.get('subject')?.size, 1)
  // A verifier that has applied the lost rows proves no fork.
  const known = { ordinal: 1, epochId: index.epochId, seq: index.seq, chain: '' }
  assert.equal(relationOf(known, joined.epochs, joined), 'left')
  await issue(await late(next), 'after')
})

test('when a node is silent, a new epoch begins in realms of which the server has nothing but their first row, too', {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  await a.realms.make('late', AUDIT)
  const { index, ordinal } = await late(a)
  assert.equal(index.seq, 1)
  await close(b)
  await promote(await standby({ isLost: true }))
  await outwaited(a)
  assert.deepEqual(await rows(`SELECT ordinal, seq FROM rescind.head WHERE realm = ${ordinal}`), [[2, 2]])
})

test('a standby that lacks a used refresh token begins a new epoch in its realm, and there alone', {
  timeout: 60_000,
}, async () => {
  const a = await openNode('a')
  const refresh = await issue(a.realm, 'refresh', { kind: 'refresh' })
  const copy = await standby({ isLost: false })
  await lasting(() => a.nodes.fresh())
  const use = { consume: refresh }
  await lasting(() => tryIssue(a.realm, intentOf(a.realm, 'next'), use))
  await promote(copy)
  await endedOf(a)
  const next = await openNode('b')
  assert.equal(await say(next.realm, 'refresh'), 'lost')
  assert.equal((await tryIssue(next.realm, intentOf(next.realm, 'thief'), use)).kind, 'stale')
  assert.deepEqual(await rows('SELECT realm, ordinal FROM rescind.head ORDER BY realm'), [
    [0, 1],
    [1, 2],
  ])
})

test('what a node that is gone has acknowledged is not known: every token is lost once it was waited for', {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  await issue(a.realm, 'token')
  await lasting(() => a.nodes.asOfNow())
  await close(b)
  await promote(await standby({ isLost: true }))
  while ((await rows('SELECT FROM rescind.testimony')).length === 0) await wait(20)
  assert.equal(await place(), '1')
  await assert.rejects(a.nodes.asOfNow(), isOutage)
  await assert.rejects(asBug(a), ContractBroken)
  await outwaited(a)
  assert.equal(await say((await openNode('c')).realm, 'token'), 'lost')
})

test('a node that comes too late begins another epoch, and ends those that had gone on', {
  timeout: 60_000,
}, async () => {
  const proxy = await CuttingProxy.open(data.address.host, data.address.port)
  const [a, b] = [await openNode('a'), await openNode('b', proxy.port)]
  const copy = await standby({ isLost: false })
  for (const { nodes } of [a, b]) await lasting(() => nodes.fresh())
  await lasting(() => revokePrincipals(b.realm, subject('s'), actOf(b.realm)))
  cut(proxy)
  await promote(copy)
  await outwaited(a)
  const c = await openNode('c')
  const { ordinal = 0 } = c.realm.index.epochs.at(-1) ?? {}
  await issue(c.realm, 'between')
  proxy.fate = () => ({ kind: 'pass' })
  for (const node of [b, c]) assert.match(await endedOf(node), /a new epoch has begun/)
  // One was joined, and the other has left: the next server that takes over waits for neither.
  assert.deepEqual(await rows('SELECT node FROM rescind.lease'), [])
  const d = await openNode('d')
  assert.equal(d.realm.index.epochs.at(-1)?.ordinal, ordinal + 1)
  assert.equal(d.realm.index.cutoffs.get('subject')?.size, 1)
  assert.equal(await say(d.realm, 'between'), 'lost')
  await proxy.close()
})

test('what a late node has written may be lacking where nobody knew the node, however much was written since', {
  timeout: 60_000,
}, async () => {
  const { host, port } = data.address
  const [toA, toB] = [await CuttingProxy.open(host, port), await CuttingProxy.open(host, port)]
  const a = await openNode('a', toA.port)
  const refresh = await issue(a.realm, 'refresh', { kind: 'refresh' })
  const copy = await standby({ isLost: false })
  await lasting(() => a.nodes.fresh())
  cut(toA)
  const b = await openNode('b', toB.port)
  const use = { consume: refresh }
  assert.equal((await tryIssue(b.realm, intentOf(b.realm, 'next'), use)).kind, 'issued')
  cut(toB)
  await promote(copy)
  toA.fate = () => ({ kind: 'pass' })
  await lasting(() => a.nodes.fresh())
  for (const name of ['one', 'two', 'three']) await lasting(() => issue(a.realm, name))
  toB.fate = () => ({ kind: 'pass' })
  for (const node of [b, a]) assert.match(await endedOf(node), /a new epoch has begun/)
  const next = await openNode('c')
  assert.equal(await say(next.realm, 'refresh'), 'lost')
  for (const proxy of [toA, toB]) await proxy.close()
})

test('without a running node a server that took over is refused, until an operator has decided', {
  timeout: 60_000,
}, async () => {
  const a = await openNode('a')
  await issue(a.realm, 'token')
  await a.nodes.leave()
  await close(a)
  await promote(await standby({ isLost: true }))
  await assert.rejects(openNode('b'), (error: Error) => {
    assert.ok(error instanceof StoreRefused)
    assert.match(error.message, /^this server took over \(timeline 2 after 1\).*`rescind epoch new`/)
    return true
  })
  const store = await openPostgres(data.address, { floorMs: 1_000, afterTakeover: true })
  assert.equal(store.takeover.isDue, true)
  await store.takeover.settle()
  await store.close()
  assert.equal(await say((await openNode('c')).realm, 'token'), 'active')
})

test('a node that starts while another server takes over is not taken there, and leaves nothing to wait for', {
  timeout: 60_000,
}, async () => {
  const [early, behind] = await Promise.all([1, 2].map(() => openPostgres(data.address, { floorMs: 1_000 })))
  assert.ok(early?.nodes !== undefined && behind?.nodes !== undefined)
  const ignore = (): void => {}
  const told = { marked: ignore, forked: ignore, takenOver: ignore, reconnected: ignore }
  await early.nodes.register(BOUND_MS, told)
  await promote(await standby({ isLost: true }))
  await assert.rejects(behind.nodes.register(BOUND_MS, told), /another PostgreSQL server answers/)
  assert.equal((await rows('SELECT FROM rescind.lease')).length, 1)
  assert.equal(await early.nodes.beat([]), undefined)
  await early.nodes.leave()
  assert.deepEqual(await rows('SELECT FROM rescind.lease'), [])
  for (const store of [early, behind]) await store.close()
})

test('a log that one node proves to be rolled back is refused by all, until a new epoch', {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const { ordinal } = b.realm
  await a.store.markForked?.(ordinal)
  await b.nodes.asOfNow()
  assert.equal(b.ledger.isSuspended(ordinal), true)
  // Also before a node has heard of it.
  assert.equal((await tryIssue(a.realm, intentOf(a.realm, 'token'))).kind, 'stale')
})

test('an old primary that returns is refused by a node that has seen its successor', {
  timeout: 60_000,
}, async () => {
  const a = await openNode('a')
  const token = await issue(a.realm, 'token')
  const old = data
  await promote(await standby({ isLost: true }))
  await lasting(() => a.nodes.asOfNow())
  await data.halt()
  data = old
  await old.start()
  await assert.rejects(a.nodes.asOfNow(), isOutage)
  await assert.rejects(a.store.head(a.realm.ordinal), isOutage)
  await assert.rejects(revokeToken(a.realm, token, actOf(a.realm)), isOutage)
  assert.equal(a.nodes.isFresh, false)
  assert.deepEqual(a.ended, [])
})

test('a data folder that was copied back ends the nodes that were running', {
  timeout: 60_000,
}, async () => {
  const a = await openNode('a')
  await data.halt()
  const copy = data.copy({ isStandby: false })
  all.push(copy)
  await data.start()
  await lasting(() => a.nodes.asOfNow())
  await data.halt()
  data = copy
  await copy.start()
  assert.match(await endedOf(a), /from before its last heartbeat/)
})
