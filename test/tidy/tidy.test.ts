import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, importsOf, read, roomOf, type Source, sources } from './tree.ts'

/** Which room may know which. What is not in this table is not allowed. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  authority: ['core'],
  dialects: ['authority', 'core'],
  stores: ['authority', 'core'],
  feed: ['authority', 'core'],
  verifier: ['core'],
  server: ['dialects', 'stores', 'feed', 'authority', 'core'],
  cli: ['server', 'stores', 'authority', 'core'],
  console: [],
}
const ROOMS = Object.keys(ARROWS)
const FILE_MAX_LINES = 500
const LINE_MAX_CHARS = 140

test('no room imports another one against the arrows', () => {
  for (const source of sources(ROOMS)) {
    const own = source.path.split('/')[0] ?? ''
    for (const specifier of importsOf(source)) {
      const room = roomOf(specifier, source.path)
      if (room === undefined || room === own) continue
      assert.ok(
        ARROWS[own]?.includes(room),
        `${source.path} imports ${specifier}: ${own} may not know ${room}`,
      )
    }
  }
})

/** What the dialects have in common, and what the stores have. */
const SHARED: ReadonlySet<string | undefined> = new Set([
  'wire',
  'watches.ts',
  'token-facts.ts',
  'token-record.ts',
  'named-client.ts',
  'move',
])

test('dialects do not know each other, and stores do not either', () => {
  for (const source of sources(['dialects', 'stores'])) {
    const [room, folder] = source.path.split('/')
    if (folder === undefined || folder.endsWith('.ts')) continue
    for (const specifier of importsOf(source).filter((one) => one.startsWith('.'))) {
      const target = new URL(specifier, `file:///${source.path}`).pathname.split('/')[2]
      assert.ok(target === folder || SHARED.has(target), `${source.path} reaches ${specifier} inside ${room}`)
    }
  }
})

test('inside a room a file is imported itself, with its ending; another room by its door', () => {
  for (const source of sources(ROOMS)) {
    for (const specifier of importsOf(source)) {
      if (specifier.startsWith('.')) assert.match(specifier, /\.ts$/, `${source.path}: ${specifier}`)
      if (specifier.startsWith('@rescind/'))
        assert.match(
          specifier,
          /^@rescind\/(?:[a-z]+|authority\/names|core\/(?:bytes|log|tokens))$/,
          `${source.path}: ${specifier}`,
        )
    }
  }
})

test('core, authority and dialects are pure: no I/O, no clock and no randomness of their own', () => {
  const allowed = new Set([
    ...[
      'core/crypto/digests.ts',
      'authority/keys/private-keys.ts',
      'authority/keys/sealing.ts',
      'core/crypto/signatures.ts',
    ].map((path) => `${path} node:crypto`),
    'dialects/identity/v2/xml/read.ts saxes',
  ])
  const impure =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.|\bfetch\(|\bconsole\./
  for (const source of sources(['core', 'authority', 'dialects'])) {
    for (const specifier of importsOf(source)) {
      const outside = !specifier.startsWith('.') && !specifier.startsWith('@rescind/')
      assert.ok(!outside || allowed.has(`${source.path} ${specifier}`), `${source.path} imports ${specifier}`)
    }
    const found = impure.exec(withoutComments(source))
    assert.equal(found, null, `${source.path} uses ${found?.[0] ?? ''}`)
  }
})

test('core and authority never name an HTTP status', () => {
  for (const source of sources(['core', 'authority'])) {
    const found = /\b(?:statusCode|httpStatus)\b|\bstatus: [1-5]\d\d\b/.exec(withoutComments(source))
    assert.equal(found, null, `${source.path} says ${found?.[0] ?? ''}`)
  }
})

test('exceptions are caught only where they end', () => {
  const edges = [
    /^(?:server|stores|cli|dialects\/wire|verifier\/source)\//,
    /^core\/(?:crypto\/signatures|bytes\/strict-(?:json|text)|replica\/replica)\.ts$/,
    /^authority\/(?:keys\/sealing|directory\/stored-json|realm\/(?:realms?|followed-realms))\.ts$/,
    /^authority\/log\/(?:group-commit|ledger|read-log)\.ts$/,
    /^feed\/(?:reader|feed)\.ts$/,
  ]
  for (const source of sources(ROOMS)) {
    const catches = /\bcatch\s*(?:\([^)]*\)\s*)?\{|\.catch\(/.test(withoutComments(source))
    assert.ok(!catches || edges.some((edge) => edge.test(source.path)), `${source.path} catches`)
  }
})

test('no file is longer than anyone can hold in the head, and no line than a screen', () => {
  for (const source of files()
    .filter((path) => path.endsWith('.ts'))
    .map(read)) {
    const lines = source.text.split('\n')
    assert.ok(lines.length <= FILE_MAX_LINES, `${source.path} has ${lines.length} lines`)
    lines.forEach((line, at) => {
      assert.ok(line.length <= LINE_MAX_CHARS, `${source.path}:${at + 1} has ${line.length} characters`)
    })
  }
})

test('every function has at most three parameters', () => {
  const signature = /(?:function\s+\w+|^ {2}(?:async\s+)?#?\w+)\s*(?:<[^>]*>)?\(([^()]*)\)\s*:/gm
  for (const source of sources(ROOMS)) {
    for (const [, parameters = ''] of withoutComments(source).matchAll(signature)) {
      const count = topLevelParts(parameters)
      assert.ok(count <= 3, `${source.path}: ${count} parameters in (${parameters.trim()})`)
    }
  }
})

test('names say what a thing is: no utils, helpers, common, managers or implementations', () => {
  for (const path of files().filter((one) => one.endsWith('.ts'))) {
    assert.doesNotMatch(path, /(?:^|[/-])(?:utils?|helpers?|common|misc|manager|impl)(?:[/.-]|$)/, path)
    assert.match(path, /^[a-z0-9./-]+$/, `${path} is not kebab-case`)
  }
})

test('there is no any, no disabled check, no naked to-do and no test that is left out', () => {
  const words = ['TO' + 'DO', 'FIX' + 'ME', '@ts-' + 'ignore', '@ts-' + 'nocheck', 'oxlint-' + 'disable']
  for (const source of sources([...ROOMS, 'bench', 'test', 'scripts'])) {
    const code = withoutComments(source)
    assert.doesNotMatch(code, /(?:\bas|:|<)\s*any\b/, `${source.path} has any`)
    for (const word of words) assert.ok(!source.text.includes(word), `${source.path} has ${word}`)
  }
  for (const path of files().filter((one) => one.endsWith('.test.ts') && !one.startsWith('test/tidy/'))) {
    assert.doesNotMatch(
      read(path).text,
      /\b(?:test|it|describe)\.(?:only|skip|todo)\b|\{ *(?:only|todo): *true/,
      path,
    )
  }
})

test("no file holds a path of somebody's machine", () => {
  const paths = new RegExp(['/ho' + 'me/', '/ro' + 'ot/', '/Us' + 'ers/', '/wo' + 'rk/'].join('|'))
  for (const path of files()) {
    if (path === 'package-lock.json' || /\.(?:png|ico)$/.test(path)) continue
    assert.doesNotMatch(read(path).text, paths, path)
  }
})

test('[S05] each package says what it depends on, and run-time dependencies are exact', () => {
  for (const room of ROOMS.filter((one) => files().includes(`${one}/package.json`))) {
    const manifest: unknown = JSON.parse(read(`${room}/package.json`).text)
    const declared = dependenciesOf(manifest)
    const peers = optionalPeersOf(manifest)
    for (const [name, version] of Object.entries(declared)) {
      assert.match(version, /^\d/, `${room}: ${name} must be pinned, not ${version}`)
    }
    for (const source of sources([room])) {
      for (const specifier of importsOf(source)) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
        const name = specifier.startsWith('@')
          ? specifier.split('/').slice(0, 2).join('/')
          : specifier.split('/')[0]
        assert.ok(name !== undefined)
        if (peers.includes(name)) assertTypesOnly(source, specifier)
        else
          assert.ok(name in declared, `${source.path} imports ${specifier}, which ${room} does not declare`)
      }
    }
  }
})

test('every decision record is short and has its three parts', () => {
  const records = files().filter((path) => /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path))
  assert.ok(records.length > 0)
  for (const path of records) {
    const { text } = read(path)
    assert.ok(text.split('\n').length <= 61, `${path} is longer than 60 lines`)
    for (const part of ['Context', 'Decision', 'Price'])
      assert.match(text, new RegExp(`^#+ ${part}`, 'm'), `${path}: ${part}`)
  }
})

/** Frameworks whose types a package refers to, for those users who have them. */
function optionalPeersOf(manifest: unknown): readonly string[] {
  assert.ok(typeof manifest === 'object' && manifest !== null)
  const { peerDependenciesMeta = {} } = manifest as { readonly peerDependenciesMeta?: object }
  return Object.keys(peerDependenciesMeta)
}

function assertTypesOnly({ path, text }: Source, specifier: string): void {
  const lines = text.split('\n').filter((line) => line.includes(`'${specifier}'`))
  for (const line of lines)
    assert.match(line, /^(?:import type .* from|declare module) '/, `${path} loads ${specifier}`)
}

function dependenciesOf(manifest: unknown): Readonly<Record<string, string>> {
  assert.ok(typeof manifest === 'object' && manifest !== null)
  const found = {
    ...('dependencies' in manifest && typeof manifest.dependencies === 'object' ? manifest.dependencies : {}),
    // Our own rooms are bundled into what is published, so they are needed when it is built only.
    ...('devDependencies' in manifest && typeof manifest.devDependencies === 'object'
      ? manifest.devDependencies
      : {}),
  }
  return Object.fromEntries(Object.entries(found).map(([name, version]) => [name, String(version)]))
}

function withoutComments({ text }: Source): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** How many parameters stand in a list, commas inside brackets not counted. */
function topLevelParts(list: string): number {
  let depth = 0
  let parts = list.trim() === '' ? 0 : 1
  for (const char of list.trim().replace(/,$/, '')) {
    if ('{[<('.includes(char)) depth += 1
    if ('}])>'.includes(char)) depth -= 1
    if (char === ',' && depth === 0) parts += 1
  }
  return parts
}
