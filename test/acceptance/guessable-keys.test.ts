import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRONG_KEYS_BURST } from '@rescind/dialects'
import { Calls, CONTROL, textAt } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'

// A key that opens everything must not be guessable, and guessing at it must be limited.

const PROXY = ['--behind-proxy', '127.0.0.1/32']
const from = (address: string): string => `X-Forwarded-For: ${address}`

test('[W89] after too many wrong control keys an address is refused with any key', async () => {
  const server = await openServer({ time: 'hand', flags: PROXY })
  const calls = new Calls(server.port)
  const guess = (nth: number, address: string, path = '/control/v1/keys'): Promise<RawAnswer> =>
    calls.send(`GET ${path}`, [`Authorization: Bearer wrong-${nth}`, from(address)])
  try {
    let refused = 0
    for (let nth = 0; nth < 3_000; nth += 1) {
      const { status } = await guess(
        nth,
        `2001:db8::${(nth % 500).toString(16)}`,
        nth % 2 === 0 ? '/metrics' : undefined,
      )
      if (status === 429) refused += 1
      else assert.equal(status, 401)
    }
    assert.equal(refused, 3_000 - WRONG_KEYS_BURST)
    const locked = await calls.send('GET /control/v1/keys', [CONTROL, from('2001:db8::1')])
    assert.equal(locked.status, 429, 'the right one either')
    assert.equal(headerOf(locked, 'retry-after'), '1')
    assert.equal((await calls.send('GET /metrics', [CONTROL, from('2001:db8::1')])).status, 429)
    const elsewhere = await calls.send('GET /control/v1/keys', [CONTROL, from('192.0.2.1')])
    assert.equal(elsewhere.status, 200, 'a second caller is unhurt')
    assert.equal(
      (await calls.send('GET /control/v1/keys', [from('2001:db8::1')])).status,
      401,
      'a missing key is not a guess',
    )
    server.clock.advance(1_000)
    assert.equal((await calls.send('GET /control/v1/keys', [CONTROL, from('2001:db8::1')])).status, 200)
  } finally {
    calls.close()
    await server.close()
  }
})

test('[W89] a retired verifier that keeps sending its old key locks nobody out', async () => {
  const server = await openServer({ time: 'hand' })
  const calls = new Calls(server.port)
  try {
    for (let nth = 0; nth < WRONG_KEYS_BURST + 100; nth += 1)
      assert.equal(
        (await calls.send('GET /control/v1/feed/config', ['Authorization: Bearer retired'])).status,
        401,
      )
    const good = 'Authorization: Bearer orders-api-key-0123456789'
    assert.equal((await calls.send('GET /control/v1/feed/config', [good])).status, 200)
  } finally {
    calls.close()
    await server.close()
  }
})

const WEAK = ['a', 'an-api-key', '0123456789', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'deadbeef']

test('[W89] a guessable chosen API key is 422, and generated ones are not guessable', async () => {
  const server = await openServer({ time: 'hand' })
  const calls = new Calls(server.port)
  try {
    for (const apiKey of WEAK) {
      const refused = await calls.control('POST /chat-apps', { name: 'weak', apiKey })
      assert.equal(refused.status, 422, apiKey)
      assert.equal(refused.body.toString().includes(`"${apiKey}"`), false)
    }
    const made = await calls.control('POST /chat-apps', { name: 'made', clientKey: 'public' })
    assert.equal(made.status, 201)
    const again = { name: 'given', apiKey: `${textAt(made, 'apiKey')}x`, clientKey: 'public too' }
    assert.equal((await calls.control('POST /chat-apps', again)).status, 201)
    for (const apiKey of WEAK)
      assert.equal((await calls.control('PATCH /chat-apps/made', { apiKey })).status, 422)
    assert.equal(
      (await calls.send('GET /metrics', [CONTROL])).body
        .toString()
        .includes('{setting="allowWeakSecrets"} 0'),
      true,
    )
  } finally {
    calls.close()
    await server.close()
  }
})

test('[W89] an insecure switch allows guessable keys, and shows in the metrics', async () => {
  const server = await openServer({ time: 'hand', flags: ['--allow-weak-secrets'] })
  const calls = new Calls(server.port)
  try {
    assert.equal((await calls.control('POST /chat-apps', { name: 'weak', apiKey: 'a' })).status, 201)
    const metrics = await calls.send('GET /metrics', [CONTROL])
    assert.match(metrics.body.toString(), /rescind_insecure_settings\{setting="allowWeakSecrets"\} 1/)
  } finally {
    calls.close()
    await server.close()
  }
})
