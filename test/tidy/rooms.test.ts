import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { importsOf, type Source, sources } from './tree.ts'

type Arrows = Readonly<Record<string, readonly string[]>>

/** What stands below everything in the server: it knows the machine, and none of what the server is for. */
const LOW = ['machine'] as const
const DEALING = ['rules', 'records', 'judging', 'http', ...LOW] as const

/** Which room inside the server may know which. `compose` puts them together and may know all. */
const SERVER: Arrows = {
  machine: [],
  config: LOW,
  judging: LOW,
  records: LOW,
  receipts: LOW,
  pending: LOW,
  http: LOW,
  // `records`: how large a rule may be without a second person is a setting of its realm.
  rules: ['receipts', 'pending', 'judging', 'records', ...LOW],
  bulk: DEALING,
  gateway: DEALING,
  // `receipts`: a row that is exported is read as the one that a receipt is made of.
  audit: [...DEALING, 'receipts'],
  keys: ['records', ...LOW],
  seed: ['records', ...LOW],
  upkeep: ['keys', 'audit', 'rules', 'receipts', 'pending', 'judging', 'records', ...LOW],
  // A dialect's part in the server: its endpoints, its seed, its settings, and what it needs of the machine.
  dialects: ['control', 'bulk', 'seed', 'rules', 'config', 'judging', 'http', 'records', ...LOW],
  control: [
    ...['upkeep', 'keys', 'audit', 'gateway', 'bulk', 'rules', 'receipts', 'pending', 'records', 'judging'],
    ...['http', 'config', ...LOW],
  ],
}

/** The Identity dialect: two wires over one session and one directory; what stands beside these is both wires'. */
const WIRE = ['directory', 'session', 'listing', 'described', 'request-id', 'call'] as const
const IDENTITY: Arrows = {
  directory: [],
  session: ['directory', 'call'],
  call: ['session'],
  listing: ['session', 'call'],
  described: [],
  'request-id': [],
  v2: WIRE,
  v3: WIRE,
  dialect: ['v2', 'v3', 'session', 'call'],
}

/** The part of a path that names its room inside a folder; undefined outside of the folder. */
function roomIn(folder: string, path: string): string | undefined {
  if (!path.startsWith(folder)) return undefined
  return path.slice(folder.length).split('/')[0]?.replace(/\.ts$/, '')
}

function checkArrows(folder: string, arrows: Arrows, free: readonly string[]): void {
  const inside = sources([folder.split('/')[0] ?? '']).filter(({ path }) => path.startsWith(folder))
  assert.ok(inside.length > 0)
  for (const source of inside) {
    const own = roomIn(folder, source.path) ?? ''
    if (free.includes(own)) continue
    const known = arrows[own]
    assert.ok(known !== undefined, `${source.path} stands in no room of ${folder}`)
    for (const { room, specifier } of roomsOf(folder, source))
      assert.ok(room === own || known.includes(room), `${source.path}: ${own} may not know ${specifier}`)
  }
}

function roomsOf(folder: string, source: Source): readonly { room: string; specifier: string }[] {
  return importsOf(source)
    .filter((one) => one.startsWith('.'))
    .flatMap((specifier) => {
      const room = roomIn(folder, posix.join(posix.dirname(source.path), specifier))
      return room === undefined ? [] : [{ room, specifier }]
    })
}

test('inside the server no room knows what stands above it', () => {
  checkArrows('server/', SERVER, ['compose', 'index'])
})

test('the wires of the Identity dialect do not know each other, and what they share knows neither', () => {
  checkArrows('dialects/identity/', IDENTITY, [])
})
