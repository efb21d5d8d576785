import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, succeeded } from '../kit/calls.ts'
import { FeedReader } from '../kit/feed-client.ts'
import { openForFile } from '../kit/in-process.ts'
import { SEED } from '../kit/seed.ts'

/* [W82] A client must not stay connected to a realm that is no longer served, believing that all is well. */

const KEYS = { south: 'south-verifier-key-0123456789', west: 'west-verifier-key-0123456789' }

const [first] = SEED.realms as readonly object[]
const realms = Object.entries(KEYS).map(([name, key]) => ({
  ...first,
  name,
  verifiers: [{ name: 'v', key }],
}))
const { server, calls } = await openForFile({ time: 'real', seed: { realms: [first, ...realms] } })

const chatKey = { 'IM-API-KEY': API_KEY.slice('IM-API-KEY: '.length) }

for (const [realm, line, body] of [
  ['south', 'PATCH /control/v1/realms/south', { enabled: false }],
  ['west', 'DELETE /control/v1/realms/west', undefined],
] as const) {
  test(`[W82] [F16] [B14] every stream of a realm ends at once, with the reason, on ${line}`, async () => {
    const verifier = { authorization: `Bearer ${KEYS[realm]}` }
    const feed = `${server.url}/control/v1/feed`
    const instance = new FeedReader(`${feed}?bound=60000`, verifier)
    const plain = new FeedReader(feed, verifier)
    const hello = await instance.next()
    assert.ok(hello !== undefined)
    const { position } = hello.data as { readonly position: string }
    await plain.next()
    const poll = fetch(`${feed}?wait=60&after=${position}`, {
      headers: { ...verifier, accept: 'application/json' },
    })
    const chat = new FeedReader(`${server.url}/realms/${realm}/admin/revocations`, chatKey)
    assert.equal((await chat.next())?.event, 'ready')
    const others = [
      new FeedReader(feed, { authorization: 'Bearer orders-api-key-0123456789' }),
      new FeedReader(`${server.url}/admin/revocations`, chatKey),
    ]
    for (const one of others) await one.next()

    succeeded(await calls.json(line, body), line)

    for (const one of [instance, plain]) {
      const events = []
      for (let event = await one.next(); event !== undefined; event = await one.next()) events.push(event)
      assert.deepEqual([events.at(-1)?.event, events.at(-1)?.data], ['reset', { why: 'realm' }])
    }
    const told = []
    for (let event = await chat.next(); event !== undefined; event = await chat.next()) told.push(event)
    assert.deepEqual([told.at(-1)?.event, told.at(-1)?.data], ['closed', { why: 'realm' }])
    assert.ok((await poll).status < 500)
    for (const [url, key] of [
      [feed, verifier],
      [`${server.url}/realms/${realm}/admin/revocations`, chatKey],
    ] as const)
      assert.ok((await fetch(url, { headers: key })).status >= 400, `${url} is not opened again`)

    // Other streams continue: the next event that each gets is a revocation of its own.
    await calls.chatRevoke('ann', await calls.chatToken('ann'))
    const [rows, revoked] = await Promise.all(others.map((one) => one.next()))
    assert.deepEqual([rows?.event, revoked?.event], ['rows', 'revoked'])
    for (const one of others) one.close()
  })
}
