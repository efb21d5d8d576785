import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IssuerValue } from '@rescind/core'
import type { Fetched } from '../http/guarded-fetch.ts'
import { KEY_SETS_MAX, KEYS_AGE_MAX_MS, KEYS_ASK_AGAIN_MS, KEYS_FRESH_MS, KeySets } from './key-sets.ts'

const JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}

function issuerAt(nth: number): IssuerValue {
  return {
    issuer: `https://idp-${nth}.example`,
    enabled: true,
    algorithms: ['ES256'],
    claims: {},
    skewSeconds: 60,
    maxLifetimeSeconds: 3_600,
    jwksUrl: `https://idp-${nth}.example/keys`,
  }
}

/** A world where `body` is what every issuer publishes, and time moves by hand. */
class World {
  nowMs = 0
  asked = 0
  failures = 0
  status = 200
  body = JSON.stringify({ keys: [JWK] })
  /** Set while answers are to wait. */
  gate: Promise<void> | undefined
  readonly sets: KeySets = new KeySets({
    fetch: async (): Promise<Fetched> => {
      this.asked += 1
      await this.gate
      return { kind: 'answer', status: this.status, headers: {}, body: Buffer.from(this.body) }
    },
    monotonicMs: () => this.nowMs,
    allowInternal: false,
    onFailure: () => {
      this.failures += 1
    },
  })

  async count(nth = 0): Promise<number | undefined> {
    return (await this.sets.keysOf(issuerAt(nth)))?.length
  }
}

test('a set is asked for once by any number at once, and not again while it is fresh', async () => {
  const world = new World()
  let open: () => void = () => undefined
  world.gate = new Promise((resolve) => {
    open = resolve
  })
  const all = Promise.all(Array.from({ length: 100 }, () => world.count()))
  open()
  assert.deepEqual(new Set(await all), new Set([1]))
  world.nowMs = KEYS_FRESH_MS
  assert.equal(await world.count(), 1)
  assert.equal(world.asked, 1)
})

test('an older set serves at once while a newer one is fetched', async () => {
  const world = new World()
  await world.count()
  world.nowMs = KEYS_FRESH_MS + 1
  world.gate = new Promise(() => undefined)
  assert.equal(await world.count(), 1, 'nobody waits for the newer one')
  assert.equal(world.asked, 2)
})

test('the last good set serves to its maximum age, to the millisecond, and failures are told', async () => {
  const world = new World()
  await world.count()
  for (const broken of [
    '',
    '[]',
    '{"keys":[]}',
    '{"keys":[{"kty":"oct","k":"AA"}]}',
    '{"keys":',
    '{"keys":{}}',
  ]) {
    world.body = broken
    world.nowMs += KEYS_ASK_AGAIN_MS
    assert.equal((await world.sets.newerKeysOf(issuerAt(0)))?.length, 1, broken)
  }
  world.status = 500
  world.nowMs = KEYS_AGE_MAX_MS
  assert.equal(await world.count(), 1)
  world.nowMs += KEYS_ASK_AGAIN_MS
  assert.equal(await world.count(), undefined)
  assert.ok(world.failures >= 7)
})

test('an issuer that is away is asked again only after a while', async () => {
  const world = new World()
  world.status = 503
  for (let nth = 0; nth < 5; nth += 1) assert.equal(await world.count(), undefined)
  assert.equal(world.asked, 1)
  world.nowMs = KEYS_ASK_AGAIN_MS - 1
  assert.equal(await world.sets.newerKeysOf(issuerAt(0)), undefined)
  assert.equal(world.asked, 1)
  world.nowMs = KEYS_ASK_AGAIN_MS
  world.status = 200
  assert.equal(await world.count(), 1)
})

test('as many sets as may be held are; one more forgets the one that was used least lately', async () => {
  const world = new World()
  for (let nth = 0; nth < KEY_SETS_MAX; nth += 1) await world.count(nth)
  await world.count(0)
  assert.equal(world.asked, KEY_SETS_MAX)
  await world.count(KEY_SETS_MAX)
  await world.count(0)
  assert.equal(world.asked, KEY_SETS_MAX + 1)
  await world.count(1)
  assert.equal(world.asked, KEY_SETS_MAX + 2)
})
