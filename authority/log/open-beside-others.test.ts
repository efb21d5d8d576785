import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Realms } from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'
import { actOf, issue, say } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { MASTER, openWorld, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { stubNode } from '../../test/kit/stub-node.ts'
import { revokeToken } from '../realm/revoke.ts'

/** A store that tells when rows of a log were read. */
class ReadStore extends FaultyStore {
  readonly read: { readonly realm: RealmOrdinal; readonly rows: number }[] = []

  override async rowsAfter(
    ...ask: Parameters<FaultyStore['rowsAfter']>
  ): ReturnType<FaultyStore['rowsAfter']> {
    const rows = await super.rowsAfter(...ask)
    this.read.push({ realm: ask[0], rows: rows.length })
    return rows
  }
}

test('the other nodes wait for one that starts only once it has read the log, and it misses nothing of theirs', async () => {
  const store = new ReadStore(START_MS)
  const other = await openWorld(store)
  const { ordinal } = other.realm
  const record = await issue(other.realm, 'one')
  await revokeToken(other.realm, await issue(other.realm, 'earlier'), actOf(other.realm))
  store.read.length = 0
  const rowsRead = (): number =>
    store.read.reduce((sum, { realm, rows }) => sum + (realm === ordinal ? rows : 0), 0)
  let readBefore = 0
  const { nodes } = await stubNode({
    mark: async (marks) => {
      if (marks.get(ordinal)?.seq !== 0) return true
      readBefore = rowsRead()
      // Another node acknowledges this before it hears of the one that starts.
      await revokeToken(other.realm, record, actOf(other.realm))
      return true
    },
  })
  const realms = await Realms.open({
    ...{ store, nodes, clock: other.clock, master: MASTER, random: new SeededRandom('again') },
    defer: queueMicrotask,
  })
  assert.equal(readBefore, other.realm.index.seq - 1)
  assert.equal(rowsRead(), other.realm.index.seq)
  assert.deepEqual(
    [await say(realms.default, 'one'), await say(realms.default, 'earlier')],
    ['revoked', 'revoked'],
  )
})
