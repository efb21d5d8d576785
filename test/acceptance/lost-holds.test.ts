import assert from 'node:assert/strict'
import { realmOrdinal } from '@rescind/core'
import { onAgedStores, write } from '../kit/aged-server.ts'
import { memberAt, textAt } from '../kit/calls.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

// After a restore, verifiers still enforce a hold that the server no longer knows.

onAgedStores('a hold that the server lost can be released by its id, on explicit request', async (open) => {
  let [token, id] = ['', '']
  const server = await open({
    before: async (calls) => {
      token = await calls.oauthToken(SVC)
      const held = await calls.control('POST /holds', {
        ...{ target: { source: ['identity', 'oauth'], client: 'svc' }, reason: 'looking', seconds: 3_600 },
        atDeadline: 'release',
      })
      assert.equal(held.status, 201, held.body.toString())
      id = textAt(held, 'id')
    },
    age: async (store) => {
      const realm = realmOrdinal(1)
      const record = await store.record(realm, 'holds', id)
      assert.ok(record !== undefined)
      await write(store, [{ kind: 'delete-record', collection: 'holds', id, fromVersion: record.version }])
    },
  })
  const { calls } = server
  assert.equal(await calls.isActive(SVC, token), false)
  const release = (body: unknown, of = id): Promise<RawAnswer> =>
    calls.control(`POST /holds/${of}/release`, body)
  assert.equal((await release({})).status, 404)
  assert.equal((await release({ notHere: false, reason: 'over' })).status, 404)
  assert.equal((await release({ notHere: true })).status, 422)
  assert.equal((await release({ notHere: true, reason: 'over' }, 'hold_x')).status, 404)
  assert.equal((await release({ notHere: 'yes', reason: 'over' })).status, 422)
  assert.equal(await calls.isActive(SVC, token), false)
  const released = await release({ notHere: true, reason: 'over' })
  assert.equal(released.status, 204, released.body.toString())
  // Every verifier folds the same rows as the server.
  assert.equal(await calls.isActive(SVC, token), true)
  const audit = await calls.control('GET /audit?limit=1')
  const [row] = memberAt(audit, 'rows') as { kind: string; audit: { why: string } }[]
  assert.deepEqual([row?.kind, row?.audit.why], ['release', 'over'])
})
