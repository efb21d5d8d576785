import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ancestorsFrom, type TokenRecord } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { issue } from '../../test/kit/acts.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { countUpTo, NAMED_MAX, type PreviewJson, previewOf } from './preview.ts'

type World = Awaited<ReturnType<typeof openWorld>>

const ask = { deadlineMs: 1, monotonicMs: () => 0, wasUsed: async () => false }

function preview({ realm }: World, ...targets: readonly Target[]): Promise<PreviewJson> {
  return previewOf(realm, { ...ask, resolved: { targets } })
}

function subject(name: string): Target {
  return { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: name } }
}

/** From now on, reading all tokens fails. */
function readNoMore({ store }: World): void {
  store.tokens = () => Promise.reject(new Error('all tokens are read'))
  store.tokensOfClient = store.tokens
}

test('what is named is counted without reading all tokens, descendants of other people included', async () => {
  const world = await openWorld()
  const { realm } = world
  const ann = await issue(realm, 'one', { source: 'oauth', subject: 'ann', client: 'shop' })
  const child: Partial<TokenRecord> = { ancestors: ancestorsFrom([ann]) }
  await issue(realm, 'two', { source: 'oauth', subject: 'ben', client: 'desk', ...child })
  for (let nth = 0; nth < 5; nth += 1)
    await issue(realm, `x ${nth}`, { source: 'oauth', subject: 'eve', client: 'shop' })
  readNoMore(world)
  const of = async (...targets: readonly Target[]): Promise<unknown> => {
    const { tokens, subjects, complete } = await preview(world, ...targets)
    return { tokens, subjects, complete }
  }
  assert.deepEqual(await of(subject('ann')), { tokens: 2, subjects: 2, complete: true })
  assert.deepEqual(await of(subject('ben')), { tokens: 1, subjects: 1, complete: true })
  assert.deepEqual(await of(subject('nobody')), { tokens: 0, subjects: 0, complete: true })
  assert.deepEqual(await of(subject('ann'), subject('eve')), { tokens: 7, subjects: 3, complete: true })
  const { source, digest, handle, grant } = ann
  assert.deepEqual(await of({ kind: 'token', source, digest, handle }), {
    tokens: 2,
    subjects: 2,
    complete: true,
  })
  assert.deepEqual(await of({ kind: 'grant', source, grant }), { tokens: 2, subjects: 2, complete: true })
  const principals = { source, subject: 'ann', client: 'shop' }
  assert.deepEqual(await of({ kind: 'cut', shape: 'subject+client', principals }), {
    ...{ tokens: 2, subjects: 2, complete: true },
  })
})

test('a name is counted up to its limit exactly, and beyond it at least, with a digest of the rule alone', async () => {
  const world = await openWorld()
  const { realm } = world
  for (let nth = 0; nth < NAMED_MAX; nth += 1)
    await issue(realm, `t ${nth}`, { source: 'oauth', subject: 'ann' })
  readNoMore(world)
  const exact = await preview(world, subject('ann'))
  assert.deepEqual([exact.tokens, exact.complete], [NAMED_MAX, true])
  for (const text of ['more', 'and more']) await issue(realm, text, { source: 'oauth', subject: 'ann' })
  const least = await preview(world, subject('ann'))
  assert.deepEqual([least.tokens, least.complete], [NAMED_MAX + 1, false])
  assert.match(least.digest, /\.open$/)
  assert.equal(least.largest.subject?.name, 'ann')
  const counted = await countUpTo(realm, { ...ask, resolved: { targets: [subject('ann')] } }, 2_000)
  assert.deepEqual(
    [counted.tokens, counted.complete],
    [NAMED_MAX + 2, true],
    'approvals count up to their limit',
  )
})

test('while the store has no index of names, all tokens are read, each counted once', async () => {
  const world = await openWorld()
  const { realm, store } = world
  for (let nth = 0; nth < 3; nth += 1) await issue(realm, `t ${nth}`, { source: 'oauth', subject: 'ann' })
  const real = store.tokensNamed.bind(store)
  let asked = 0
  // The index is there for the first page, and gone for the next.
  store.tokensNamed = async (ordinal, page) => {
    asked += 1
    return asked % 2 === 1 ? real(ordinal, { ...page, limit: 2 }) : undefined
  }
  const { tokens, complete } = await preview(world, subject('ann'))
  assert.deepEqual([tokens, complete, asked], [3, true, 2])
})
