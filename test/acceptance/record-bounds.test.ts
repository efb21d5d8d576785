import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'

// Records that operators create are bounded per realm, and a full realm leaves the others unaffected.

/** Records made by the seed: all but two, which is much faster than creating each. */
const SEEDED = 998
const chatApp = (nth: number): object => ({ name: `app-${nth}` })
const verifier = (nth: number): object => ({ name: `verifier-${nth}` })
const seeded = <T>(make: (nth: number) => T): readonly T[] =>
  Array.from({ length: SEEDED }, (_, nth) => make(nth))
const FULL = {
  name: 'default',
  chatApps: seeded((nth) => ({
    ...chatApp(nth),
    apiKey: `api-key-of-app-${nth}`,
    clientKey: `client-key-${nth}`,
  })),
  verifiers: seeded((nth) => ({ ...verifier(nth), key: `key-of-verifier-${nth}` })),
}
const { server, calls } = await openForFile({ time: 'hand', seed: { realms: [FULL, { name: 'other' }] } })

async function made(path: string, body: object): Promise<number> {
  // The rate limit uses the clock, which otherwise stands still.
  server.clock.advance(1)
  return (await calls.control(`POST /${path}`, body)).status
}

type Bound = {
  readonly of: string
  readonly path: string
  readonly max: number
  readonly full: number
  /** Records that exist already. */
  readonly from: number
  readonly body: (nth: number) => object
}

const BOUNDS: readonly Bound[] = [
  { of: 'chat apps', path: 'chat-apps', max: 1_000, full: 422, from: SEEDED, body: chatApp },
  {
    of: 'issuers',
    path: 'issuers',
    max: 500,
    full: 422,
    from: 0,
    body: (nth) => ({ issuer: `https://idp-${nth}.example/`, jwksUrl: `https://idp-${nth}.example/keys` }),
  },
  { of: 'verifiers', path: 'verifiers', max: 1_000, full: 409, from: SEEDED, body: verifier },
]

for (const { of, path, max, full, from, body } of BOUNDS)
  test(`a realm holds ${max} ${of}, one more is ${full}, and another realm is unaffected`, async () => {
    for (let nth = from; nth < max; nth += 1) {
      const status = await made(path, body(nth))
      if (status !== 201) assert.equal(status, 201, `number ${nth}`)
    }
    assert.equal(await made(path, body(max)), full)
    assert.equal(await made(`${path}?realm=other`, body(max)), 201)
  })

test('a realm holds 100 control keys, so its admin cannot use up those of others', async () => {
  const first = await calls.control('POST /keys', { name: 'admin of other', role: 'admin', realm: 'other' })
  const own = `Authorization: Bearer ${textAt(first, 'key')}`
  const makeOwn = async (nth: number): Promise<number> => {
    server.clock.advance(1)
    return (await calls.control('POST /keys', { name: `own-${nth}`, role: 'viewer' }, own)).status
  }
  for (let nth = 1; nth < 100; nth += 1) assert.equal(await makeOwn(nth), 201)
  assert.equal(await makeOwn(100), 422)
  assert.equal(await made('keys', { name: 'of default', role: 'viewer', realm: 'default' }), 201)
})

test('a store holds 1,000 control keys, and no more until one is deleted; existing ones keep working', async () => {
  const key = (nth: number): object => ({ name: `key-${nth}`, role: 'viewer' })
  // One came with the server, and 101 were made above.
  for (let nth = 102; nth < 1_000; nth += 1) assert.equal(await made('keys', key(nth)), 201)
  assert.equal(await made('keys', key(1_000)), 422)
  const { keys } = jsonOf(await calls.control('GET /keys?limit=1000')) as { keys: readonly { id: string }[] }
  const last = keys.find(({ id }) => id !== 'first') ?? assert.fail('no key')
  assert.equal((await calls.control(`DELETE /keys/${last.id}`)).status, 204)
  assert.equal(await made('keys', key(1_000)), 201)
})
