import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { COMMANDS } from '../../cli/table.ts'
import { Calls } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SVC } from '../kit/seed.ts'
import { CONTROL_KEY } from '../kit/server.ts'
import { ROOT, read, sources } from '../tidy/tree.ts'
import { type App, startApp } from './app.ts'
import { complaintsAbout } from './compile.ts'
import { attwProblems, publintMessages } from './judges.ts'
import { fileOf, programsOfPages } from './programs.ts'

const REPOSITORY = 'https://rescind.example/rescind.git'
const LIBRARIES = ['core', 'verifier'] as const
const TARBALLS = { core: 'rescind-core', verifier: 'rescind-verifier', cli: 'rescind' } as const
type Room = keyof typeof TARBALLS
const ROOMS = Object.keys(TARBALLS) as readonly Room[]
const { version: VERSION } = JSON.parse(read('package.json').text) as { readonly version: string }
const PROGRAMS = programsOfPages()
type Packed = Readonly<Record<string, unknown>> & {
  readonly exports?: object
  readonly dependencies?: object
}
const run = promisify(execFile)
/** Far longer than a program takes: it asks until the revocation has reached it. */
const DEADLINE_MS = 120_000

describe('the packed tarballs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-app-'))
  const pathOf = (room: Room): string => join(folder, `${TARBALLS[room]}-${VERSION}.tgz`)
  const bytesOf = (room: Room): Buffer<ArrayBuffer> => readFileSync(pathOf(room))
  const unpacked = (room: Room): string => join(folder, 'unpacked', room, 'package')
  const manifestOf = (room: Room): Packed =>
    JSON.parse(readFileSync(join(unpacked(room), 'package.json'), 'utf8')) as Packed
  const link = (...names: readonly string[]): void => {
    for (const name of names)
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  let server: TestServer
  let calls: Calls

  before(async () => {
    await run('npm', ['run', 'pack', '--', folder, '--repository', REPOSITORY], { cwd: ROOT })
    for (const room of ROOMS) {
      mkdirSync(join(unpacked(room), '..'), { recursive: true })
      await run('tar', ['-xzf', pathOf(room), '-C', join(unpacked(room), '..')])
    }
    writeFileSync(join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }')
    const words = ['install', '--offline', '--no-audit', '--no-fund', ...LIBRARIES.map(pathOf)]
    await run('npm', words, { cwd: folder })
    link('@types')
    server = await openServer({ time: 'real' })
    calls = new Calls(server.port)
  })
  after(async () => {
    calls.close()
    await server.close()
    rmSync(folder, { recursive: true })
  })

  test('install without anything but each other, and hold no source that Node cannot run', () => {
    const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      readonly packages: object
    }
    const installed = LIBRARIES.map((room) => `node_modules/@rescind/${room}`)
    assert.deepEqual(Object.keys(packages), ['', ...installed])
    for (const room of ROOMS)
      assert.deepEqual(
        filesIn(unpacked(room)).filter((name) => /(?<!\.d)\.ts$/.test(name)),
        [],
      )
  })

  // test/tidy/circles.test.ts checks that the verifier needs each file of core.
  test('of core and the verifier hold the sources of their rooms, compiled, and nothing else', () => {
    for (const room of LIBRARIES) {
      const compiled = sources([room]).flatMap(({ path }) => {
        const name = path.slice(room.length + 1, -'.ts'.length)
        return [`${name}.d.ts`, `${name}.js`]
      })
      const beside = ['LICENSE', 'README.md', 'package.json']
      assert.deepEqual(filesIn(unpacked(room)), [...beside, ...compiled].sort(), room)
    }
  })

  test('[W57] of the server holds a command that runs, and depends on what the registry has', () => {
    const { bin, dependencies = {} } = manifestOf('cli')
    assert.deepEqual(bin, { rescind: 'bin/rescind.js' })
    assert.ok(
      readFileSync(join(unpacked('cli'), 'bin/rescind.js'), 'utf8').startsWith('#!/usr/bin/env node\n'),
    )
    assert.deepEqual(
      filesIn(unpacked('cli')).filter((name) => !/^dist\/[\w-]+\.js$/.test(name)),
      ['LICENSE', 'README.md', 'bin/rescind.js', 'package.json'],
    )
    assert.deepEqual(
      Object.keys(dependencies).filter((name) => name.startsWith('@rescind/')),
      [],
    )
  })

  test('of the server runs each of its commands: on a store, for a server, and what it prints by itself', async () => {
    const own = join(unpacked('cli'), 'node_modules')
    for (const name of Object.keys(manifestOf('cli').dependencies ?? {})) {
      mkdirSync(dirname(join(own, name)), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules', name), join(own, name))
    }
    const env = { PATH: process.env['PATH'], HOME: folder, RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY }
    const rescind = async (...words: readonly string[]): Promise<string> => {
      const bin = join(unpacked('cli'), 'bin/rescind.js')
      return (await run(process.execPath, [bin, ...words], { cwd: folder, env })).stdout
    }
    assert.equal(await rescind('version'), `rescind ${VERSION}\n`)
    for (const { name } of COMMANDS)
      assert.match(await rescind(...name.split(' '), '--help'), /^usage: rescind /m)
    assert.match(await rescind('get', 'clients', 'svc'), /clientId +svc/)
    assert.match(await rescind('completion', 'bash'), /complete .*rescind/)
    assert.match(await rescind('config', 'explain'), /^listen +127\.0\.0\.1:8080/)
  })

  test('[W57] say where they come from, what they need, and where tools without `exports` find them', () => {
    for (const room of ROOMS) {
      const manifest = manifestOf(room)
      assert.deepEqual(manifest['repository'], { type: 'git', url: `git+${REPOSITORY}`, directory: room })
      assert.equal(manifest['license'], 'Apache-2.0')
      for (const name of ['description', 'keywords', 'engines'])
        assert.ok(name in manifest, `${room}: ${name}`)
      for (const name of ['scripts', 'devDependencies', 'private'])
        assert.ok(!(name in manifest), `${room}: ${name}`)
    }
    for (const room of LIBRARIES) {
      const { main, types } = manifestOf(room)
      assert.deepEqual([main, types], ['./index.js', './index.d.ts'])
    }
  })

  test('[W57] are as package managers and bundlers expect them: publint has nothing to say', async () => {
    for (const room of ROOMS) assert.deepEqual(await publintMessages(bytesOf(room)), [], room)
  })

  test('[W57] have types wherever attw looks, but for a CommonJS caller that is told of an ES module', async () => {
    // The packages are ES modules alone. TypeScript's node16 mode says so to a `require` in a CommonJS file, which
    // Node can load since it lets `require` load ES modules.
    const asModulesAlone = ['CJSResolvesToESM node16-cjs']
    for (const room of LIBRARIES) {
      const { exports: doors = {} } = manifestOf(room)
      const expected = Object.keys(doors).map((door) => [door, asModulesAlone])
      assert.deepEqual(await attwProblems(bytesOf(room)), Object.fromEntries(expected), room)
    }
    assert.equal(await attwProblems(bytesOf('cli')), undefined, 'a command has no types')
  })

  test('have types that need no framework, and reject wrong uses', async () => {
    write('use.ts')
    assert.equal(await complaintsAbout(['use.ts'], folder, 'node16'), '')
  })

  test('[W44] let the programs of every page and the uses of each framework compile in a strict project', async () => {
    link('express', 'fastify', 'hono', '@hono')
    write('guards.ts')
    const programs = PROGRAMS.map(fileOf)
    for (const { name, text } of programs) writeFileSync(join(folder, name), text)
    const names = ['use.ts', 'guards.ts', ...programs.map(({ name }) => name)]
    const told = await Promise.all(
      (['node16', 'bundler'] as const).map((mode) => complaintsAbout(names, folder, mode)),
    )
    assert.deepEqual(told, ['', ''])
  })

  test("begin with the same program in the README and on the verifier's page", () => {
    const [readme, page] = ['verifier/README.md', 'docs/verifier.md'].map((path) =>
      PROGRAMS.find((program) => program.page === path),
    )
    assert.equal(readme?.text, page?.text)
    assert.equal(readme?.text.split('\n').length, 6)
  })

  for (const framework of ['express', 'fastify', 'hono'])
    test(`run in plain JavaScript: the page's program for ${framework} protects an app`, {
      timeout: DEADLINE_MS,
    }, async () => {
      const program = PROGRAMS.find(({ text }) => text.includes(`@rescind/verifier/${framework}'`))
      const app = await startApp(folder, program?.text ?? assert.fail('no page has it'), server.url)
      try {
        await protects(app)
      } finally {
        await app.stop()
      }
    })

  async function protects({ ask }: App): Promise<void> {
    // A new verifier answers 503 until it has proved that it is fresh, even about tokens it has asked about.
    const judged = async (token?: string): Promise<readonly [number, unknown]> => {
      const answer = await ask(token)
      return answer[0] === 503 ? judged(token) : answer
    }
    const token = await calls.oauthToken(SVC)
    assert.deepEqual(await judged(token), [200, { client: 'svc' }])
    assert.equal((await judged())[0], 401)
    await calls.oauthRevoke(SVC, token)
    while ((await judged(token))[0] === 200);
    assert.equal((await judged(token))[0], 401)
  }

  /** Puts a user's file into the folder. */
  function write(name: string): void {
    writeFileSync(join(folder, name), read(`test/tarballs/user/${name}`).text)
  }
})

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}
