import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StoreUnavailable, type TokenRecord } from '@rescind/core'
import { actOf, intentOf, issue, rawOf, say, tryIssue } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import { DAY_MS } from '../../test/kit/samples.ts'
import type { Operation } from '../log/writes.ts'
import type { Store } from '../ports.ts'
import { putToken, recordOf } from './issue.ts'
import type { Found, Realm } from './realm.ts'
import { revokeToken } from './revoke.ts'

/** Counts reads of tokens, fails them when a test says so, and delays them while `delay` is set. */
class ReadStore extends FaultyStore {
  reads = 0
  isDown = false
  delay: Promise<void> | undefined

  override get keyed(): undefined {
    return undefined
  }

  override async tokenByDigest(...ask: Parameters<Store['tokenByDigest']>): Promise<TokenRecord | undefined> {
    this.reads += 1
    if (this.isDown) throw new StoreUnavailable('no reads now')
    const found = super.tokenByDigest(...ask)
    await this.delay
    return found
  }

  override async consumption(...ask: Parameters<Store['consumption']>): ReturnType<Store['consumption']> {
    if (this.isDown) throw new StoreUnavailable('no reads now')
    return super.consumption(...ask)
  }
}

async function open(): Promise<{ realm: Realm; store: ReadStore; advance: (ms: number) => void }> {
  const store = new ReadStore(START_MS)
  const { realm, clock } = await openWorld(store)
  return { realm, store, advance: (ms) => clock.advance(ms) }
}

function commit(realm: Realm, operation: Operation): Promise<unknown> {
  return realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [operation] })
}

/** A token that this process has not cached, because it was put past the realm, as another process would. */
async function putUnseen(realm: Realm, text: string): Promise<TokenRecord> {
  const intent = intentOf(realm, text, { kind: 'assigned', source: 'chat/acme' })
  const record = recordOf(realm, intent, { position: realm.position(), issuedAtMs: realm.nowMs() })
  const write = { realm: realm.ordinal, dependsOn: [], expects: [], operations: [putToken(record)] }
  await realm.store.commit({ writes: [write], floorMs: 0 })
  return record
}

describe('finding a token by its text', () => {
  test('an unknown text is inactive and has no record', async () => {
    const { realm } = await open()
    const found: Found = { verdict: { kind: 'inactive', why: 'unknown' }, record: undefined }
    assert.deepEqual(await realm.find(rawOf('never')), found)
  })

  test('for one source, tokens of other sources look like tokens that never existed (model §1.3)', async () => {
    const { realm } = await open()
    const record = await issue(realm, 'one')
    for (const source of ['identity', 'chat/acme', 'oauth2', 'OAUTH', '']) {
      assert.deepEqual(await realm.find(rawOf('one'), source), await realm.find(rawOf('never'), source))
    }
    assert.deepEqual(await realm.find(rawOf('one'), 'oauth'), { verdict: { kind: 'active' }, record })
    assert.deepEqual(await realm.find(rawOf('one')), { verdict: { kind: 'active' }, record })
  })

  test('an inactive token is found with its record', async () => {
    const { realm, advance } = await open()
    const record = await issue(realm, 'one')
    advance(DAY_MS)
    assert.deepEqual(await realm.find(rawOf('one')), {
      verdict: { kind: 'inactive', why: 'expired' },
      record,
    })
  })

  test('a store that cannot be read is an outage, never "unknown" (style §4)', async () => {
    const { realm, store } = await open()
    await issue(realm, 'refresh', { kind: 'refresh' })
    store.isDown = true
    await assert.rejects(async () => realm.find(rawOf('never')), StoreUnavailable)
    await assert.rejects(async () => realm.find(rawOf('refresh')), StoreUnavailable)
  })
})

describe('what is cached', () => {
  test('[F02] facts, not verdicts: a revocation, an expiry, the floor reach a cached token at once', async () => {
    const { realm, store, advance } = await open()
    const record = await issue(realm, 'one')
    await issue(realm, 'two')
    await Promise.all([say(realm, 'one'), say(realm, 'two')])
    store.isDown = true
    assert.deepEqual([await say(realm, 'one'), await say(realm, 'two')], ['active', 'active'])
    await revokeToken(realm, record, actOf(realm))
    advance(DAY_MS)
    assert.deepEqual([await say(realm, 'one'), await say(realm, 'two')], ['revoked', 'expired'])
    realm.index.raiseFloor(START_MS + DAY_MS)
    advance(-2 * DAY_MS)
    assert.equal(await say(realm, 'two'), 'expired')
  })

  test('a single-use token is read from the store each time (model §6.4)', async () => {
    const { realm, store } = await open()
    const first = await issue(realm, 'first', { kind: 'refresh' })
    assert.equal(await say(realm, 'first'), 'active')
    const before = store.reads
    assert.equal(await say(realm, 'first'), 'active')
    assert.equal(store.reads, before + 1)
    await tryIssue(realm, intentOf(realm, 'second'), { consume: first })
    assert.equal(await say(realm, 'first'), 'rotated')
  })

  test('a token’s extension is visible to the next read, even if an earlier read was under way (model §6.4)', async () => {
    const { realm, store, advance } = await open()
    const record = await putUnseen(realm, 'one')
    let answer = (): void => {}
    store.delay = new Promise((resolve) => {
      answer = resolve
    })
    const slow = realm.find(rawOf('one'))
    store.delay = undefined
    const expiresAtMs = record.expiresAtMs + DAY_MS
    await commit(realm, {
      kind: 'extend-token',
      digest: record.digest,
      source: record.source,
      expiresAtMs,
      atMs: realm.nowMs(),
    })
    answer()
    assert.equal((await slow).record?.expiresAtMs, record.expiresAtMs)
    advance(DAY_MS)
    assert.equal(await say(realm, 'one'), 'active')
    assert.equal((await realm.find(rawOf('one'))).record?.expiresAtMs, expiresAtMs)
  })

  test('a forgotten token is unknown at once', async () => {
    const { realm } = await open()
    const { digest, handle, source } = await issue(realm, 'one')
    assert.equal(await say(realm, 'one'), 'active')
    await commit(realm, { kind: 'forget-token', token: { digest, handle, source, tombstone: false } })
    assert.equal(await say(realm, 'one'), 'unknown')
  })

  test('a cached token that a lost answer changed is read again', async () => {
    const { realm, store } = await open()
    const record = await issue(realm, 'one', { kind: 'assigned', source: 'chat/acme' })
    await say(realm, 'one')
    store.fate = 'fails-written'
    const sooner = {
      kind: 'extend-token',
      digest: record.digest,
      source: record.source,
      expiresAtMs: START_MS,
      atMs: START_MS,
    } as const
    await assert.rejects(commit(realm, sooner), StoreUnavailable)
    store.fate = 'works'
    await issue(realm, 'another')
    assert.equal(await say(realm, 'one'), 'expired')
  })
})

test('time is never before the floor, so no token that was seen expired comes back', async () => {
  const { realm, advance } = await open()
  realm.index.raiseFloor(START_MS + 5_000)
  assert.equal(realm.nowMs(), START_MS + 5_000)
  advance(6_000)
  assert.equal(realm.nowMs(), START_MS + 6_000)
})
