import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { NumberList } from './number-list.ts'

test('a list yields the numbers that SQLite wrote into it', () => {
  const db = new DatabaseSync(':memory:')
  const joined = db.prepare('SELECT group_concat(value) AS list FROM json_each(?)')
  const property = fc.property(fc.array(fc.maxSafeInteger()), (numbers) => {
    const { list } = joined.get(JSON.stringify(numbers)) as { list: string | null }
    const from = new NumberList(list ?? '')
    const read: number[] = []
    while (from.hasNext()) read.push(from.next())
    assert.deepEqual(read, numbers)
  })
  fc.assert(property)
  db.close()
})
