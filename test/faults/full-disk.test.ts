import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { ServerProcess } from '../kit/server.ts'
import {
  accessTokenIn,
  assertOutage,
  type Calls,
  chatTokenIn,
  identityTokenIn,
  isActive,
} from './kit/calls.ts'
import { limitFileSize, mountSmallDisk, whyNoLimits } from './kit/full-disk.ts'
import { Place } from './kit/place.ts'

const DISK_KIB = 6_144
/** 512-byte blocks of the largest file that the limited server may write. */
const LIMIT_BLOCKS = 448
const OUTAGES_IN_A_ROW = 8
/** Bytes between two points at which the write-ahead log is cut off, and the number of such points. */
const CUT_STEP_BYTES = 283
const CUTS = 30
const ROUNDS_MAX = 600

type Tokens = { readonly oauth: string; readonly identity: string; readonly chat: string }

describe('a disk that is full', () => {
  it('is an outage for writes, none for reads; freeing it is enough, and nothing was lost', async (t) => {
    const disk = mountSmallDisk(DISK_KIB)
    // Mounting needs root, or CAP_SYS_ADMIN in a container. Otherwise `disk` is the error of `mount`.
    if (typeof disk === 'string') return t.skip(disk)
    const place = new Place(t, disk.home)
    const first = await place.start()
    const before = await prepare(first.calls)
    // Restarted, so that no answer comes from a cache.
    await first.stop()
    const { calls, kill } = await place.start()
    disk.fill()
    await driveToOutage(calls)
    for (let round = 0; round < 3; round += 1) {
      await assertStates(calls, before)
      for (const write of await writes(calls, before)) assertOutage(write)
      assertOutage(await calls.get('/readyz'))
      assert.equal((await calls.get('/healthz')).status, 200)
    }
    disk.free()
    await calls.untilReady()
    const after = await prepare(calls)
    await kill()
    const again = await place.start()
    await assertStates(again.calls, before)
    await assertStates(again.calls, after)
    assert.equal(await again.stop(), 0)
  })

  it('loses no acknowledged revocation when no file may grow, and is whole after a restart', async (t) => {
    const place = new Place(t)
    await (await place.start()).stop()
    const wrapper = ['sh', '-c', `ulimit -f ${LIMIT_BLOCKS}; exec "$@"`, 'sh']
    // Node's cache of compiled sources is larger than the limit.
    const environment = { NODE_DISABLE_COMPILE_CACHE: '1' }
    const { calls, kill } = await place.start({ wrapper, environment })
    const told: Told = { revoked: [], live: [], outages: 0 }
    // The write-ahead log reaches the limit first and is written back; then the database itself is full.
    for (let inARow = 0, round = 0; inARow < OUTAGES_IN_A_ROW; round += 1) {
      assert.ok(round < ROUNDS_MAX, 'the limit was never met')
      inARow = (await isRevoked(calls, told)) ? 0 : inARow + 1
    }
    await assertOauth(calls, told)
    await kill()
    const again = await place.start()
    await assertOauth(again.calls, told)
    report(t, told)
  })

  it('[G09] may cut a write off at any byte: it is not acknowledged, and room is enough to go on', {
    skip: whyNoLimits() ?? false,
  }, async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const told: Told = { revoked: [], live: [], outages: 0 }
    for (let cut = 0; cut < CUTS; cut += 1)
      await reviveAfterCut({ place, server, calls: server.calls, told }, cut * CUT_STEP_BYTES)
    await assertOauth(server.calls, told)
    await server.kill()
    const again = await place.start()
    await assertOauth(again.calls, told)
    report(t, told)
  })
})

type Told = { readonly revoked: string[]; readonly live: string[]; outages: number }
type Cut = {
  readonly place: Place
  readonly server: ServerProcess
  readonly calls: Calls
  readonly told: Told
}

function report(t: TestContext, { revoked, outages }: Told): void {
  t.diagnostic(`${outages} outages, ${revoked.length} acknowledged revokes`)
  assert.ok(outages >= OUTAGES_IN_A_ROW)
  assert.ok(revoked.length >= CUTS)
}

/** Revokes once while the log may grow only by so many bytes, and repeats refused requests once it may grow freely. */
async function reviveAfterCut({ place, server, calls, told }: Cut, growBytes: number): Promise<void> {
  const token = accessTokenIn(await calls.oauthIssue())
  const other = accessTokenIn(await calls.oauthIssue())
  const log = join(place.home.folder, 'data', 'rescind.db-wal')
  const pid = server.process.pid ?? 0
  limitFileSize(pid, (existsSync(log) ? statSync(log).size : 0) + growBytes)
  const cut = await calls.oauthRevoke(token)
  if (cut.status === 503) assertOutage(cut)
  else assert.equal(cut.status, 200, cut.text)
  assert.equal(isActive(await calls.introspect(other)), true)
  limitFileSize(pid, 'unlimited')
  if (cut.status === 503) {
    told.outages += 1
    assert.equal((await calls.oauthRevoke(token)).status, 200)
  }
  told.revoked.push(token)
  told.live.push(other)
  assert.equal(isActive(await calls.introspect(token)), false)
}

/** Issues and revokes a token. @returns whether both were acknowledged. */
async function isRevoked(calls: Calls, told: Told): Promise<boolean> {
  const issued = await calls.oauthIssue()
  const revoked = issued.status === 200 ? await calls.oauthRevoke(accessTokenIn(issued)) : issued
  if (revoked.status === 200) {
    told.revoked.push(accessTokenIn(issued))
    return true
  }
  assertOutage(revoked)
  told.outages += 1
  return false
}

async function assertOauth(calls: Calls, { revoked, live }: Told): Promise<void> {
  for (const token of revoked) assert.equal(isActive(await calls.introspect(token)), false)
  for (const token of live) assert.equal(isActive(await calls.introspect(token)), true)
}

type Judged = { readonly live: Tokens; readonly dead: Tokens; readonly caller: string }

async function prepare(calls: Calls): Promise<Judged> {
  const issue = async (): Promise<Tokens> => ({
    oauth: accessTokenIn(await calls.oauthIssue()),
    identity: identityTokenIn(await calls.identityLogin()),
    chat: chatTokenIn(await calls.chatIssue('c1')),
  })
  const caller = identityTokenIn(await calls.identityLogin())
  const [live, dead] = [await issue(), await issue()]
  assert.equal((await calls.oauthRevoke(dead.oauth)).status, 200)
  assert.equal((await calls.identityRevoke(caller, dead.identity)).status, 204)
  assert.equal((await calls.chatRevoke('c1', dead.chat)).status, 200)
  return { live, dead, caller }
}

async function assertStates(calls: Calls, { live, dead, caller }: Judged): Promise<void> {
  for (const [tokens, isLive] of [
    [live, true],
    [dead, false],
  ] as const) {
    assert.equal(isActive(await calls.introspect(tokens.oauth)), isLive)
    for (const token of Object.values(tokens))
      assert.equal(isActive(await calls.introspectAsGateway(token)), isLive)
    for (const method of ['GET', 'HEAD'] as const)
      assert.equal((await calls.identityValidate(caller, tokens.identity, method)).status, isLive ? 200 : 404)
    assert.equal((await calls.chatMe(tokens.chat)).status, isLive ? 200 : 401)
  }
}

/** Every call that writes. */
async function writes(calls: Calls, { live, caller }: Judged): Promise<Awaited<ReturnType<Calls['get']>>[]> {
  return [
    await calls.oauthIssue(),
    await calls.oauthGrant('ann'),
    await calls.oauthRevoke(live.oauth),
    await calls.identityLogin(),
    await calls.identityRevoke(caller, live.identity),
    await calls.chatIssue('c2'),
    await calls.chatBind('c1', 'assigned-text-of-a-customer'),
    await calls.chatRevoke('c1', live.chat),
    await calls.chatRevokeAll('c1'),
  ]
}

/** Writes until a refusal, because the log's last page may have room for a small write or two. */
async function driveToOutage(calls: Calls): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const answer = await calls.oauthIssue()
    if (answer.status !== 200) return assertOutage(answer)
  }
  assert.fail('the disk was never full')
}
