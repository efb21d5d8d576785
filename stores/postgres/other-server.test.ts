import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { NodesPort, Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { append, commit, REALM, write } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { PLACE_FUNCTION } from './setup-functions.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
let admin: Connection
let store: Store
let nodes: NodesPort
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
  admin = await Connection.open(server.address)
  store = await openPostgres(server.address, { floorMs: 1_000 })
  assert.ok(store.nodes !== undefined)
  nodes = store.nodes
  const ignore = (): void => {}
  await nodes.register(1_000, { marked: ignore, forked: ignore, takenOver: ignore, reconnected: ignore })
})
after(async () => {
  await store.close()
  admin.drop()
  await server.stop()
})

/** From now on, connections that are open already answer for this server as another one would. */
async function openOnesAre(answer: string): Promise<void> {
  await admin.run(`DROP TABLE IF EXISTS rescind.elsewhere;
    CREATE TABLE rescind.elsewhere AS SELECT pid FROM pg_stat_activity WHERE application_name = 'rescind'`)
  const body = PLACE_FUNCTION.replace('LANGUAGE sql', 'LANGUAGE plpgsql').replace(
    'SELECT system_identifier',
    `BEGIN
      IF pg_backend_pid() IN (SELECT pid FROM rescind.elsewhere) THEN ${answer} END IF;
      RETURN (SELECT system_identifier`,
  )
  await admin.run(body.replace('pg_control_system()', 'pg_control_system()); END'))
}

/** The answers of a node that were no outage, each asked for so many times. */
async function answers(times: number): Promise<readonly boolean[]> {
  const known: boolean[] = []
  for (let left = times; left > 0; left -= 1) {
    known.push((await nodes.beat([])) !== undefined)
    known.push(await nodes.mark(new Map([[REALM, { seq: 0, chain: undefined }]]), true))
    known.push(await unlessOut(() => commit(store, write(append()))))
    known.push(await unlessOut(() => store.head(REALM)))
  }
  return known
}

async function unlessOut(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask()
    return true
  } catch (error) {
    assert.ok(error instanceof StoreUnavailable)
    return false
  }
}

test('a node whose address led to a standby for a moment goes on with other connections', async () => {
  assert.deepEqual(await answers(1), [true, true, true, true])
  await openOnesAre("RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'recovery is in progress';")
  assert.deepEqual(await answers(1), [false, false, false, false])
  assert.deepEqual(await answers(1), [true, true, true, true])
})

test('a connection to another primary is used once, and never again', async () => {
  await Promise.all(Array.from({ length: 3 }, () => store.head(REALM)))
  await openOnesAre("RETURN '7/00000001';")
  const outages = []
  // As many as there may be connections; the others wait for none of them.
  for (let left = 8; left > 0; left -= 1) outages.push(await unlessOut(() => store.head(REALM)))
  assert.deepEqual(outages.slice(-4), [true, true, true, true])
  assert.ok(outages.includes(false))
})
