import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revokePrincipals } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { actOf } from '../../test/kit/acts.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { openTestStore } from '../../test/kit/test-store.ts'
import { wrappedStore } from '../../test/kit/wrapped-store.ts'

/** A store whose commits are durable long before it says so. */
async function slow() {
  const replies: (() => void)[] = []
  let isSlow = false
  const store = wrappedStore(await openTestStore(0), (name, call) => {
    const called = call()
    if (name !== 'commit' || !isSlow) return called
    return (called as Promise<unknown>).then(
      (outcome) => new Promise((resolve) => replies.push(() => resolve(outcome))),
    )
  })
  const world = await openWorld(store)
  isSlow = true
  return { ...world, replies }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('the head of a log is that of the store, once the group in flight is folded', async () => {
  const { realm, replies } = await slow()
  const cutoff = { shape: 'subject', principals: { source: 'oauth', subject: 's' } } as const
  const from = realm.index.seq
  const revoked = revokePrincipals(realm, cutoff, actOf(realm))
  while (replies.length === 0) await turn()
  let isSettled = false
  const head = realm.settledHead().finally(() => {
    isSettled = true
  })
  for (let nth = 0; nth < 10; nth += 1) await turn()
  assert.deepEqual([isSettled, realm.index.seq], [false, from])
  replies.shift()?.()
  assert.equal((await head).seq, from + 1)
  assert.equal(realm.index.seq, from + 1)
  await revoked
})

test('a row that no group in flight explains makes the head unknown', async () => {
  const { realm, store } = await slow()
  const { seq, chain } = await store.head(realm.ordinal)
  const ahead = { ...store, ordinal: realm.ordinal, head: async () => ({ seq: seq + 1, chain }) }
  Object.defineProperty(realm, 'store', { value: ahead })
  await assert.rejects(realm.settledHead(), StoreUnavailable)
})
