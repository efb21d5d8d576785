import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  EXPIRING_KINDS,
  needActiveKey,
  type Operation,
  type Realm,
  revokeSigningKey,
  revokeToken,
  rotateSigningKey,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { actOf, callerAt, intentOf, issue, rawOf, say, tryIssue } from '../../test/kit/acts.ts'
import { DAY_MS } from '../../test/kit/samples.ts'
import { caughtUp, sharedNodes } from '../../test/kit/shared-nodes.ts'

const { open } = sharedNodes()

/** A successor of a single-use token, as refreshing and trading a code make it. */
function successor(realm: Realm, consume: TokenRecord, text: string): ReturnType<typeof tryIssue> {
  return tryIssue(realm, intentOf(realm, text, { grant: consume.grant }), { consume })
}

test('a refresh token or a code is used once, whichever nodes it is brought to', async () => {
  const [a, b] = [await open('a'), await open('b')]
  for (const kind of ['refresh', 'code'] as const) {
    for (let round = 0; round < 5; round += 1) {
      const single = await issue(a.realm, `${kind} ${round}`, { kind })
      const [left, right] = await Promise.all([
        successor(a.realm, single, `${kind} ${round} a`),
        successor(b.realm, single, `${kind} ${round} b`),
      ])
      assert.deepEqual([left.kind, right.kind].toSorted(), ['consumed', 'issued'])
      const why = kind === 'refresh' ? 'rotated' : 'consumed'
      for (const { realm } of [a, b]) assert.equal(await say(realm, `${kind} ${round}`), why)
    }
  }
})

test('an assertion or a passcode is used once, whichever nodes it is brought to', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const used = (realm: Realm, id: string): Operation => ({
    kind: 'put-expiring',
    entry: {
      kind: EXPIRING_KINDS.oauthAssertion,
      id,
      value: Buffer.of(1),
      expiresAtMs: realm.nowMs() + DAY_MS,
    },
    unlessAliveAtMs: realm.nowMs(),
  })
  for (let round = 0; round < 5; round += 1) {
    const id = `assertion ${round}`
    const [left, right] = await Promise.all([
      tryIssue(a.realm, intentOf(a.realm, `${id} a`), { also: [used(a.realm, id)] }),
      tryIssue(b.realm, intentOf(b.realm, `${id} b`), { also: [used(b.realm, id)] }),
    ])
    assert.deepEqual([left.kind, right.kind].toSorted(), ['consumed', 'issued'])
  }
})

test('an assigned text is as another node has extended, revoked or bound it again', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const text = { kind: 'assigned', source: 'chat/acme', client: 'c' } as const
  const record = await issue(a.realm, 'chosen', text)
  assert.equal(await say(b.realm, 'chosen'), 'active')
  for (const [node, days] of [
    [a, 2],
    [b, 3],
  ] as const) {
    const { realm } = node
    const expiresAtMs = realm.nowMs() + days * DAY_MS
    const { digest, source } = record
    const operations = [{ kind: 'extend-token', digest, source, expiresAtMs, atMs: realm.nowMs() }] as const
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    // Extending writes no row that would tell the other node.
    for (const { realm: seen } of [a, b])
      assert.equal((await seen.find(rawOf('chosen'))).record?.expiresAtMs, expiresAtMs)
  }
  const forget = [{ kind: 'forget-token', token: { ...record, tombstone: false } }] as const
  await b.realm.commit({ realm: b.realm.ordinal, dependsOn: [], expects: [], operations: forget })
  assert.equal(await say(a.realm, 'chosen'), 'unknown')
  const again = await issue(b.realm, 'chosen', { ...text, client: 'd' })
  assert.equal((await a.realm.find(rawOf('chosen'))).record?.handle, again.handle)
  await revokeToken(a.realm, again, actOf(a.realm))
  await caughtUp(b, a)
  assert.equal(await say(b.realm, 'chosen'), 'revoked')
})

test('a key that another node has made verifies at once, and signs once it is rotated in', async () => {
  const [a, b] = [await open('a'), await open('b')]
  // Nothing remembers that a key was unknown.
  const { entry } = await needActiveKey(a.realm, 'ES256')
  assert.ok((await b.realm.keyring.verifying(entry.id)) !== undefined)
  await caughtUp(b, a)
  assert.equal((await needActiveKey(b.realm, 'ES256')).entry.id, entry.id)
  const act = { caller: callerAt(a.realm, a.realm.position()) }
  assert.equal((await rotateSigningKey(a.realm, 'ES256', act)).kind, 'changed')
  await caughtUp(b, a)
  const next = await needActiveKey(b.realm, 'ES256')
  assert.notEqual(next.entry.id, entry.id)
  assert.equal((await needActiveKey(a.realm, 'ES256')).entry.id, next.entry.id)
  const ending = { caller: callerAt(b.realm, b.realm.position()) }
  assert.equal((await revokeSigningKey(b.realm, next.entry.id, ending)).kind, 'changed')
  await caughtUp(a, b)
  assert.notEqual((await needActiveKey(a.realm, 'ES256')).entry.id, next.entry.id)
})

test('two nodes that rotate at once rotate once, and nodes that need a first key agree', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const [first, second] = await Promise.all([
    needActiveKey(a.realm, 'ES256'),
    needActiveKey(b.realm, 'ES256'),
  ])
  assert.equal(first.entry.id, second.entry.id)
  await caughtUp(a, b)
  await caughtUp(b, a)
  const rotated = await Promise.all(
    [a, b].map(({ realm }) =>
      rotateSigningKey(realm, 'ES256', { caller: callerAt(realm, realm.position()) }),
    ),
  )
  const kinds = rotated.map(({ kind }) => kind).toSorted()
  assert.ok(kinds.includes('changed') && (kinds.includes('stale') || kinds[1] === 'changed'))
  await caughtUp(a, b)
  await caughtUp(b, a)
  assert.equal(
    (await needActiveKey(a.realm, 'ES256')).entry.id,
    (await needActiveKey(b.realm, 'ES256')).entry.id,
  )
})
