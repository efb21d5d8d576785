import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { openServer } from '../../test/kit/in-process.ts'
import { MODULES } from './modules.ts'

test('an outage of the store during the warnings of a start leaves the server running', async () => {
  const failing = MODULES.map((module) => ({
    ...module,
    mount: (...given: Parameters<typeof module.mount>) => ({
      ...module.mount(...given),
      onListening: () => Promise.reject(new StoreUnavailable('the store is down')),
    }),
  }))
  const server = await openServer({ time: 'hand', modules: failing })
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  await server.close()
})
