import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Realm, Realms, revokePrincipals, type Store } from '@rescind/authority'
import { Feed, type RealmFeed } from '@rescind/feed'
import { actOf } from '../../test/kit/acts.ts'
import { TestSink } from '../../test/kit/feed-sink.ts'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { HandClock, MASTER, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
const open: { readonly store: Store; readonly feed: Feed }[] = []
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
})
after(async () => {
  for (const { store, feed } of open) {
    feed.close()
    await store.close()
  }
  await server.stop()
})

async function openNode(seed: string): Promise<{ realm: Realm; own: RealmFeed }> {
  const clock = new HandClock()
  const store = await openPostgres(server.address, { floorMs: START_MS })
  const realms = await Realms.open({
    ...{ store, clock, master: MASTER, random: new SeededRandom(seed) },
    defer: setImmediate,
  })
  const feed = await Feed.open({ realms, clock, alarm: () => assert.fail('nothing was rolled back') })
  open.push({ store, feed })
  return { realm: realms.default, own: feed.of(realms.default) }
}

async function revoke({ realm }: { readonly realm: Realm }, subject: string): Promise<void> {
  const cutoff = { shape: 'subject', principals: { source: 'oauth', subject } } as const
  await revokePrincipals(realm, cutoff, actOf(realm))
}

async function joined({ realm, own }: { realm: Realm; own: RealmFeed }, position: string): Promise<TestSink> {
  const facts = { source: 'verifier', client: 'v', ancestors: [], position: realm.position() }
  const dependency = { realm: realm.ordinal, facts: { ...facts, expiresAtMs: 9e15 } }
  const caller = { id: 'verifier:v', from: 'here', dependency }
  const none = { boundMs: undefined, instance: undefined, label: undefined, onStale: 'refuse' } as const
  const connected = await own.connect({ id: 'v', caller, after: position, ...none, format: 'ndjson' })
  assert.ok(connected.kind === 'open', connected.kind)
  const sink = new TestSink()
  connected.attach(sink)
  return sink
}

type Event = {
  readonly event: string
  readonly prev: number
  readonly rows: readonly { readonly seq: number }[]
}

function rowsIn({ text }: TestSink): Event['rows'] {
  const events = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event]))
  return events.flatMap(({ event, prev, rows }) => {
    if (event === 'rows') assert.equal(rows[0]?.seq, prev + 1)
    return event === 'rows' ? rows : []
  })
}

test('a follower resumes at another node with a position that this one has not folded yet', async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  for (let round = 0; round < 20; round += 1) {
    const [here, there] = round % 2 === 0 ? [a, b] : [b, a]
    await revoke(here, `s${round}`)
    const position = await here.own.headText()
    const polled = await there.own.poll('v', position, 0)
    assert.deepEqual(polled.kind, 'events')
    assert.equal(await there.own.headText(), position)
  }
})

test('wherever a follower is, it gets each row of every node, once and in order', async () => {
  const [a, b] = [await openNode('c'), await openNode('d')]
  const from = await a.own.headText()
  const start = a.realm.index.seq
  const [early, late] = [await joined(a, from), await joined(b, from)]
  const writing: Promise<void>[] = []
  for (let nth = 0; nth < 60; nth += 1) {
    writing.push(revoke(nth % 2 === 0 ? a : b, `many ${nth}`))
    if (nth % 10 === 0) await Promise.all(writing)
  }
  await Promise.all(writing)
  const moved = await joined(b, from)
  for (const sink of [early, late, moved])
    while (rowsIn(sink).length < 60) await new Promise((resolve) => setImmediate(resolve))
  const rows = rowsIn(early)
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    Array.from({ length: 60 }, (_, nth) => start + 1 + nth),
  )
  for (const sink of [late, moved]) assert.deepEqual(rowsIn(sink), rows)
})
