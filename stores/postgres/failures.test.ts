import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContractBroken, StoreUnavailable } from '@rescind/core'
import { Failures } from './failures.ts'

test('each reason of a failure is told once, until what failed succeeds', () => {
  const told: string[] = []
  const failures = new Failures('heartbeat', (why) => told.push(why))
  for (const why of ['out of reach', 'out of reach', 'refused', 'out of reach'])
    failures.failed(new StoreUnavailable(why))
  assert.deepEqual(told, ['heartbeat: out of reach', 'heartbeat: refused'])
  assert.equal(failures.last, 'out of reach')
  failures.succeeded()
  assert.equal(failures.last, undefined)
  failures.failed(new StoreUnavailable('refused'))
  assert.equal(told.length, 3)
})

test('a bug is no failure of the server', () => {
  const failures = new Failures('heartbeat', () => {})
  for (const bug of [new ContractBroken('a row that is none'), new TypeError('x is undefined')])
    assert.throws(() => failures.failed(bug), bug)
})
