import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import type { Clause } from './clause.ts'
import {
  append,
  bareToken,
  commit,
  digestAt,
  forget,
  OTHER_REALM,
  put,
  REALM,
  SOURCE,
  write,
  writeIn,
} from './samples.ts'

const DAY_MS = 86_400_000
/** Midnight of some day: rounding it up to a day changes nothing. */
const MIDNIGHT_MS = 20_000 * DAY_MS

/** A cutoff must outlive the highest expiry of its source; reading it needs no scan. */
export function expiryContract(clause: Clause): void {
  clause('[H12] the highest expiry of each source is kept, in whole days', async ({ store }) => {
    await commit(store, write(put(bareToken(1, { expiresAtMs: MIDNIGHT_MS }))))
    assert.deepEqual(await highest(store), [[SOURCE, MIDNIGHT_MS]])
    await commit(store, write(put(bareToken(2, { expiresAtMs: MIDNIGHT_MS + 1 }))))
    assert.deepEqual(await highest(store), [[SOURCE, MIDNIGHT_MS + DAY_MS]])
    await commit(store, write(put(bareToken(3, { source: 'identity', expiresAtMs: 1 }))))
    assert.deepEqual(await highest(store), [
      [SOURCE, MIDNIGHT_MS + DAY_MS],
      ['identity', DAY_MS],
    ])
    assert.deepEqual([...(await store.highestExpiries(OTHER_REALM))], [], 'of one realm alone')
    await commit(store, writeIn(OTHER_REALM, put(bareToken(4, { expiresAtMs: 5 * DAY_MS }))))
    assert.deepEqual([...(await store.highestExpiries(OTHER_REALM))], [[SOURCE, 5 * DAY_MS]])
  })

  clause('[H12] an extension raises it, and nothing lowers it', async ({ store, reopen }) => {
    await commit(store, write(put(bareToken(1, { expiresAtMs: MIDNIGHT_MS }))))
    await commit(store, write(extend(1, MIDNIGHT_MS + 3 * DAY_MS)))
    await commit(store, write(extend(1, MIDNIGHT_MS)))
    await commit(store, write(forget(1, { tombstone: false })))
    await commit(store, write(put(bareToken(2, { expiresAtMs: DAY_MS }))))
    assert.deepEqual(await highest(store), [[SOURCE, MIDNIGHT_MS + 3 * DAY_MS]])
    await store.reopen()
    assert.deepEqual(await highest(store), [[SOURCE, MIDNIGHT_MS + 3 * DAY_MS]])
    await reopen()
  })

  clause(
    '[H12] a write that does not apply raises nothing, and the next one that does raises it',
    async ({ store }) => {
      const far = bareToken(1, { expiresAtMs: MIDNIGHT_MS })
      await commit(store, write(put(far), extend(99, 1)), write(append()))
      assert.deepEqual(await highest(store), [])
      await commit(store, write(put(far)), write(put(far)))
      assert.deepEqual(await highest(store), [[SOURCE, MIDNIGHT_MS]])
    },
  )
}

function extend(number: number, expiresAtMs: number) {
  return { kind: 'extend-token', digest: digestAt(number), source: SOURCE, expiresAtMs, atMs: 1 } as const
}

async function highest(store: Store): Promise<readonly (readonly [string, number])[]> {
  return [...(await store.highestExpiries(REALM))].sort(([left], [right]) => (left < right ? -1 : 1))
}
