import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../../test/kit/realm.ts'
import { Claim } from './basic-credentials.ts'
import { type Asker, Guesses } from './guesses.ts'

const BURST = 100

function from(realm: Asker['realm'], address: string): Asker {
  return { realm, request: { from: address } }
}

function guess(guesses: Guesses, asker: Asker, clientId: string, times: number): void {
  for (let nth = 0; nth < times; nth += 1) guesses.wrong(asker, [new Claim(clientId, `wrong ${nth}`)])
}

test('[P13] wrong secrets make a client wait at that address in that realm only', async () => {
  const { realm, realms } = await openWorld()
  const other = await realms.create('other', { by: 'test', from: 'local', how: 'test' })
  const guesses = new Guesses()
  const here = from(realm, '192.0.2.1')
  guess(guesses, here, 'web', BURST)
  const right = [new Claim('web', 'right')]
  assert.equal(guesses.waitSeconds(here, right), 2)
  assert.equal(guesses.waitSeconds(from(realm, '192.0.2.2'), right), 0)
  assert.equal(guesses.waitSeconds(from(other, '192.0.2.1'), right), 0)
  assert.equal(guesses.waitSeconds(here, [new Claim('api', 'right')]), 0)
  assert.equal(guesses.waitSeconds(here, []), 0)
})

test('[K01] made-up client ids do not evict a lock, because all wrong secrets of an address share a limit', async () => {
  const { realm, clock } = await openWorld()
  const guesses = new Guesses()
  const here = from(realm, '192.0.2.1')
  guess(guesses, here, 'web', BURST)
  let sent = 0
  // An address that has to wait sends nothing that counts.
  for (let nth = 0; nth < 50_000; nth += 1) {
    const claims = [0, 1, 2, 3].map((part) => new Claim(`made up ${nth}.${part}`, 'x'))
    if (guesses.waitSeconds(here, claims) > 0) continue
    guesses.wrong(here, claims)
    sent += 1
  }
  assert.equal(sent, 1_900)
  assert.ok(guesses.waitSeconds(here, [new Claim('web', 'y')]) > 0)
  clock.advance(1_000)
  assert.ok(guesses.waitSeconds(here, [new Claim('web', 'y')]) > 0)
})

// A locked address learns nothing, not even from a secret that is known to be right.
test('[H22] a locked address has to wait with every secret', async () => {
  const { realm } = await openWorld()
  const guesses = new Guesses()
  const here = from(realm, '192.0.2.1')
  guess(guesses, here, 'web', BURST)
  for (const secret of ['right', 'wrong', ''])
    assert.equal(guesses.waitSeconds(here, [new Claim('web', secret)]), 2, secret)
})

test('[H22] guesses are counted per IPv6 /64', async () => {
  const { realm } = await openWorld()
  const guesses = new Guesses()
  for (let nth = 0; nth < BURST; nth += 1)
    guess(guesses, from(realm, `2001:db8::${nth.toString(16)}`), 'web', 1)
  assert.equal(guesses.waitSeconds(from(realm, '2001:db8::ffff'), [new Claim('web', 'right')]), 2)
  assert.equal(guesses.waitSeconds(from(realm, '2001:db8:0:1::1'), [new Claim('web', 'right')]), 0)
})
