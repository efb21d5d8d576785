import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { after, test } from 'node:test'

// Each patch puts back a fault that was once made or nearly made. Its head says which test must fail with it.

const ROOT = resolve(import.meta.dirname, '../..')
/** A fault may keep a test from ending. */
const RUN_TIMEOUT_MS = 120_000
const ROOMS = ['core', 'authority', 'dialects', 'stores', 'feed', 'server', 'verifier', 'cli', 'test']

/** A test for each patch in this folder: the test that it names fails with it, and passes without. */
export function showExhibits(folder: string, environment: Readonly<Record<string, string>> = {}): void {
  const tree = copyOfTree()
  after(() => rmSync(tree, { recursive: true }))
  const exhibits = exhibitsIn(folder)
  const place = { tree, environment }
  for (const [file, ofFile] of Map.groupBy(exhibits, (one) => one.file))
    test(`without a fault the tests of ${file} pass`, () => {
      const names = new Set(ofFile.map(({ name }) => name))
      const { passed, failed, text } = run(place, file, names)
      assert.deepEqual([passed, failed], [names.size, 0], text)
    })
  for (const { patch, fault, file, name } of exhibits)
    test(`a test catches the fault "${fault}"`, () => {
      execFileSync('git', ['apply', '-C1', patch], { cwd: tree })
      const { passed, failed, text } = run(place, file, new Set([name]))
      execFileSync('git', ['apply', '-C1', '--reverse', patch], { cwd: tree })
      assert.deepEqual([passed, failed], [0, 1], text)
      assert.match(text, /AssertionError|ERR_ASSERTION/)
    })
}

/** That each patch of this folder fits, and that the test which it names exists; for those that take too long here. */
export function checkExhibits(folder: string): void {
  test(`the patches of ${basename(folder)} fit, and the tests that they name exist`, () => {
    for (const { patch, file, name } of exhibitsIn(folder)) {
      execFileSync('git', ['apply', '-C1', '--check', patch], { cwd: ROOT })
      assert.ok(readFileSync(join(ROOT, file), 'utf8').includes(name), `${file} has no test "${name}"`)
    }
  })
}

function exhibitsIn(folder: string): readonly Exhibit[] {
  return readdirSync(folder)
    .filter((one) => one.endsWith('.patch'))
    .map((one) => exhibitOf(join(folder, one)))
}

/** The sources, with packages that lead to this copy and not to the original. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'rescind-museum-'))
  const isOurs = (path: string): boolean => !/node_modules|\.http$/.test(path)
  for (const room of ROOMS) cpSync(join(ROOT, room), join(copy, room), { recursive: true, filter: isOurs })
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(copy, file))
  const modules = join(ROOT, 'node_modules')
  mkdirSync(join(copy, 'node_modules/@rescind'), { recursive: true })
  for (const name of readdirSync(modules))
    if (name !== '@rescind' && !name.startsWith('.'))
      symlinkSync(join(modules, name), join(copy, 'node_modules', name))
  for (const name of readdirSync(join(modules, '@rescind')))
    if (ROOMS.includes(name)) symlinkSync(join(copy, name), join(copy, 'node_modules/@rescind', name))
  return copy
}

type Exhibit = {
  readonly patch: string
  readonly fault: string
  readonly file: string
  readonly name: string
}

/** `Caught by: FILE: TEST NAME`, in the lines before the diff. */
function exhibitOf(patch: string): Exhibit {
  const [, file, name] = /^Caught by: (\S+): (.+)$/m.exec(readFileSync(patch, 'utf8')) ?? []
  assert.ok(file !== undefined && name !== undefined, `${patch} does not say which test catches it`)
  return { patch, fault: basename(patch, '.patch').replaceAll('-', ' '), file, name }
}

type Place = { readonly tree: string; readonly environment: Readonly<Record<string, string>> }
type Ran = { readonly passed: number; readonly failed: number; readonly text: string }

/** Runs the tests of these names. */
function run({ tree, environment }: Place, file: string, names: ReadonlySet<string>): Ran {
  const patterns = [...names].map(
    (name) => `--test-name-pattern=^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`,
  )
  const ran = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...patterns, file], {
    cwd: tree,
    encoding: 'utf8',
    timeout: RUN_TIMEOUT_MS,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  })
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(ran.stdout)?.[1])
  return { passed: count('pass'), failed: count('fail'), text: ran.stdout }
}
