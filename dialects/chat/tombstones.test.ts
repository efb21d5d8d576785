import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectExpired } from '@rescind/authority'
import { assertError, type ChatWorld, openChat, tokenPath } from './fixture.test.ts'

const HOUR_MS = 3_600_000

/** Binds texts, revokes them and collects them. A tombstone of each remains. */
async function bury(world: ChatWorld, texts: readonly string[]): Promise<void> {
  const expirationDate = new Date(world.realm.nowMs() + HOUR_MS).toISOString()
  for (const token of texts) {
    const bound = await world.admin('POST', '/admin/clients', { _id: 'u1', token, expirationDate })
    assert.equal(bound.status, 200, bound.text)
  }
  await world.admin('DELETE', tokenPath('u1'))
  world.clock.advance(2 * HOUR_MS)
  world.realms.ledger.raiseFloor(world.realm.nowMs())
  await world.realms.ledger.settleFloor()
  assert.equal(await collectExpired(world.realms, world.store), texts.length)
}

test('an app at its limit of remembered texts binds no new one, and may still revoke', async () => {
  const world = await openChat({ app: { tombstonesMax: 3 } })
  await bury(world, ['a', 'b'])
  await bury(world, ['c'])
  assertError(await world.admin('PUT', tokenPath('u1'), { token: 'd' }), 400, 'INVALID_REQUEST')
  assertError(await world.admin('POST', '/admin/clients', { _id: 'u1', token: 'd' }), 400, 'INVALID_REQUEST')
  for (const token of ['a', 'b', 'c'])
    assert.equal((await world.admin('PUT', tokenPath('u1'), { token })).status, 409, token)
  // A minted token leaves no text that could be bound again.
  const [minted = ''] = await world.client('u1', 1)
  assert.equal((await world.admin('DELETE', tokenPath('u1'), { token: minted })).status, 200)
})

test('an app with a limit of 0 binds nothing', async () => {
  const world = await openChat({ app: { tombstonesMax: 0 } })
  await world.client('u1')
  assertError(await world.admin('PUT', tokenPath('u1'), { token: 'a' }), 400, 'INVALID_REQUEST')
})

test('assigned text lives no longer than its app allows, also by default', async () => {
  const world = await openChat({ app: { maxLifetimeSeconds: 60 } })
  await world.client('u1')
  const bind = (token: string, ms?: number): ReturnType<ChatWorld['admin']> => {
    const expirationDate = ms === undefined ? undefined : new Date(world.realm.nowMs() + ms).toISOString()
    return world.admin('PUT', tokenPath('u1'), { token, expirationDate })
  }
  assert.equal((await bind('at the bound', 60_000)).status, 200)
  assertError(await bind('past it', 60_001), 400, 'INVALID_REQUEST')
  await bind('by default')
  assert.equal((await world.recordOf('by default'))?.expiresAtMs, world.realm.nowMs() + 60_000)
})
