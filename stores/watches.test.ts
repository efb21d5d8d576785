import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Watched } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { append, commit, REALM, write } from './contract/samples.ts'
import { MemoryStore } from './memory/store.ts'
import { Watches } from './watches.ts'

test('a watch whose store cannot be read reports that and ends, and another one continues from its place', async () => {
  const store = new MemoryStore(1_000)
  await commit(store, write(append()))
  const error = new StoreUnavailable('away')
  let isAway = true
  const watches = new Watches({
    anchor: (realm) => store.anchor(realm),
    chainedRowsAfter: async (...ask) => {
      if (isAway) throw error
      return store.chainedRowsAfter(...ask)
    },
  })
  const first = await new Promise<Watched>((resolve) => {
    watches.begin(REALM, 0, async (watched) => resolve(watched))
  })
  assert.deepEqual(first, { kind: 'failed', error })
  isAway = false
  const second = await new Promise<Watched>((resolve) => {
    watches.begin(REALM, 0, async (watched) => resolve(watched))
  })
  assert.ok(second.kind === 'rows')
  assert.deepEqual(
    second.rows.map(({ seq }) => seq),
    [1],
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
