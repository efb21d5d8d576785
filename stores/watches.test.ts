import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Watched } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { append, commit, REALM, write } from './contract/samples.ts'
import { MemoryStore } from './memory/store.ts'
import { Watches } from './watches.ts'

test('a watch whose store cannot be read reports nothing, and goes on from its place after a retry', async () => {
  const store = new MemoryStore(1_000)
  await commit(store, write(append()))
  let isAway = true
  const watches = new Watches({
    anchor: (realm) => store.anchor(realm),
    chainedRowsAfter: async (...ask) => {
      if (isAway) throw new StoreUnavailable('away')
      return store.chainedRowsAfter(...ask)
    },
  })
  const told: Watched[] = []
  const first = Promise.withResolvers<void>()
  watches.begin(REALM, 0, async (watched) => {
    told.push(watched)
    first.resolve()
  })
  await turns()
  watches.retry()
  await turns()
  assert.equal(told.length, 0)
  isAway = false
  watches.retry()
  await first.promise
  watches.retry()
  await turns()
  assert.deepEqual(
    told.map((watched) => (watched.kind === 'rows' ? watched.rows.map(({ seq }) => seq) : watched.kind)),
    [[1]],
  )
})

test('rows of a commit with an unknown outcome are reported after `allMoved`', async () => {
  const store = new MemoryStore(1_000)
  const watches = new Watches(store)
  const told = new Promise<Watched>((resolve) => {
    watches.begin(REALM, 0, async (watched) => resolve(watched))
  })
  await commit(store, write(append()))
  watches.allMoved()
  assert.equal((await told).kind, 'rows')
})

async function turns(): Promise<void> {
  for (let left = 10; left > 0; left -= 1)
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
}
