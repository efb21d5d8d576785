import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { EXPIRING_KINDS, KEY_PURPOSES } from '../../authority/kinds.ts'
import { handleKeyOf } from '../../core/log/index-keys.ts'
import { ROW_KINDS } from '../../core/log/row-kinds.ts'
import { encodeRule } from '../../core/log/rule-bytes.ts'
import { CUTOFF_SHAPE_CODE, EXACT_CODE } from '../../core/log/rules.ts'
import { feedEventJson } from '../../core/replica/feed-wire.ts'
import type { FeedEvent } from '../../core/replica/replica.ts'
import { CREDENTIAL_KINDS } from '../../core/tokens/kinds.ts'
import { migrate } from '../../stores/sqlite/schema.ts'
import { SIDE_START } from '../../stores/sqlite/side-lines.ts'
import { STORED } from './stored-words.ts'
import { read, sources } from './tree.ts'

// The words below are in stores, hashes, keys or on the wire of those who run an earlier build. Code may call a thing by
// another name; these texts stay. A word that is new is added to the list; one that changes breaks a store.

const ROOMS = ['core', 'authority', 'dialects', 'stores', 'feed', 'server', 'verifier', 'cli']
const TREE = sources(ROOMS)

/** Every match of a pattern in the sources, in order and once. */
function found(pattern: RegExp, rooms: RegExp = /./): readonly string[] {
  const matches = TREE.filter(({ path }) => rooms.test(path)).flatMap(({ text }) => [
    ...text.matchAll(pattern),
  ])
  return [...new Set(matches.map((match) => match[1] ?? ''))].toSorted()
}

test('kinds of expiring entries are stored under the texts that they always had', () => {
  assert.deepEqual(EXPIRING_KINDS, STORED.expiringKinds)
})

test('keys are derived for the purposes that they always had', () => {
  const spelt = Object.entries(KEY_PURPOSES).map(([name, purpose]) => [
    name,
    typeof purpose === 'string' ? purpose : (purpose as (...of: readonly string[]) => string)('A', 'B'),
  ])
  assert.deepEqual(Object.fromEntries(spelt), STORED.keyPurposes)
})

test('sealed bytes and tags are bound to the labels that they always had', () => {
  const labels = [
    ...found(/associated: `([^`]+)`/g),
    ...found(/function (?:associated|labelOf)\([^]*?return `([^`]+)`/g),
  ]
  assert.deepEqual(labels, STORED.associated)
  assert.deepEqual(found(/hmacSha256\([^)]*?`([^`$]+)\$/g), STORED.tags)
  assert.deepEqual(found(/const text = `(\w+:)\$/g, /log-anchor/), STORED.anchorTags)
})

test('collections of the directory keep their names', () => {
  assert.deepEqual(found(/: Collection<[^=]+= \{\s*name: '([^']+)'/g), STORED.collections)
})

test('rows of the log, their targets and their index keys keep their numbers', () => {
  const codes = Object.fromEntries(Object.entries(ROW_KINDS).map(([kind, { code }]) => [kind, code]))
  assert.deepEqual(codes, STORED.rowKinds)
  assert.deepEqual(CUTOFF_SHAPE_CODE, STORED.shapes)
  assert.deepEqual(EXACT_CODE, STORED.exact)
  const rule = {
    kind: 'revoke',
    target: { kind: 'cut', shape: 'subject', principals: { source: 's', subject: 'u' } },
  }
  const bytes = encodeRule({ ...rule, keepUntilMs: 9 } as Parameters<typeof encodeRule>[0], 'k')
  assert.equal(Buffer.from(bytes).toString('hex'), STORED.cutoffBytes)
  assert.equal(Buffer.from(handleKeyOf('k', 's', 'h'), 'latin1').toString('hex'), STORED.handleKey)
})

test('tokens keep the names of their kinds', () => {
  assert.deepEqual(CREDENTIAL_KINDS, STORED.tokenKinds)
})

test('events of the feed keep their members', () => {
  const row = {
    seq: 2,
    atMs: 3,
    kind: 1,
    rule: Buffer.alloc(1),
    auditHash: Buffer.alloc(1),
    chain: Buffer.alloc(1),
  }
  const event: FeedEvent = { prev: 1, position: '1.e.2.c.t', rows: [row] }
  assert.equal(feedEventJson(event), STORED.feedEvent)
})

test('files keep what they begin with', () => {
  assert.deepEqual(found(/MAGIC = Buffer\.from\('([^']+)'/g), STORED.magics)
  assert.equal(SIDE_START, STORED.sideStart)
})

test('the embedded store keeps its tables, columns and indexes', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 0)
  const sql =
    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name"
  const tables = db.prepare(sql).all()
  const columns = tables.map(({ name }) => {
    const list = db.prepare(`PRAGMA table_info("${String(name)}")`).all()
    return `${String(name)}: ${list.map((column) => String(column['name'])).join(' ')}`
  })
  db.close()
  assert.deepEqual(columns, STORED.tables)
})

test('operations of the side log keep their names and numbers', () => {
  const names = [...read('stores/sqlite/operations.ts').text.matchAll(/kind: '([^']+)'/g)].map(
    ([, name]) => name ?? '',
  )
  assert.deepEqual([...new Set(names)].toSorted(), STORED.operations)
})

/** Examples repeat what the audit says. */
const NO_EXAMPLES = /^(?!server\/control\/examples\/)/

test('the audit keeps its codes', () => {
  assert.deepEqual(found(/(?:\bhow: |\bHOW = )['`]([^'`]+)['`]/g, NO_EXAMPLES), STORED.hows)
  assert.deepEqual(
    found(/\bcode: '([a-z-]+)'/g, /^(?:authority|server\/(?:rules|pending|bulk|audit|control))\//),
    STORED.causes,
  )
})

test('members of what is stored as JSON keep their names', () => {
  for (const [where, members] of Object.entries(STORED.members)) {
    const [path = '', name = ''] = where.split(' ')
    const { text } = read(path)
    const type =
      new RegExp(`type ${name} =([^]*?)\\n(?:\\n|export|type|const|function)`).exec(text)?.[1] ?? ''
    const found = [...type.matchAll(/readonly (\w+)\??:/g)].map(([, member]) => member)
    assert.deepEqual(found, members, where)
  }
})

test('the beginning of the sources of foreign issuers is spelt in one file', () => {
  const spelling = TREE.filter(({ text }) => /'iss:|`iss:\$\{(?:\w+\.)?issuer\}/.test(text)).map(
    ({ path }) => path,
  )
  assert.deepEqual(spelling, ['core/tokens/foreign-source.ts'])
})
