import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Calls, CONTROL, JSON_BODY, textAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'

// The kind: records that operators make are bounded by realm, and a realm that is full leaves the others as they are.

let server: TestServer
let calls: Calls

before(async () => {
  server = await openServer({ time: 'hand', seed: { realms: [{ name: 'default' }, { name: 'other' }] } })
  calls = new Calls(server.port)
})

after(async () => {
  calls.close()
  await server.close()
})

async function made(path: string, body: object): Promise<number> {
  // The limit of rate goes by the clock, which stands still by itself.
  server.clock.advance(1)
  return (await calls.send(`POST /control/v1/${path}`, [CONTROL, JSON_BODY], JSON.stringify(body))).status
}

type Bound = {
  readonly of: string
  readonly path: string
  readonly max: number
  readonly full: number
  readonly body: (nth: number) => object
}

const BOUNDS: readonly Bound[] = [
  { of: 'chat apps', path: 'chat-apps', max: 1_000, full: 422, body: (nth) => ({ name: `app-${nth}` }) },
  {
    of: 'issuers',
    path: 'issuers',
    max: 500,
    full: 422,
    body: (nth) => ({ issuer: `https://idp-${nth}.example/`, jwksUrl: `https://idp-${nth}.example/keys` }),
  },
  { of: 'verifiers', path: 'verifiers', max: 1_000, full: 409, body: (nth) => ({ name: `verifier-${nth}` }) },
]

for (const { of, path, max, full, body } of BOUNDS)
  test(`a realm holds ${max} ${of}, one more is ${full}, and another realm is unhurt`, async () => {
    for (let nth = 0; nth < max; nth += 1) {
      const status = await made(path, body(nth))
      if (status !== 201) assert.equal(status, 201, `number ${nth}`)
    }
    assert.equal(await made(path, body(max)), full)
    assert.equal(await made(`${path}?realm=other`, body(max)), 201)
  })

test('a realm holds 100 control keys of its own, so its admin uses up none of the others', async () => {
  const body = JSON.stringify({ name: 'admin of other', role: 'admin', realm: 'other' })
  const first = await calls.send('POST /control/v1/keys', [CONTROL, JSON_BODY], body)
  const own = `Authorization: Bearer ${textAt(first, 'key')}`
  const makeOwn = async (nth: number): Promise<number> => {
    server.clock.advance(1)
    const key = JSON.stringify({ name: `own-${nth}`, role: 'viewer' })
    return (await calls.send('POST /control/v1/keys', [own, JSON_BODY], key)).status
  }
  for (let nth = 1; nth < 100; nth += 1) assert.equal(await makeOwn(nth), 201)
  assert.equal(await makeOwn(100), 422)
  assert.equal(await made('keys', { name: 'of default', role: 'viewer', realm: 'default' }), 201)
})

test('a store holds 1,000 control keys, one more is 422, and those that there are go on', async () => {
  const key = (nth: number): object => ({ name: `key-${nth}`, role: 'viewer' })
  // One came with the server, 101 were made above.
  for (let nth = 102; nth < 1_000; nth += 1) assert.equal(await made('keys', key(nth)), 201)
  assert.equal(await made('keys', key(1_000)), 422)
  assert.equal((await calls.send('GET /control/v1/keys?limit=1', [CONTROL])).status, 200)
})
