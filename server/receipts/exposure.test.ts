import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Acceptor, issueTokens, type Realm, revokePrincipals } from '@rescind/authority'
import type { Handle } from '@rescind/core'
import { actOf, callerAt, intentOf } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import { type ExposureParts, exposureOf, exposurePage } from './exposure.ts'
import type { Written } from './receipt.ts'
import { searchReceipts } from './search.ts'

const VERIFIER: Acceptor = { by: 'verifier', name: 'orders-api' }

/** No verifier is known. */
const PARTS = {
  enforcement: { now: () => Promise.resolve({}) },
  feed: { of: () => ({ instances: { enforcement: () => [] } }) },
} as unknown as ExposureParts

async function issued(realm: Realm, count: number): Promise<readonly Handle[]> {
  const handles: Handle[] = []
  for (let nth = 0; nth < count; nth += 100) {
    const judgedAt = realm.position()
    const tokens = Array.from({ length: Math.min(100, count - nth) }, (_, at) =>
      intentOf(realm, `t${nth + at}`),
    )
    const made = await issueTokens(realm, { judgedAt, caller: callerAt(realm, judgedAt), tokens })
    assert.ok(made.kind === 'issued')
    handles.push(...made.records.map(({ handle }) => handle))
  }
  return handles
}

async function revoked(realm: Realm): Promise<Written> {
  await revokePrincipals(realm, { shape: 'source', principals: { source: 'oauth' } }, actOf(realm))
  return newest(realm)
}

async function newest(realm: Realm): Promise<Written> {
  const search = { filters: {}, before: undefined, sinceMs: undefined, untilMs: undefined, limit: 1 }
  return (await searchReceipts(realm, search)).found[0] ?? assert.fail('no receipt')
}

function accept(realm: Realm, handle: Handle): void {
  realm.acceptances.note(VERIFIER, { handle }, { firstMs: START_MS, lastMs: START_MS })
}

test('a page looks at a bounded number of covered tokens, and the next one goes on', async () => {
  const { realm } = await openWorld()
  const handles = await issued(realm, 2_600)
  for (const handle of [handles[0], handles.at(-1)]) if (handle !== undefined) accept(realm, handle)
  const written = await revoked(realm)
  const first = await exposurePage(realm, written, { parts: PARTS, page: { limit: 500 } })
  assert.deepEqual([first.json.covered, first.json.tokens.length], [2_000, 1])
  assert.ok(first.next !== undefined)
  const second = await exposurePage(realm, written, { parts: PARTS, page: { limit: 500, after: first.next } })
  assert.deepEqual([second.json.tokens.length, second.next], [1, undefined])
  assert.equal(first.json.covered + second.json.covered, 2_600)
  const all = await exposureOf(realm, written, PARTS)
  assert.deepEqual([all.covered, all.tokens.length, all.truncated], [2_600, 2, undefined])
})

test('an evidence file names a bounded number of tokens, and says when there are more', async () => {
  const { realm } = await openWorld()
  for (const handle of await issued(realm, 1_001)) accept(realm, handle)
  const all = await exposureOf(realm, await revoked(realm), PARTS)
  assert.deepEqual([all.tokens.length, all.truncated], [1_000, true])
})

/** A store in which nothing reads all tokens. */
class UnscannedStore extends FaultyStore {
  override tokens(): never {
    assert.fail('all tokens are read')
  }
}

test('tokens that a rule names, and what was derived from them, are found without reading all tokens', async () => {
  const { realm } = await openWorld(new UnscannedStore(START_MS))
  const [handle = assert.fail()] = await issued(realm, 200)
  accept(realm, handle)
  const principals = { source: 'oauth', subject: 's' }
  await revokePrincipals(realm, { shape: 'subject', principals }, actOf(realm))
  const { json, next } = await exposurePage(realm, await newest(realm), {
    parts: PARTS,
    page: { limit: 500 },
  })
  assert.deepEqual([json.covered, json.tokens.length, next], [200, 1, undefined])
})
