import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { RunningServer } from '@rescind/server'
import { MemoryStore } from '@rescind/stores'
import { type Home, makeHome } from '../kit/server.ts'
import {
  accessTokenIn,
  assertOutage,
  Calls,
  chatTokenIn,
  identityTokenIn,
  isActive,
  refreshTokenIn,
} from './kit/calls.ts'
import { FaultyStore } from './kit/crashing-store.ts'
import { startLocally } from './kit/local-server.ts'
import type { HttpAnswer } from './kit/plain-http.ts'

/** One token of each dialect, how to revoke it, and whether it is still accepted. */
type Subject = {
  readonly name: string
  readonly revoke: () => Promise<HttpAnswer>
  readonly done: number
  readonly isLive: () => Promise<boolean>
}

describe('a flush that fails', () => {
  let home: Home
  let disk: FaultyStore
  let server: RunningServer
  let calls: Calls
  let caller: string

  beforeEach(async () => {
    home = makeHome()
    disk = new FaultyStore(new MemoryStore(Date.now()))
    server = await startLocally({ home, store: disk.store })
    calls = new Calls(server.url)
    caller = identityTokenIn(await calls.identityLogin())
  })
  afterEach(async () => {
    calls.close()
    await server.close()
    home.remove()
  })

  const subjects = async (): Promise<readonly Subject[]> => {
    const oauth = accessTokenIn(await calls.oauthIssue())
    const identity = identityTokenIn(await calls.identityLogin())
    const chat = chatTokenIn(await calls.chatIssue('c1'))
    const isLive = (token: string) => async (): Promise<boolean> =>
      isActive(await calls.introspectAsGateway(token))
    return [
      { name: 'oauth', revoke: () => calls.oauthRevoke(oauth), done: 200, isLive: isLive(oauth) },
      {
        name: 'identity',
        revoke: () => calls.identityRevoke(caller, identity),
        done: 204,
        isLive: isLive(identity),
      },
      { name: 'chat', revoke: () => calls.chatRevoke('c1', chat), done: 200, isLive: isLive(chat) },
      { name: 'chat, all', revoke: () => calls.chatRevokeAll('c1'), done: 200, isLive: isLive(chat) },
    ]
  }

  it('[G01] is an outage in every dialect, never an acknowledgement, and asking again helps', async () => {
    for (const { name, revoke, done, isLive } of await subjects()) {
      const wasLive = await isLive()
      disk.fail({ commit: disk.commits, isWritten: false, isCurable: true })
      assertOutage(await revoke())
      assert.equal(await isLive(), wasLive, `${name}: what was not acknowledged and not written is as before`)
      assert.equal((await revoke()).status, name === 'chat, all' ? 200 : done, name)
      assert.equal(await isLive(), false, name)
    }
  })

  it('that wrote its group all the same takes effect once the store is opened again', async () => {
    const [oauth] = await subjects()
    assert.ok(oauth !== undefined)
    disk.fail({ commit: disk.commits, isWritten: true, isCurable: true })
    assertOutage(await oauth.revoke())
    // The next write opens the store again and reads its contents.
    accessTokenIn(await calls.oauthIssue())
    assert.equal(await oauth.isLive(), false)
    assert.equal((await oauth.revoke()).status, 200)
  })

  it('fails every request in the group alike, and mints nothing', async () => {
    const tokens: string[] = []
    for (let count = 0; count < 20; count += 1) tokens.push(accessTokenIn(await calls.oauthIssue()))
    disk.fail({ commit: disk.commits, isWritten: false, isCurable: false })
    const answers = await Promise.all([
      ...tokens.map((token) => calls.oauthRevoke(token)),
      ...tokens.map(() => calls.oauthIssue()),
    ])
    for (const answer of answers) assertOutage(answer)
    for (const token of tokens) assert.equal(isActive(await calls.introspect(token)), true)
  })

  it('stays an outage for writes and readiness while the disk is gone, and none for reads', async () => {
    const all = await subjects()
    disk.fail({ commit: disk.commits, isWritten: false, isCurable: false })
    for (let round = 0; round < 2; round += 1) {
      for (const { revoke } of all) assertOutage(await revoke())
      for (const ask of [
        calls.oauthIssue(),
        calls.identityLogin(),
        calls.chatIssue('c2'),
        calls.oauthGrant('ann'),
      ])
        assertOutage(await ask)
      for (const { isLive } of all) assert.equal(await isLive(), true)
      assertOutage(await calls.get('/readyz'))
      assert.equal((await calls.get('/healthz')).status, 200)
    }
    disk.cure()
    // Asking for readiness tries a write.
    await calls.untilReady()
    for (const { revoke, isLive } of all.slice(0, 3)) {
      assert.ok([200, 204].includes((await revoke()).status))
      assert.equal(await isLive(), false)
    }
  })

  it('[E14] has one successor for a refresh token, whichever way its rotation failed', async () => {
    for (const isWritten of [false, true]) {
      const refresh = refreshTokenIn(await calls.oauthGrant('ann'))
      disk.fail({ commit: disk.commits, isWritten, isCurable: true })
      assertOutage(await calls.oauthRefresh(refresh))
      const again = await calls.oauthRefresh(refresh)
      assert.equal(again.status, 200)
      // The lost answer is repeated, instead of a second one beside it.
      assert.equal((await calls.oauthRefresh(refresh)).text, again.text)
      const next = await calls.oauthRefresh(refreshTokenIn(again))
      assert.equal(next.status, 200)
      assert.equal((await calls.oauthRefresh(refresh)).status, 400)
    }
  })
})
