import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceRow, InstancesRead, PublishedInstance } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { HandClock } from '../test/kit/realm.ts'
import type { Contact } from './contact.ts'
import { Instances } from './instances.ts'
import { SharedInstances } from './shared-instances.ts'

const REALM = realmOrdinal(1)
const BOUND_MS = 5_000
const LEASE_MS = BOUND_MS * (1.01 / 0.99) + 50

type Reading = {
  readonly since: string | undefined
  readonly answer: (read?: Partial<InstancesRead>) => void
}

/** A node whose readings end when the test says so. */
function opened(t: { readonly after: (fn: () => void) => void }) {
  const clock = new HandClock()
  const readings: Reading[] = []
  const published: Omit<InstanceRow, 'realm'>[] = []
  const shared = new SharedInstances({
    nodes: {
      self: 'own',
      publish: (row) => published.push(row),
      readInstances: (since) =>
        new Promise((resolve) => {
          readings.push({
            since,
            answer: (read) =>
              resolve(read && { next: '1', nodes: new Set(['own', 'b', 'c']), rows: [], ...read }),
          })
        }),
    },
    instancesOf: () => instances,
  })
  const instances: Instances = new Instances(clock, shared.othersFor(REALM))
  t.after(() => shared.close())
  /** Another node's word, read at once. */
  const hearFrom = async (nodes: readonly string[], ...rows: readonly PublishedInstance[]): Promise<void> => {
    const refreshed = shared.refresh()
    readings.shift()?.answer({ rows, nodes: new Set(nodes) })
    assert.equal(await refreshed, true)
  }
  const hear = (...rows: readonly PublishedInstance[]): Promise<void> => hearFrom(['own', 'b', 'c'], ...rows)
  return { clock, shared, instances, readings, published, hear, hearFrom }
}

function contact(over: Partial<Contact> = {}): Contact {
  return {
    ...{ instance: 'a', verifier: 'v', boundMs: BOUND_MS, onStale: 'refuse', contactMs: 0, firstSeq: 0 },
    ...over,
  }
}

type Said = Partial<Omit<PublishedInstance, 'body'>> & {
  readonly of?: Partial<Contact>
  readonly body?: object
}

function said({ of, body, ...over }: Said = {}): PublishedInstance {
  const about = contact(of)
  const more = { isConnected: true, from: 'b', position: 'p', appliedAtMs: 7, seenMs: 0, ...body }
  return {
    ...{ node: 'b', realm: REALM, id: about.instance, contacts: 1, applied: 0, isRemembered: true },
    ...over,
    body: JSON.stringify({ ...about, ...more }),
  }
}

const stateOf = (instances: Instances, seq: number): string | undefined =>
  instances.enforcement(seq)[0]?.state

test('it is one instance at all nodes: applied if one of them has heard so, connected if one has its stream', async (t) => {
  const { instances, hear, hearFrom, published } = opened(t)
  await hear(
    said({ applied: 4 }),
    said({ node: 'c', applied: 9, body: { isConnected: false, position: 'q' } }),
  )
  assert.equal(instances.views().length, 1)
  assert.deepEqual([stateOf(instances, 9), stateOf(instances, 10)], ['applied', 'pending'])
  assert.deepEqual([instances.get('a')?.position, instances.get('a')?.connected], ['q', true])
  instances.acknowledge('a', { seq: 10, position: 'r' })
  assert.deepEqual([stateOf(instances, 10), published.at(-1)?.applied], ['applied', 10])
  await hearFrom(['own'])
  assert.equal(instances.get('a')?.connected, false, 'that node is gone')
})

test('it has lapsed when no node shows a contact first seen within its own bound', async (t) => {
  const { clock, instances, hear } = opened(t)
  await hear(said())
  clock.advance(LEASE_MS - 1)
  await hear(said())
  assert.equal(stateOf(instances, 1), 'pending')
  clock.advance(2)
  await hear(said())
  assert.equal(stateOf(instances, 1), 'lapsed', 'the same contact again is none')
  for (const again of [said({ contacts: 2 }), said({ node: 'c' }), said({ node: undefined, contacts: 77 })]) {
    await hear(again)
    assert.equal(stateOf(instances, 1), 'pending')
    clock.advance(LEASE_MS + 1)
    assert.equal(stateOf(instances, 1), 'lapsed')
  }
  instances.contacted('a')
  assert.equal(stateOf(instances, 1), 'pending', 'a contact here counts as well')
})

test('what a node that is gone has said is not remembered', async (t) => {
  const { clock, instances, hear, hearFrom } = opened(t)
  await hear(said())
  await hearFrom(['own', 'c'], said({ node: 'c' }))
  clock.advance(LEASE_MS + 1)
  assert.equal(stateOf(instances, 1), 'lapsed')
  await hear(said())
  assert.equal(stateOf(instances, 1), 'pending', 'the same again is new')
})

test('what it said last counts: its bound, and whether it allows stale tokens and never lapses', async (t) => {
  const { clock, instances, hear } = opened(t)
  await hear(said(), said({ node: 'c', of: { contactMs: 5, onStale: 'allow' } }))
  clock.advance(10 * LEASE_MS)
  assert.equal(stateOf(instances, 1), 'pending')
  await hear(said({ contacts: 3, of: { contactMs: 9, boundMs: 2 * BOUND_MS } }))
  clock.advance(LEASE_MS + 1)
  assert.equal(stateOf(instances, 1), 'pending')
  clock.advance(LEASE_MS)
  assert.equal(stateOf(instances, 1), 'lapsed')
})

test('a goodbye to any node ends it at all, and its own row there', async (t) => {
  const { clock, instances, hear, published } = opened(t)
  await hear(said())
  instances.acknowledge('a', { seq: 3, position: 'p' })
  await hear(said({ isRemembered: false }))
  assert.equal(instances.views().length, 0)
  assert.equal(published.at(-1)?.body, undefined)
  await hear(said({ node: 'c', contacts: 8, isRemembered: false }))
  assert.equal(instances.views().length, 0, 'what an earlier node said does not bring it back')
  instances.connect(contact({ instance: 'here' }), 'own')
  instances.leave('here')
  assert.notEqual(published.at(-1)?.body, undefined, 'the others are told')
  instances.tidy()
  const before = published.length
  clock.advance(3_600_000)
  instances.tidy()
  assert.deepEqual(
    published.slice(before).map(({ id, body }) => [id, body]),
    [['here', undefined]],
  )
})

test('after a reading that failed there is another one', async (t) => {
  const answers = [Promise.reject(new Error('a fault')), { next: '1', nodes: new Set<string>(), rows: [] }]
  const shared = new SharedInstances({
    nodes: { self: 'own', publish: () => {}, readInstances: async () => answers.shift() },
    instancesOf: () => assert.fail('there are no rows'),
  })
  t.after(() => shared.close())
  const [first, second] = [shared.refresh(), shared.refresh()]
  await assert.rejects(first, /a fault/)
  assert.equal(await second, true)
})

test('a refresh is a reading begun after it, and one serves all who came before', async (t) => {
  const { shared, readings } = opened(t)
  const first = shared.refresh()
  const [second, third] = [shared.refresh(), shared.refresh()]
  assert.equal(readings.length, 1)
  readings[0]?.answer({ next: '5' })
  assert.equal(await first, true)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(
    readings.map(({ since }) => since),
    [undefined, '5'],
  )
  readings[1]?.answer()
  assert.deepEqual(await Promise.all([second, third]), [false, false])
  const fourth = shared.refresh()
  assert.equal(readings[2]?.since, '5', 'what could not be read is read again')
  readings[2]?.answer({})
  assert.equal(await fourth, true)
})

test('waiting ends only with a reading that was begun after it', async (t) => {
  const { instances, hear, readings } = opened(t)
  await hear(said({ applied: 3 }))
  const done = instances.enforced(3, 60_000)
  assert.equal(readings.length, 1)
  readings.shift()?.answer({ rows: [said({ contacts: 2, applied: 3 })] })
  assert.equal(await done, true)
  const none = instances.enforced(4, 0)
  readings.shift()?.answer({})
  assert.equal(await none, false)
  const unread = instances.enforced(3, 0)
  readings.shift()?.answer()
  assert.equal(await unread, false)
})
