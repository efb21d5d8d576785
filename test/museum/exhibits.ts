import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

// Each patch puts back a fault that was once made or nearly made. Its head says which tests must fail with it.

const ROOT = resolve(import.meta.dirname, '../..')
const ROOMS = ['core', 'authority', 'dialects', 'stores', 'feed', 'server', 'verifier', 'cli', 'test']

/** A test for each patch in this folder: the test that it names passes, and fails with the patch. */
export function showExhibits(folder: string): void {
  const tree = copyOfTree()
  after(() => rmSync(tree, { recursive: true }))
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.patch')))
    test(`a test catches the fault "${name.replace('.patch', '').replaceAll('-', ' ')}"`, () => {
      const patch = join(folder, name)
      const exhibit = exhibitOf(patch)
      const sound = run(tree, exhibit)
      assert.deepEqual([sound.passed, sound.failed], [1, 0], sound.text)
      execFileSync('git', ['apply', patch], { cwd: tree })
      const faulty = run(tree, exhibit)
      execFileSync('git', ['apply', '--reverse', patch], { cwd: tree })
      assert.deepEqual([faulty.passed, faulty.failed], [0, 1], faulty.text)
      assert.match(faulty.text, /AssertionError|ERR_ASSERTION/)
    })
}

/** The sources, with packages that lead to this copy and not to the original. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'rescind-museum-'))
  const isOurs = (path: string): boolean => !/node_modules|\.http$/.test(path)
  for (const room of ROOMS) cpSync(join(ROOT, room), join(copy, room), { recursive: true, filter: isOurs })
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(copy, file))
  const ofPostgres = 'test/postgres/node_modules'
  if (existsSync(join(ROOT, ofPostgres))) symlinkSync(join(ROOT, ofPostgres), join(copy, ofPostgres))
  const modules = join(ROOT, 'node_modules')
  mkdirSync(join(copy, 'node_modules/@rescind'), { recursive: true })
  for (const name of readdirSync(modules))
    if (name !== '@rescind' && !name.startsWith('.'))
      symlinkSync(join(modules, name), join(copy, 'node_modules', name))
  for (const name of readdirSync(join(modules, '@rescind')))
    if (ROOMS.includes(name)) symlinkSync(join(copy, name), join(copy, 'node_modules/@rescind', name))
  return copy
}

type Exhibit = { readonly file: string; readonly name: string }

/** `Caught by: FILE: TEST NAME`, in the lines before the diff. */
function exhibitOf(patch: string): Exhibit {
  const [, file, name] = /^Caught by: (\S+): (.+)$/m.exec(readFileSync(patch, 'utf8')) ?? []
  assert.ok(file !== undefined && name !== undefined, `${patch} does not say which test catches it`)
  return { file, name }
}

function run(
  tree: string,
  { file, name }: Exhibit,
): {
  readonly passed: number
  readonly failed: number
  readonly text: string
} {
  const pattern = `^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
  const ran = spawnSync(
    process.execPath,
    ['--test', '--test-reporter=tap', `--test-name-pattern=${pattern}`, file],
    { cwd: tree, encoding: 'utf8', env: environment() },
  )
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(ran.stdout)?.[1])
  return { passed: count('pass'), failed: count('fail'), text: ran.stdout }
}

/** The tests of a patch use the PostgreSQL that these use. */
function environment(): Readonly<Record<string, string>> {
  const kept = ['PATH', 'RESCIND_TEST_POSTGRES_URL', 'RESCIND_TEST_POSTGRES_BIN']
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
