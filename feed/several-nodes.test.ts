import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commitOwn, type InstanceRow, type Realm } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { TestSink } from '../test/kit/feed-sink.ts'
import { openWorld } from '../test/kit/realm.ts'
import { readContact, writeContact } from './contacts.ts'
import { INSTANCES_PER_KEY_MAX, Instances } from './instances.ts'
import { type ConnectAsk, RealmFeed } from './realm-feed.ts'

/** A realm's feed at one of several nodes, whose heartbeats end when the test says so. */
async function open() {
  const { realm, clock } = await openWorld()
  const published: Omit<InstanceRow, 'realm'>[] = []
  const beats: { readonly end: () => void; readonly fail: () => void; readonly sees: readonly string[] }[] =
    []
  const instances = new Instances(clock, {
    publish: (row) => published.push(row),
    isThere: () => true,
    refresh: async () => true,
  })
  const nodes = {
    asOfNow: () =>
      new Promise<void>((resolve, reject) => {
        const fail = (): void => reject(new StoreUnavailable('no heartbeat'))
        beats.push({ end: resolve, fail, sees: published.map(({ id, applied }) => `${id} ${applied}`) })
      }),
  }
  return { realm, clock, instances, beats, own: new RealmFeed(realm, { clock, instances, nodes }) }
}

function ask(realm: Realm, over: Partial<ConnectAsk> = {}): ConnectAsk {
  const none = { source: 'verifier', client: 'v', ancestors: [] }
  const facts = { ...none, position: realm.position(), expiresAtMs: 9e15 }
  const caller = { id: 'verifier:v', from: 'here', dependency: { realm: realm.ordinal, facts } }
  const about = { after: undefined, boundMs: 5_000, instance: undefined, label: undefined }
  return { id: 'v', caller, ...about, onStale: 'refuse', format: 'sse', ...over }
}

async function append(realm: Realm): Promise<void> {
  const row = realm.row({ kind: 'release', id: 'x' }, { by: 'test', from: 'local', how: 'test' })
  await commitOwn(realm, [{ kind: 'append', row }])
}

/** A commit of this file's store takes a few. */
const TURNS_MAX = 10_000

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function beatOf({ beats }: Pick<Awaited<ReturnType<typeof open>>, 'beats'>) {
  for (let nth = 0; beats.length === 0 && nth < TURNS_MAX; nth += 1) await turn()
  return beats.shift() ?? assert.fail('no heartbeat was asked for')
}

/** Connects an instance. @returns its id. */
async function connected(world: Awaited<ReturnType<typeof open>>): Promise<string> {
  const { realm, own, instances } = world
  const connecting = own.connect(ask(realm))
  const beat = await beatOf(world)
  assert.equal(beat.sees.length, 1, 'every node counts it before its first byte')
  beat.end()
  const answer = await connecting
  assert.ok(answer.kind === 'open')
  answer.attach(new TestSink())
  return instances.views()[0]?.instance ?? assert.fail()
}

test('an acknowledgement is answered by a head that is read once every node can see it', async () => {
  const world = await open()
  const { realm, own } = world
  const instance = await connected(world)
  const position = await own.headText()
  const { seq } = realm.index
  const { id, caller } = ask(realm)
  const asked = { id, caller, instance, position, boundMs: 5_000, leaving: false }
  const answering = own.acknowledge(asked)
  const beat = await beatOf(world)
  assert.equal(beat.sees.at(-1), `${instance} ${seq}`)
  // Another node revokes, and does not wait for this verifier's contact.
  await append(realm)
  beat.end()
  const answer = await answering
  assert.ok(answer.kind === 'acked')
  assert.equal(answer.position, await own.headText(), 'and the answer has that row')
  const failing = own.acknowledge(asked)
  ;(await beatOf(world)).fail()
  await assert.rejects(failing, StoreUnavailable)
})

test('an instance that met another node is known by its stored contact, and keeps its policy there', async () => {
  const world = await open()
  const { realm, own, instances } = world
  const { id, caller } = ask(realm)
  const contact = { instance: 'ins_moved', verifier: 'v', boundMs: 5_000, onStale: 'allow' as const }
  await writeContact(realm, { ...contact, contactMs: realm.nowMs(), firstSeq: 1 }, caller)
  const position = await own.headText()
  const asked = { id, caller, instance: 'ins_moved', position, boundMs: 5_000, leaving: false }
  assert.equal((await own.acknowledge({ ...asked, id: 'another key' })).kind, 'no-instance')
  assert.equal((await own.acknowledge({ ...asked, instance: 'ins_unknown' })).kind, 'no-instance')
  const answering = own.acknowledge(asked)
  ;(await beatOf(world)).end()
  assert.equal((await answering).kind, 'acked')
  assert.deepEqual(
    [instances.get('ins_moved')?.onStale, instances.get('ins_moved')?.connected],
    ['allow', false],
  )
  // A node that stored another policy since is not overruled by what this one remembers.
  await writeContact(realm, { ...contact, onStale: 'refuse', contactMs: realm.nowMs(), firstSeq: 1 }, caller)
  const renewing = own.acknowledge({ ...asked, boundMs: 6_000 })
  ;(await beatOf(world)).end()
  await renewing
  const stored = await readContact(realm, 'ins_moved')
  assert.deepEqual([stored?.onStale, stored?.boundMs], ['refuse', 6_000])
  const leaving = own.acknowledge({ ...asked, leaving: true })
  ;(await beatOf(world)).end()
  await leaving
  assert.deepEqual([await readContact(realm, 'ins_moved'), instances.views().length], [undefined, 0])
})

test('an instance that returns from another node keeps its place though its key has no other', async () => {
  const { realm, clock, instances } = await open()
  const own = new RealmFeed(realm, { clock, instances, nodes: { asOfNow: async () => {} } })
  for (let nth = 0; nth < INSTANCES_PER_KEY_MAX; nth += 1) {
    const answer = await own.connect(ask(realm))
    assert.ok(answer.kind === 'open')
    answer.attach(new TestSink())
  }
  assert.equal((await own.connect(ask(realm))).kind, 'full')
  const contact = { instance: 'ins_moved', verifier: 'v', boundMs: 5_000, onStale: 'refuse' as const }
  await writeContact(realm, { ...contact, contactMs: realm.nowMs(), firstSeq: 1 }, ask(realm).caller)
  assert.equal((await own.connect(ask(realm, { instance: 'ins_moved' }))).kind, 'open')
})

test('a stream that no heartbeat could announce does not begin, and counts as none', async () => {
  const world = await open()
  const connecting = world.own.connect(ask(world.realm))
  ;(await beatOf(world)).fail()
  await assert.rejects(connecting, StoreUnavailable)
  assert.deepEqual(
    world.instances.views().map(({ connected: is }) => is),
    [false],
  )
  assert.equal(world.own.readers, 0)
})
