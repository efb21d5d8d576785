import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { RESCIND, runCli } from '../../test/kit/cli/command-line.ts'
import { ROOT } from '../../test/tidy/tree.ts'
import { COMMANDS } from '../table.ts'

const START_MAX_MS = 200
/** Tries on a machine that does other things, too. */
const TRIES = 20

/** Prints the file of every module that is loaded. */
const HOOK = `import { registerHooks } from 'node:module'
registerHooks({ resolve: (name, context, next) => { const found = next(name, context); console.error(found.url); return found } })`

/** What a script loads, beside itself. */
function loaded(script: string): readonly string[] {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`
  const shell = [
    '-c',
    '"$@" 2>&1 >/dev/null',
    'sh',
    process.execPath,
    '--import',
    hook,
    '--input-type=module',
    '-e',
    script,
  ]
  return execFileSync('sh', shell, { encoding: 'utf8', cwd: new URL('..', import.meta.url) })
    .trim()
    .split('\n')
}

test('the table, the help and every command for a remote server load neither the server nor a store, nor their packages', () => {
  const script = `const { COMMANDS } = await import('./table.ts')
await import('./process.ts')
for (const one of COMMANDS) if (one.takesSettings !== true) await one.load()`
  const files = loaded(script)
  assert.ok(files.some((file) => file.endsWith('/cli/table.ts')))
  const heavy = /^(?:server|stores|authority|dialects|feed|node_modules)\//
  assert.deepEqual(
    files.map((file) => file.replace(pathToFileURL(ROOT).href, '')).filter((file) => heavy.test(file)),
    [],
  )
})

test('a remote command has none of the settings of the server, which would load it', () => {
  for (const { name, isRemote, takesSettings } of COMMANDS) assert.ok(!(isRemote && takesSettings), name)
})

test('the help and the version are there in less than 200 ms', async () => {
  for (const words of [['--help'], ['version']]) {
    let best = Number.POSITIVE_INFINITY
    for (let nth = 0; nth < TRIES && best >= START_MAX_MS; nth += 1) {
      const startMs = performance.now()
      assert.equal((await runCli({ words })).code, 0)
      best = Math.min(best, performance.now() - startMs)
    }
    assert.ok(best < START_MAX_MS, `${words.join()}: ${best} ms`)
  }
})

test('a reader that has read enough ends a command quietly', () => {
  const told = execFileSync('sh', ['-c', '"$@" | head -n 1', 'sh', process.execPath, RESCIND, '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  assert.match(told.toString(), /^rescind: /)
})

test('[W47] missing folders, junk files and misspelt words are one line each, and exit code 2', async () => {
  const wrong: readonly (readonly string[])[] = [
    ['audit', 'verify', 'no/such/file.ndjson'],
    ['audit', 'verify', '.', '--position=P'],
    ['audit', 'verify', '--position=P'],
    ['backup', 'no/such/folder/file.db'],
    ['restore', 'no/such/file.db'],
    ['serve', '--store', 'sqlite:/dev/null/x.db'],
    ['serve', '--seed=no/such/file.json'],
    ['store'],
    ['epoch', 'old'],
    ['verison'],
    ['--jsno'],
  ]
  const ended = await Promise.all(
    wrong.map(async (words) => [words.join(' '), await runCli({ words })] as const),
  )
  for (const [words, { code, stdout, stderr }] of ended) {
    assert.deepEqual([code, stdout], [2, ''], `${words}: ${stderr}`)
    assert.match(stderr, /^rescind: [^\n]+\n$/, words)
  }
})
