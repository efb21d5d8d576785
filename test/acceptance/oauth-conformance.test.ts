import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Cast, openCast } from './conformance/clause.ts'
import { TABLES } from './conformance/page.ts'

let cast: Cast
before(async () => {
  cast = await openCast()
})
after(() => cast.world.close())

for (const [, list] of TABLES) {
  for (const clause of list) {
    test(`${clause.id} ${clause.level}: ${clause.demand}`, async () => {
      if ('check' in clause) await clause.check(cast)
      else assert.ok(existsSync(fileURLToPath(new URL(`../../${clause.elsewhere}`, import.meta.url))))
    })
  }
}

test('no clause is named twice', () => {
  const ids = TABLES.flatMap(([, list]) => list.map(({ id }) => id))
  assert.equal(new Set(ids).size, ids.length)
})
