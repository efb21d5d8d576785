import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FETCHES_MAX, FETCHES_PER_ONE_MAX, FETCHES_PER_REALM_MAX, FetchShares } from './fetch-shares.ts'

// The kind: slots for requests to foreign servers. A slow server must not use up the slots of others.

type Held = { readonly leave: () => void; isGivenUp: boolean }

class Places {
  readonly shares: FetchShares = new FetchShares()
  readonly held: Held[] = []

  /** @returns how many of `count` requests got a slot. */
  take(realm: string, of: string, count = 1): number {
    let got = 0
    for (let nth = 0; nth < count; nth += 1) {
      const held: { leave: () => void; isGivenUp: boolean } = { leave: () => undefined, isGivenUp: false }
      const leave = this.shares.enter({ realm, of }, () => {
        held.isGivenUp = true
      })
      if (leave === undefined) continue
      held.leave = leave
      this.held.push(held)
      got += 1
    }
    return got
  }

  get givenUp(): number {
    return this.held.filter(({ isGivenUp }) => isGivenUp).length
  }
}

test('[H21] one app has so many places and no more, until one is given back', () => {
  const places = new Places()
  assert.equal(places.take('default', 'app acme', FETCHES_PER_ONE_MAX + 1), FETCHES_PER_ONE_MAX)
  places.held[3]?.leave()
  assert.equal(places.take('default', 'app acme', 2), 1)
  assert.equal(places.givenUp, 0)
})

test('[H21] a realm has so many places, and in it the app with the most gives way', () => {
  const places = new Places()
  assert.equal(FETCHES_PER_REALM_MAX, 2 * FETCHES_PER_ONE_MAX)
  places.take('default', 'app one', FETCHES_PER_ONE_MAX)
  places.take('default', 'app two', FETCHES_PER_ONE_MAX)
  // A third app gets slots until the others would have fewer than it has.
  const got = places.take('default', 'app three', FETCHES_PER_ONE_MAX)
  assert.equal(got, Math.floor(FETCHES_PER_REALM_MAX / 3))
  assert.equal(places.givenUp, got)
  assert.ok(places.held[0]?.isGivenUp, 'the oldest')
  assert.equal(places.take('other', 'app', 5), 5)
  assert.equal(places.givenUp, got)
})

test('[H21] when the process is full, the realm that has the most gives way', () => {
  const places = new Places()
  for (const realm of ['one', 'two'])
    for (const one of ['app a', 'issuer b']) places.take(realm, one, FETCHES_PER_ONE_MAX)
  assert.equal(places.held.length, FETCHES_MAX)
  assert.equal(places.take('three', 'app c'), 1)
  assert.equal(places.givenUp, 1)
  const realms = Array.from({ length: 200 }, (_, nth) => `realm ${nth}`)
  const got = realms.map((realm) => places.take(realm, 'app'))
  // Each has one slot now, so the next one has to wait.
  assert.equal(got.filter((one) => one === 1).length, FETCHES_MAX - 3)
  assert.equal(places.take('late', 'app'), 0)
})

test('[H21] a place that was taken away is not given back twice', () => {
  const places = new Places()
  places.take('default', 'app one', FETCHES_PER_ONE_MAX)
  places.take('default', 'app two', FETCHES_PER_ONE_MAX)
  places.take('default', 'app three')
  for (const { leave, isGivenUp } of places.held) if (isGivenUp) leave()
  for (const { leave } of places.held) leave()
  assert.equal(places.take('default', 'app one', FETCHES_PER_ONE_MAX + 1), FETCHES_PER_ONE_MAX)
})
