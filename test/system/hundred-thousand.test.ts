import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, type Operation, putToken, recordOf } from '@rescind/authority'
import { mintHandle } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { TOKENS_PER_PAGE } from '../../dialects/chat/ended-list.ts'
import { ADMIN, type ChatWorld, openChat, tokenPath } from '../../dialects/chat/fixture.test.ts'
import { wireRequest } from '../kit/request.ts'

const TOKENS = 100_000
/** A part is sent once it exceeds 64 KB. Its last item may be an escaped token of 8 KB. */
const PART_CHARS_MAX = 65_536 + 6 * 8_192 + 1_024

/** Live tokens of one client, written to the store as issuing writes them. */
async function give({ realm }: ChatWorld, client: string, count: number): Promise<void> {
  const principals = { source: 'chat/acme', client, subject: client }
  const expiresAtMs = realm.nowMs() + 604_800_000
  for (let from = 0; from < count; from += 10_000) {
    const operations: Operation[] = []
    for (let at = from; at < from + 10_000; at += 1) {
      const raw = RawToken.parse(`token-${at}`) ?? assert.fail('no token')
      const handle = mintHandle(realm.random)
      const intent = { ...principals, raw, handle, kind: 'chat', expiresAtMs, sealText: true } as const
      operations.push(
        putToken(recordOf(realm, intent, { position: realm.position(), issuedAtMs: realm.nowMs() })),
      )
    }
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
}

test('100,000 live tokens of one client end in one durable write and stream out a page at a time', async (t) => {
  const world = await openChat()
  const { realm, store, dialect } = world
  await world.client('u1')
  await give(world, 'u1', TOKENS)
  const seen = { commits: 0, rows: 0, pages: 0, records: 0, listed: 0 }
  const commit = store.commit.bind(store)
  store.commit = (group: Group) => {
    seen.commits += 1
    for (const { operations } of group.writes) seen.rows += operations.length
    return commit(group)
  }
  const tokensOfClient = store.tokensOfClient.bind(store)
  store.tokensOfClient = async (ordinal, ask) => {
    const page = await tokensOfClient(ordinal, ask)
    seen.pages += 1
    seen.records += page.records.length
    // Records read and not yet sent never exceed this page and an unfinished part.
    const held = seen.records - seen.listed
    assert.ok(held <= 2 * TOKENS_PER_PAGE, `${held} records are held`)
    return page
  }
  const ask = wireRequest({ method: 'DELETE', path: tokenPath('u1'), headers: ADMIN })
  const answer = await dialect.handle(realm, ask)
  assert.deepEqual([seen.commits, seen.rows], [1, 1], 'one flush, one row')
  assert.equal(seen.pages, 1, 'nothing is read ahead of the reader')
  assert.equal(await world.isLive('token-0'), false, 'all are ended before the first is listed')
  assert.equal(await world.isLive(`token-${TOKENS - 1}`), false)
  assert.ok(typeof answer.body !== 'string' && Symbol.asyncIterator in answer.body)
  let longest = 0
  let parts = 0
  for await (const part of answer.body) {
    parts += 1
    longest = Math.max(longest, part.length)
    for (const [, number] of part.matchAll(/"token":"token-(\d+)"/g)) {
      assert.equal(Number(number), seen.listed, 'in order, each once')
      seen.listed += 1
    }
  }
  assert.equal(seen.listed, TOKENS)
  assert.equal(seen.commits, 1)
  assert.ok(longest <= PART_CHARS_MAX, `a part of ${longest} characters`)
  t.diagnostic(`${parts} parts, the longest of ${longest} characters, from ${seen.pages} pages`)
})
