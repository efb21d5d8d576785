import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPIRING_KINDS, KEY_PURPOSES } from '../../authority/kinds.ts'
import { files, read, type Source } from './tree.ts'

const LISTED = { EXPIRING_KINDS: Object.keys(EXPIRING_KINDS), KEY_PURPOSES: Object.keys(KEY_PURPOSES) }

test('each kind of expiring entry and each purpose of a key has one owner', () => {
  const parts: readonly Source[] = files()
    .filter((path) => /^(?:authority|dialects|stores|feed|server|cli)\//.test(path))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map(read)
  for (const [list, names] of Object.entries(LISTED))
    for (const name of names) {
      const member = new RegExp(`\\b${list}\\.${name}\\b`)
      const owners = parts.filter(({ text }) => member.test(text)).map(({ path }) => path)
      assert.equal(owners.length, 1, `${list}.${name}: ${owners.join(', ')}`)
    }
})
