import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRONG_KEYS_BURST } from '@rescind/dialects'
import { Calls, CONTROL, textAt } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'

// The kind: a key that opens everything must neither be guessable nor be guessed at.

const PROXY = ['--behind-proxy', '127.0.0.1/32']
const from = (address: string): string => `X-Forwarded-For: ${address}`

test('[W89] wrong control keys are heard so often from one address, and from there then no key at all', async () => {
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
      'none is no guess',
    )
    server.clock.advance(1_000)
    assert.equal((await calls.send('GET /control/v1/keys', [CONTROL, from('2001:db8::1')])).status, 200)
  } finally {
    calls.close()
    await server.close()
  }
})

test('[W89] a wrong key that comes again and again, of a verifier that was retired, shuts nobody out', async () => {
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

test('[W89] an API key that can be guessed is 422 when it is given, and one that is made cannot be', async () => {
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

test('[W89] an insecure switch lets guessable keys in, and stands in the metrics', async () => {
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
