import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../../../test/kit/realm.ts'
import { isAnswer } from '../../http/problem.ts'
import { makeCursor, readCursor } from './cursor.ts'

test('a cursor is good in its own realm and list, and in no other', async () => {
  const { realms } = await openWorld()
  const branch = await realms.create('branch', { by: 'test', from: 'local', how: 'test' })
  const of = { realm: realms.default, list: 'revocations?reason=leak' }
  const cursor = makeCursor(of, 'rev_1_17')
  assert.deepEqual(readCursor(of, cursor), { place: 'rev_1_17' })
  assert.deepEqual(readCursor(of, undefined), { place: undefined })
  for (const other of [
    { ...of, realm: branch },
    { ...of, list: 'revocations' },
  ])
    assert.ok(isAnswer(readCursor(other, cursor)))
})

test('[N14] a cursor with a character changed, cut off or added is refused', async () => {
  const { realms } = await openWorld()
  const of = { realm: realms.default, list: 'tokens' }
  const cursor = makeCursor(of, '4711')
  for (let place = 0; place < cursor.length; place += 1) {
    const other = cursor[place] === 'A' ? 'B' : 'A'
    for (const forged of [
      cursor.slice(0, place) + other + cursor.slice(place + 1),
      cursor.slice(0, place),
      `${cursor.slice(0, place)}=${cursor.slice(place)}`,
    ])
      assert.ok(isAnswer(readCursor(of, forged)), forged)
  }
})
