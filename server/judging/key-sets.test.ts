import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IssuerValue } from '@rescind/authority'
import type { Fetched } from '../machine/net/guarded-fetch.ts'
import {
  KEY_SETS_MAX,
  KEYS_AGE_MAX_MS,
  KEYS_ASK_AGAIN_MS,
  KEYS_FRESH_MS,
  KeySets,
  SET_MAX_BYTES,
} from './key-sets.ts'

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

/** A world in which every issuer publishes `body`, and the test moves time. */
class World {
  nowMs = 0
  asked = 0
  failures = 0
  why = ''
  status = 200
  body: string | Buffer = JSON.stringify({ keys: [JWK] })
  fetched: Fetched | undefined
  /** Set while answers have to wait. */
  gate: Promise<void> | undefined
  readonly sets: KeySets = new KeySets({
    fetch: async (): Promise<Fetched> => {
      this.asked += 1
      await this.gate
      if (this.fetched !== undefined) return this.fetched
      return { kind: 'answer', status: this.status, headers: {}, body: Buffer.from(this.body) }
    },
    monotonicMs: () => this.nowMs,
    allowInternal: false,
    onFailure: (_issuer, why) => {
      this.failures += 1
      this.why = why
    },
  })

  async count(nth = 0, realm = 'default'): Promise<number | undefined> {
    return (await this.sets.keysOf(realm, issuerAt(nth)))?.length
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

test('the last good set serves to its maximum age, to the millisecond, and failures are reported', async () => {
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
    assert.equal((await world.sets.newerKeysOf('default', issuerAt(0)))?.length, 1, broken)
  }
  world.status = 500
  world.nowMs = KEYS_AGE_MAX_MS
  assert.equal(await world.count(), 1)
  world.nowMs += KEYS_ASK_AGAIN_MS
  assert.equal(await world.count(), undefined)
  assert.ok(world.failures >= 7)
})

test('an unavailable issuer is asked again only after a while', async () => {
  const world = new World()
  world.status = 503
  for (let nth = 0; nth < 5; nth += 1) assert.equal(await world.count(), undefined)
  assert.equal(world.asked, 1)
  world.nowMs = KEYS_ASK_AGAIN_MS - 1
  assert.equal(await world.sets.newerKeysOf('default', issuerAt(0)), undefined)
  assert.equal(world.asked, 1)
  world.nowMs = KEYS_ASK_AGAIN_MS
  world.status = 200
  assert.equal(await world.count(), 1)
})

test('sets are held up to the bound; one more evicts the least recently used', async () => {
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

test('[H21] a realm with many issuers forgets its own sets, not those of another realm', async () => {
  const world = new World()
  await world.count(0, 'modest')
  for (let nth = 0; nth <= KEY_SETS_MAX; nth += 1) await world.count(nth, 'greedy')
  const { asked } = world
  await world.count(0, 'modest')
  assert.equal(world.asked, asked)
  await world.count(0, 'greedy')
  assert.equal(world.asked, asked + 1)
})

test('[H21] one issuer of two realms is asked once for each, in the name of that realm', async () => {
  const shares: object[] = []
  const sets = new KeySets({
    fetch: async (_url, { share }): Promise<Fetched> => {
      shares.push(share)
      return { kind: 'failed', why: 'timeout' }
    },
    monotonicMs: () => 0,
    allowInternal: false,
    onFailure: () => undefined,
  })
  for (const realm of ['one', 'two', 'one']) assert.equal(await sets.keysOf(realm, issuerAt(0)), undefined)
  const of = `issuer ${issuerAt(0).issuer}`
  assert.deepEqual(shares, [
    { realm: 'one', of },
    { realm: 'two', of },
  ])
})

// The kind: a set with one unknown entry, or one that is served in an unusual way.
const text = JSON.stringify
const good = text(JWK)
const OTHERS: Readonly<Record<string, string>> = {
  'a member that nobody knows': text({ ...JWK, 'x-vendor': { deep: [1, null] }, nbf: 1 }),
  'a member twice': `{"kty":"EC",${good.slice(1)}`,
  'a member twice, deeper down': `${good.slice(0, -1)},"x-vendor":{"a":1,"a":2}}`,
  __proto__: `${good.slice(0, -1)},"__proto__":{}}`,
  'half a character': `${good.slice(0, -1)},"kid":"\\ud800"}`,
  'a NUL': `${good.slice(0, -1)},"kid":"\\u0000"}`,
  'a number that is none': `${good.slice(0, -1)},"nbf":1e999}`,
  'another type': '{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}',
  'a key for encryption': text({ ...JWK, use: 'enc' }),
  'no key at all': 'null,7,"x",[],{}',
}

for (const [name, other] of Object.entries(OTHERS))
  test(`the keys of a set that are understood are used, whatever else stands in it: ${name} [W15]`, async () => {
    const world = new World()
    const isGood = name === 'a member that nobody knows' || name === 'a member twice, deeper down'
    for (const body of [`{"keys":[${other},${good}]}`, `{"keys":[${good},${other}],"x":1}`]) {
      world.body = body
      world.nowMs += KEYS_AGE_MAX_MS + KEYS_ASK_AGAIN_MS
      assert.equal(await world.count(), isGood ? 2 : 1, body)
    }
    assert.equal(world.failures, 0)
  })

test('a set has as many keys as its bytes hold, and may begin with a byte order mark [W15]', async () => {
  const world = new World()
  world.body = `\ufeff${text({ keys: Array.from({ length: 33 }, (_, nth) => ({ ...JWK, kid: `k${nth}` })) })}`
  assert.equal(await world.count(), 33)
  const many = Math.floor(SET_MAX_BYTES / (good.length + 16))
  world.body = text({ keys: Array.from({ length: many }, (_, nth) => ({ ...JWK, kid: `k${nth}` })) })
  world.nowMs += KEYS_AGE_MAX_MS + KEYS_ASK_AGAIN_MS
  assert.equal(await world.count(), many)
})

test('a set that is too large, or cannot be unpacked, is reported in words that say so [W15]', async () => {
  for (const [why, words] of [
    ['too-large', /larger than 262144 bytes/],
    ['encoded', /encoded in a way/],
    ['timeout', /^timeout$/],
  ] as const) {
    const world = new World()
    world.fetched = { kind: 'failed', why }
    assert.equal(await world.count(), undefined)
    assert.match(world.why, words)
  }
  const world = new World()
  world.body = `{"keys":[${good}],"keys":[]}`
  assert.equal(await world.count(), undefined, 'two lists of keys are none')
})
