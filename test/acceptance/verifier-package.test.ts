import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { Calls } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SVC } from '../kit/seed.ts'
import { sources } from '../tidy/tree.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const REPOSITORY = 'https://rescind.example/rescind.git'
const KEY = 'orders-api-key-0123456789'
const run = promisify(execFile)

/** A user's TypeScript: correct uses compile, wrong ones do not. */
const TYPES = `
import { type CheckResult, createTestVerifier, openVerifier, protectNode, type Verifier } from '@rescind/verifier'

export const verifier: Verifier = openVerifier({ url: 'https://rescind.example', key: 'k', onStale: 'ask' })
export function subjectOf(result: CheckResult): string | undefined {
  // @ts-expect-error only an active token has a subject
  result.subject
  return result.kind === 'active' ? result.subject : undefined
}
// @ts-expect-error a key is needed
openVerifier({ url: 'https://rescind.example' })
// @ts-expect-error there is no such policy
openVerifier({ url: 'https://rescind.example', key: 'k', onStale: 'guess' })
export const handler = protectNode(verifier, (request) => request.auth.scopes.includes('read'), {
  audience: 'orders',
})
export const stop: () => void = verifier.onRevoked('token', (ended) => ended.why satisfies string)
export const world = createTestVerifier({ maxStalenessMs: 1_000 })
`

describe('the packed tarballs, installed elsewhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-app-'))
  let server: TestServer
  let calls: Calls
  before(async () => {
    await run('npm', ['run', 'pack', '--', folder, '--repository', REPOSITORY], { cwd: ROOT })
    writeFileSync(join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }')
    const tarballs = readdirSync(folder)
      .filter((name) => name.startsWith('rescind-') && !name.startsWith('rescind-0'))
      .map((name) => `./${name}`)
    assert.equal(tarballs.length, 2)
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: folder })
    for (const name of ['express', '@types'])
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
    server = await openServer({ time: 'real' })
    calls = new Calls(server.port)
  })
  after(async () => {
    calls.close()
    await server.close()
    rmSync(folder, { recursive: true })
  })

  test('have no dependencies but each other, and no source that Node cannot run', () => {
    const installed = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      readonly packages: object
    }
    assert.deepEqual(Object.keys(installed.packages), [
      '',
      'node_modules/@rescind/core',
      'node_modules/@rescind/verifier',
    ])
    const files = readdirSync(join(folder, 'node_modules/@rescind/verifier'), { recursive: true }).map(String)
    assert.deepEqual(
      files.filter((name) => /(?<!\.d)\.ts$/.test(name)),
      [],
    )
  })

  // test/tidy/circles.test.ts checks that the verifier needs each file of core.
  test('hold the sources of their rooms, compiled, and nothing else', () => {
    for (const room of ['core', 'verifier']) {
      const held = readdirSync(join(folder, 'node_modules/@rescind', room), {
        recursive: true,
        withFileTypes: true,
      })
      const listed = held
        .filter((entry) => entry.isFile())
        .map((entry) =>
          relative(join(folder, 'node_modules/@rescind', room), join(entry.parentPath, entry.name)),
        )
      const compiled = sources([room]).flatMap(({ path }) => {
        const name = path.slice(room.length + 1, -'.ts'.length)
        return [`${name}.d.ts`, `${name}.js`]
      })
      const beside = ['LICENSE', 'README.md', 'package.json']
      assert.deepEqual(listed.sort(), [...beside, ...compiled].sort(), room)
    }
  })

  test('are as package managers, bundlers and type checkers expect them', async () => {
    for (const name of ['core', 'verifier']) {
      const { messages } = await publint({
        pkgDir: join(folder, 'node_modules/@rescind', name),
        strict: true,
      })
      assert.deepEqual(messages, [], name)
    }
  })

  test('[W57] say where they come from, what they need, and where tools without `exports` find them', () => {
    for (const room of ['core', 'verifier']) {
      const text = readFileSync(join(folder, 'node_modules/@rescind', room, 'package.json'), 'utf8')
      const manifest = JSON.parse(text) as Readonly<Record<string, unknown>>
      assert.deepEqual(manifest['repository'], { type: 'git', url: `git+${REPOSITORY}`, directory: room })
      assert.deepEqual([manifest['main'], manifest['types']], ['./index.js', './index.d.ts'])
      assert.equal(manifest['license'], 'Apache-2.0')
      for (const name of ['description', 'keywords', 'engines'])
        assert.ok(name in manifest, `${room}: ${name}`)
      for (const name of ['scripts', 'devDependencies', 'private'])
        assert.ok(!(name in manifest), `${room}: ${name}`)
    }
  })

  test("run in plain JavaScript: the README's five lines protect an Express app", async () => {
    const readme = readFileSync(join(ROOT, 'verifier/README.md'), 'utf8')
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? []
    assert.equal(code.trim().split('\n').length, 5)
    assert.ok(readFileSync(join(ROOT, 'docs/verifier.md'), 'utf8').includes(code), 'the same five everywhere')
    const here = code
      .replace('http://127.0.0.1:8080', server.url)
      .replace('.listen(3000)', ".listen(0, '127.0.0.1', function () { console.log(this.address().port) })")
    writeFileSync(join(folder, 'app.mjs'), here)
    const app = spawn(process.execPath, ['app.mjs'], {
      cwd: folder,
      env: { ...process.env, RESCIND_VERIFIER_KEY: KEY },
    })
    const [port] = (await once(app.stdout, 'data')) as [Buffer]
    const ask = async (token?: string): Promise<readonly [number, unknown]> => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(`http://127.0.0.1:${port.toString().trim()}/orders`, { headers })
      return [answer.status, await answer.json()]
    }
    // A new verifier answers 503 until it has proved that it is fresh, even about tokens it has asked about.
    const judged = async (token?: string): Promise<readonly [number, unknown]> => {
      const answer = await ask(token)
      return answer[0] === 503 ? judged(token) : answer
    }
    try {
      const token = await calls.oauthToken(SVC)
      assert.deepEqual(await judged(token), [200, { client: 'svc' }])
      assert.equal((await judged())[0], 401)
      await calls.oauthRevoke(SVC, token)
      while ((await judged(token))[0] === 200);
      assert.equal((await judged(token))[0], 401)
    } finally {
      app.kill()
      await once(app, 'exit')
    }
  })

  test('have types that compile in a strict project, and reject wrong uses', async () => {
    writeFileSync(join(folder, 'use.ts'), TYPES)
    const words = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2024',
      '--types',
      'node',
    ]
    const modes = [
      ['--module', 'nodenext'],
      ['--module', 'node16'],
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
    ]
    for (const mode of modes) {
      const told = await run(join(ROOT, 'node_modules/.bin/tsc'), [...words, ...mode, 'use.ts'], {
        cwd: folder,
      }).catch((error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? String(error) }))
      assert.equal(told.stdout, '', mode.join(' '))
    }
  })
})
