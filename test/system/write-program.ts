import type { Operation } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { openSqlite } from '@rescind/stores'
import { append, bareToken, digestAt, forget, handleAt, put, write } from '../../stores/contract/samples.ts'

/**
 * A fixed piece of work on a store, small enough to be ended at each of its writes. It prints `ack n` when the n-th
 * revocation is acknowledged. It includes trimming, forgetting and reopening, because they write, too.
 */
const REALM: RealmOrdinal = realmOrdinal(1)
const REVOCATIONS = 8

const path = process.argv[2] ?? ''
const side = { sideLog: { path: `${path}.side`, salvage: false } }
let store = await openSqlite(path, 0, side)
const commit = async (...operations: readonly Operation[]): Promise<unknown> =>
  store.commit({ writes: [write(...operations)], floorMs: (await store.floor()) + 1 })
for (let nth = 1; nth <= REVOCATIONS; nth += 1) {
  await commit(put(bareToken(nth)))
  const target = { kind: 'token', source: 'chat/acme', digest: digestAt(nth), handle: handleAt(nth) } as const
  await commit(append({ rule: { kind: 'revoke', target, keepUntilMs: 9e15 } }))
  console.log(`ack ${nth}`)
  if (nth === 3) await commit(forget(1, { tombstone: true }))
  if (nth === 5) {
    const { seq } = await store.head(REALM)
    const throughSeq = seq - 2
    await commit({ kind: 'forget-audit', fromSeq: 1, throughSeq })
    const keep = Array.from({ length: throughSeq }, (_, at) => at + 1)
    await commit({ kind: 'trim-log', throughSeq, keep, forget: [] })
  }
  if (nth === 6) {
    await store.close()
    store = await openSqlite(path, 0, side)
  }
}
await store.close()
console.log('done')
