import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { append, applied, commit, REALM, write } from '../../stores/contract/samples.ts'
import { Connection } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { startPostgres15 } from './postgres-15.ts'

const HEAD = 'SELECT seq FROM rescind.head WHERE realm = $1'

/** With `--require-sync`, nothing counts that a synchronous standby does not have, whatever releases the commit. */
export async function standby(): Promise<string> {
  const primary = await startPostgres15()
  const admin = await Connection.open(primary.address)
  const follower = await startPostgres15({ standbyOf: primary.address })
  try {
    await named(admin, '*')
    const store = await openPostgres(primary.address, { floorMs: 1_000, requireSync: true })
    await store.nodes?.register(1_000, {
      marked: () => {},
      forked: () => {},
      takenOver: () => {},
      reconnected: () => {},
    })
    await acknowledges(store, 1)
    await named(admin, '')
    // PostgreSQL answers with success here, and without a notice.
    await assert.rejects(commit(store, write(append())), StoreUnavailable)
    assert.equal(await store.nodes?.beat([]), undefined)
    await named(admin, '*')
    await store.reopen()
    await acknowledges(store, 3)
    const there = await Connection.open(follower.address)
    // It has the row on its disk, and may apply it later.
    for (let seq = 0; seq < 3; ) seq = (await there.rows<[number]>(HEAD, [REALM]))[0]?.[0] ?? 0
    there.drop()
    await store.close()
    return 'acknowledged with a synchronous standby, and not without'
  } finally {
    admin.drop()
    await follower.stop()
    await primary.stop()
  }
}

async function acknowledges(store: Store, seq: number): Promise<void> {
  assert.deepEqual((await commit(store, write(append()))).outcomes, [applied(seq)])
  assert.notEqual(await store.nodes?.beat([]), undefined)
  assert.notEqual(await store.nodes?.read([REALM]), undefined)
}

/** Returns once the standby counts as synchronous, or no longer does. */
async function named(admin: Connection, standbys: string): Promise<void> {
  await admin.run(`ALTER SYSTEM SET synchronous_standby_names = '${standbys}'`)
  await admin.run('SELECT pg_reload_conf()')
  const state = standbys === '' ? 'async' : 'sync'
  for (;;) {
    const rows = await admin.rows<[string]>(
      "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'",
    )
    if (rows.length > 0 && rows[0]?.[0] === state) return
  }
}
