import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Cast, openCast } from './conformance/clause.ts'
import { PAGE, page, TABLES } from './conformance/page.ts'

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

test('the page of the documentation says what is tested here, no more and no less', () => {
  assert.equal(plain(readFileSync(PAGE, 'utf8')), plain(page()), 'run: npm run docs:conformance')
})

test('no clause is named twice', () => {
  const ids = TABLES.flatMap(([, list]) => list.map(({ id }) => id))
  assert.equal(new Set(ids).size, ids.length)
})

/** Without what a formatter does to tables. */
function plain(text: string): string {
  return text.replaceAll(/ +\|/g, ' |').replaceAll(/-{3,}/g, '---').trim()
}
