import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  callerFacts,
  EXPIRING_KINDS,
  KEY_PURPOSES,
  type Realm,
  Realms,
  seal,
  storedKind,
  subkey,
  unseal,
} from '@rescind/authority'
import { sha256Base64url } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { MASTER, openWorld, type World } from '../../../test/kit/realm.ts'
import { wireRequest } from '../../../test/kit/request.ts'
import { SeededRandom } from '../../../test/kit/seeded-random.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import { BoundedEntries } from '../../machine/bounded-entries.ts'
import type { By } from './by.ts'
import { type Act, Idempotency, type Keyed, keyOf, REPLAY_MS } from './idempotency.ts'

const DAY_MS = 86_400_000

function byOf(realm: Realm, id: string): By {
  const facts = callerFacts({ source: 'control', client: id }, realm.position())
  const caller = { id: `control:${id}`, from: '127.0.0.1', dependency: { realm: realm.ordinal, facts } }
  return { kind: 'control', id, role: 'admin', realm: undefined, caller }
}

type Asked = { readonly key?: string; readonly body?: string; readonly path?: string; readonly by?: string }

function asked(
  { realm }: Pick<World, 'realm'>,
  { key = 'k1', body = '{}', path = '/a', by = 'ops' }: Asked,
): Keyed {
  const request = wireRequest({ method: 'POST', path, body, headers: { 'idempotency-key': key } })
  return { realm, by: byOf(realm, by), request }
}

/** An act that counts how often it was done. */
function counted(): { act: Act; times: () => number } {
  let times = 0
  return {
    act: {
      run: async () => {
        times += 1
        return jsonAnswer(201, { nth: times, secret: 'shown-once' }, { 'x-nth': String(times) })
      },
    },
    times: () => times,
  }
}

function settled(answer: Answer | Stale): Answer {
  assert.ok(answer !== 'stale')
  return answer
}

test('[W46] any text of up to 255 characters is a key, in quotes or bare', async () => {
  const keyFrom = (header: string): unknown =>
    keyOf(wireRequest({ method: 'POST', path: '/', headers: { 'idempotency-key': header } }))
  for (const [header, key] of [
    ['"any text of up to 255 characters"', 'any text of up to 255 characters'],
    ['any text, bare', 'any text, bare'],
    ['k', 'k'],
    ['"k"', 'k'],
    [String.raw`"say \"so\" \\ then"`, String.raw`say "so" \ then`],
    [String.raw`bare \ and "quotes"`, String.raw`bare \ and "quotes"`],
    ['"half', '"half'],
    ['a,b;c=d', 'a,b;c=d'],
    ['Vorfall Nº 7 — größer', 'Vorfall Nº 7 — größer'],
    ['"事件 42"', '事件 42'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'y'.repeat(255)}"`, 'y'.repeat(255)],
    ['é'.repeat(255), 'é'.repeat(255)],
  ] as const)
    assert.equal(keyFrom(header), key, header)
  for (const header of ['', '""', 'x'.repeat(256), 'é'.repeat(256), 'tab\there', 'nul\0', 'del\x7f'])
    assert.equal((keyFrom(header) as Answer).status, 400, JSON.stringify(header))
})

test('the same key and request are answered with what was answered first, for 24 hours', async () => {
  const world = await openWorld()
  const { act, times } = counted()
  const first = settled(await new Idempotency().run(asked(world, {}), act))
  world.clock.advance(REPLAY_MS - 1)
  // Another server on the same store repeats the answer, because it is durable.
  const again = settled(await new Idempotency().run(asked(world, { key: '"k1"' }), act))
  assert.equal(again.body, first.body)
  assert.equal(again.status, 201)
  assert.equal(again.headers['x-nth'], '1')
  assert.equal(again.headers['idempotent-replayed'], 'true')
  world.clock.advance(1)
  await new Idempotency().run(asked(world, {}), act)
  assert.equal(times(), 2)
})

test('another request under the same key is 422 and is not carried out', async () => {
  const world = await openWorld()
  const { act, times } = counted()
  const idempotency = new Idempotency()
  await idempotency.run(asked(world, {}), act)
  for (const other of [{ body: '{"a":1}' }, { path: '/b' }])
    assert.equal(settled(await idempotency.run(asked(world, other), act)).status, 422)
  assert.equal(times(), 1)
})

test('each control key and each realm has its own idempotency keys', async () => {
  const world = await openWorld()
  const branch = await world.realms.create('branch', { by: 'test', from: 'local', how: 'test' })
  const { act, times } = counted()
  const idempotency = new Idempotency()
  await idempotency.run(asked(world, {}), act)
  await idempotency.run(asked(world, { by: 'eve' }), act)
  await idempotency.run(asked({ realm: branch }, {}), act)
  assert.equal(times(), 3)
})

test('a key whose request is still running is 409; when that has ended, it is a replay', async () => {
  const world = await openWorld()
  const idempotency = new Idempotency()
  const gate = Promise.withResolvers<Answer>()
  const running = idempotency.run(asked(world, {}), { run: () => gate.promise })
  const meanwhile = settled(
    await idempotency.run(asked(world, {}), { run: async () => jsonAnswer(201, 'twice') }),
  )
  assert.equal(meanwhile.status, 409)
  gate.resolve(jsonAnswer(201, 'once'))
  await running
  const later = settled(
    await idempotency.run(asked(world, {}), { run: async () => jsonAnswer(201, 'twice') }),
  )
  assert.equal(later.body, '"once"')
})

test('an outage is not remembered: the next call with the key acts', async () => {
  const world = await openWorld()
  const idempotency = new Idempotency()
  const { act, times } = counted()
  await idempotency.run(asked(world, {}), { run: async () => jsonAnswer(503, {}) })
  await assert.rejects(async () => {
    await idempotency.run(asked(world, {}), {
      run: () => {
        throw new Error('a bug')
      },
    })
  })
  assert.equal(settled(await idempotency.run(asked(world, {}), act)).status, 201)
  assert.equal(times(), 1)
})

test('a stored answer cannot be read without the realm key', async () => {
  const world = await openWorld()
  await new Idempotency().run(asked(world, {}), counted().act)
  const ask = { kind: EXPIRING_KINDS.idempotency, after: undefined, limit: 10 }
  const { entries } = await world.store.expiringPage(world.realm.ordinal, ask)
  assert.equal(entries.length, 1)
  for (const { id, value } of entries) {
    assert.ok(!Buffer.from(value).toString('latin1').includes('shown-once'))
    assert.ok(!id.includes('k1'))
  }
})

test('an act whose answer a crash lost is not repeated, and its outcome is answered again', async () => {
  const world = await openWorld()
  const { realm } = world
  let times = 0
  const crashing: Act = {
    run: async (once): Promise<Answer | Stale> => {
      times += 1
      assert.ok(once !== undefined)
      const operations = [once.mark]
      const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
      if (outcome.kind !== 'applied') return 'stale'
      throw new Error('the process ends here')
    },
    recover: async (id) => jsonAnswer(201, { id }),
  }
  await assert.rejects(async () => new Idempotency().run(asked(world, {}), crashing))
  // Another server on the same store.
  const again = settled(await new Idempotency().run(asked(world, {}), crashing))
  assert.equal(again.status, 201)
  assert.equal(times, 1)
  const { act } = counted()
  assert.equal(
    settled(await new Idempotency().run(asked(world, {}), act)).status,
    409,
    'nobody can say it again',
  )
  assert.equal(settled(await new Idempotency().run(asked(world, { body: '[]' }), act)).status, 422)
})

async function keptIn({ store, realm }: World): Promise<number> {
  return (
    await store.expiringPage(realm.ordinal, {
      kind: EXPIRING_KINDS.idempotency,
      after: undefined,
      limit: 1_000,
    })
  ).entries.length
}

// The kind: entries that a caller can create without end. Neighbours: number and size, others' keys and realms, a
// restart, bulk.
onBothStores(
  '[W67] a control key has a bounded number of kept answers; its oldest go, and others keep theirs',
  async (store) => {
    const world = await openWorld(store)
    const branch = await world.realms.create('branch', { by: 'test', from: 'local', how: 'test' })
    const { act, times } = counted()
    let idempotency = new Idempotency(5)
    await idempotency.run(asked(world, { by: 'eve' }), act)
    await idempotency.run(asked({ realm: branch }, {}), act)
    for (let nth = 0; nth < 5; nth += 1) {
      world.clock.advance(1_000)
      await idempotency.run(asked(world, { key: `k${nth}` }), act)
    }
    assert.deepEqual([times(), await keptIn(world)], [7, 6])
    await idempotency.run(asked(world, { key: 'k0' }), act)
    assert.equal(times(), 7, 'at the bound all are there')
    // Another server on the same store can tell the owners apart.
    idempotency = new Idempotency(5)
    const again = await Realms.open({
      ...{ store, clock: world.clock, master: MASTER },
      random: new SeededRandom('again'),
      defer: queueMicrotask,
    })
    const reopened = { realm: again.default }
    world.clock.advance(1_000)
    await idempotency.run(asked(reopened, { key: 'k5' }), act)
    assert.equal(await keptIn(world), 6, 'one past it, the oldest has gone')
    for (const key of ['k1', 'k5']) await idempotency.run(asked(reopened, { key }), act)
    await idempotency.run(asked(reopened, { by: 'eve' }), act)
    assert.equal(times(), 8, 'the newer ones are there, and those of others')
    await idempotency.run(asked(reopened, { key: 'k0' }), act)
    assert.equal(times(), 9, 'what has gone is done again')
  },
)

test('[W67] no answer to a verifier’s key is kept', async () => {
  const world = await openWorld()
  const { act, times } = counted()
  const idempotency = new Idempotency()
  const of = asked(world, {})
  for (const request of [
    of.request,
    wireRequest({ method: 'POST', path: '/a', headers: { 'idempotency-key': '' } }),
  ])
    await idempotency.run({ ...of, request, by: { ...of.by, kind: 'verifier', role: undefined } }, act)
  assert.deepEqual([times(), await keptIn(world)], [2, 0])
})

test('[W67] answers are bounded by their size, too: the newest is always kept', async () => {
  const entries = new BoundedEntries({ kind: storedKind('k'), countMax: 100, bytesMax: 1_000 })
  const { realm } = await openWorld()
  const put = async (name: string, bytes: number): Promise<number> => {
    const entry = {
      id: entries.idOf('a', name),
      value: Buffer.alloc(bytes),
      expiresAtMs: realm.nowMs() + DAY_MS,
    }
    const operations = await entries.put(realm, entry)
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    return (
      await realm.store.expiringPage(realm.ordinal, { kind: storedKind('k'), after: undefined, limit: 10 })
    ).entries.length
  }
  assert.deepEqual(
    [await put('1', 400), await put('2', 600), await put('2', 600), await put('3', 1), await put('4', 5_000)],
    [1, 2, 2, 2, 1],
  )
})

test('[W67] an answer that an earlier build kept is repeated', async () => {
  const world = await openWorld()
  const { act, times } = counted()
  const idempotency = new Idempotency()
  await idempotency.run(asked(world, {}), act)
  // The form from before ids had a tag: the second part of the id, and sealed for that id.
  const { realm } = world
  const id = sha256Base64url('ops\0k1')
  const { entries } = await realm.store.expiringPage(realm.ordinal, {
    kind: EXPIRING_KINDS.idempotency,
    after: undefined,
    limit: 1,
  })
  const [entry] = entries
  assert.ok(entry !== undefined)
  const sealing = (of: string) => ({
    key: subkey(realm.keys.sealKey, KEY_PURPOSES.idempotentAnswer(of)),
    associated: `idempotency:${realm.name}:${of}`,
  })
  const [now, before] = [sealing(entry.id), sealing(id)]
  const plain = unseal(now.key, entry.value, now.associated)
  assert.ok(plain !== undefined)
  const value = seal({ ...before, random: realm.random }, plain)
  const operations = [
    { kind: 'drop-expiring', entry },
    { kind: 'put-expiring', entry: { ...entry, id, value } },
  ] as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  await idempotency.run(asked(world, {}), act)
  assert.equal(times(), 1)
})
