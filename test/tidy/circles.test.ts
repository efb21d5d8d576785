import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { files, importsOf, read, sources } from './tree.ts'

/** Files by what they import of their own room or by path, types included. */
function graph(): ReadonlyMap<string, readonly string[]> {
  const all = files().filter((path) => path.endsWith('.ts'))
  return new Map(
    all.map((path) => {
      const near = importsOf(read(path)).filter((specifier) => specifier.startsWith('.'))
      return [path, near.map((specifier) => posix.join(posix.dirname(path), specifier))]
    }),
  )
}

/** What is left when files that import nothing, or nothing but such files, are taken away again and again. */
function circling(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const left = new Map(imports)
  for (let before = -1; before !== left.size; ) {
    before = left.size
    for (const [path, targets] of left) if (!targets.some((target) => left.has(target))) left.delete(path)
  }
  return [...left.keys()]
}

/** A circle out of what is left: one goes on from file to file until one comes back. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const left = new Set(circling(imports))
  const walked: string[] = []
  let at = [...left][0]
  while (at !== undefined && !walked.includes(at)) {
    walked.push(at)
    at = imports.get(at)?.find((target) => left.has(target))
  }
  return at === undefined ? [] : walked.slice(walked.indexOf(at))
}

test('no files import each other in a circle, be it for types', () => {
  assert.deepEqual(circleIn(graph()), [])
})

type Name = { readonly name: string; readonly from: string }

/** The names that a file imports or passes on, and from where; `import('…')` and `* as` name none. */
function namesIn(path: string): readonly Name[] {
  const statements = read(path).text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)'/gm)
  return [...statements].flatMap(([, list = '', from = '']) =>
    list.split(',').flatMap((one) => {
      const name =
        one
          .trim()
          .replace(/^type /, '')
          .split(' as ')[0] ?? ''
      return name === '' ? [] : [{ name, from }]
    }),
  )
}

const DOOR = /^@rescind\/core(\/[a-z]+)?$/

test('core holds nothing that only a server needs: a verifier reaches each of its files', () => {
  const imports = graph()
  const doors = new Map<string, string>()
  for (const door of sources(['core']).filter(({ path }) => path.endsWith('/index.ts')))
    for (const { name, from } of namesIn(door.path))
      doors.set(`${door.path} ${name}`, posix.join(posix.dirname(door.path), from))
  const waiting = sources(['verifier']).flatMap(({ path }) =>
    namesIn(path).flatMap(({ name, from }) => {
      const [, sub = ''] = DOOR.exec(from) ?? []
      const file = DOOR.test(from) ? doors.get(`core${sub}/index.ts ${name}`) : undefined
      return file === undefined ? [] : [file]
    }),
  )
  const reached = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    waiting.push(...(imports.get(path) ?? []))
  }
  const rest = sources(['core']).filter(({ path }) => !path.endsWith('/index.ts') && !reached.has(path))
  assert.deepEqual(
    rest.map(({ path }) => path),
    [],
    'these belong into authority/',
  )
})
