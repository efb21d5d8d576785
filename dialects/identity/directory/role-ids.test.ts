import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BUILT_IN_ROLES, POWERFUL_ROLE_IDS, ROLE_ID } from './roles.ts'

const FOLDER = new URL('../', import.meta.url)
/** A built-in role's id as a literal, where a role is compared or granted. */
const LITERAL =
  /\b(?:roleIds?|has|isEverywhere)\b[^\n]{0,20}\[?'(?:[1-9]|admin|member|reader|service)'|\['1', '4'|\['admin', 'service'/

test('ids of built-in roles appear in one file only', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && path !== 'directory/roles.ts',
  )
  assert.ok(files.length > 50)
  const found = files.filter((path) => LITERAL.test(readFileSync(new URL(path, FOLDER), 'utf8')))
  assert.deepEqual(found, [])
})

test('the ids equal the stored ones, and each belongs to one built-in role', () => {
  assert.deepEqual(Object.values(ROLE_ID), ['1', '2', '3', '4', '7', 'admin', 'member', 'reader', 'service'])
  assert.deepEqual(BUILT_IN_ROLES.map(({ id }) => id).sort(), Object.values(ROLE_ID).toSorted())
  assert.deepEqual(POWERFUL_ROLE_IDS.toSorted(), ['1', '3', '4', '7', 'admin', 'service'])
})
