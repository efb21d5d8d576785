import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ROOT, read } from '../tidy/tree.ts'

const DOCKERFILE = read('docs/run/Dockerfile').text
/** Where npm puts global packages in Node's images. */
const GLOBAL = '/usr/local/lib/node_modules'

/** What stands behind an instruction of the Dockerfile, at each place. */
function told(instruction: string): readonly string[] {
  const lines = [...DOCKERFILE.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map(
    ([, rest = '']) => rest,
  )
  assert.ok(lines.length > 0, instruction)
  return lines
}

/** Lays a root folder out as the image does: the package from its tarball, with what it depends on, and the data. */
function layOut(root: string): { readonly home: string } {
  // The first line of the file says how to make what it copies.
  assert.match(DOCKERFILE, /^# .*npm run pack -- docs\/run && docker build .* docs\/run$/m)
  execFileSync('npm', ['run', '--silent', 'pack', '--', root], { cwd: ROOT, stdio: 'ignore' })
  const copied = told('COPY').map((line) => line.split(' ')[0] ?? '')
  const [tarball, ...others] = copied.flatMap((pattern) => globSync(pattern, { cwd: root }))
  assert.ok(tarball !== undefined && others.length === 0, `${copied.join()} is one file`)
  const own = join(root, GLOBAL, 'rescind')
  mkdirSync(own, { recursive: true })
  execFileSync('tar', ['-xzf', join(root, tarball), '--strip-components=1', '-C', own])
  const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { dependencies: object }
  mkdirSync(join(own, 'node_modules'))
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(own, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), link)
  }
  const [home = ''] = told('WORKDIR')
  assert.deepEqual(told('VOLUME'), [home], 'what the server writes outlives its container')
  mkdirSync(join(root, home), { recursive: true, mode: 0o700 })
  return { home: join(root, home) }
}

test('the command of the Dockerfile starts the server from its tarball, and its data is in the volume', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rescind-image-'))
  t.after(() => rmSync(root, { recursive: true }))
  const { home } = layOut(root)
  const [entry = [], command = []] = [...told('ENTRYPOINT'), ...told('CMD')].map(
    (line) => JSON.parse(line) as readonly string[],
  )
  const [node, ...words] = entry
  assert.equal(node, 'node')
  const here = words.map((word) => (word.startsWith(GLOBAL) ? join(root, word) : word))
  const environment = Object.fromEntries(
    told('ENV').flatMap((line) => line.split(' ').map((one) => one.split('='))),
  )
  const server = spawn(process.execPath, [...here, ...command, '--listen', '127.0.0.1:0'], {
    cwd: home,
    env: { PATH: process.env['PATH'], ...environment },
  })
  t.after(() => server.kill('SIGKILL'))
  let said = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const ended = once(server, 'close')
  while (!said.includes('rescind is listening'))
    if (!(await Promise.race([once(server.stdout, 'data').then(() => true), ended.then(() => false)])))
      assert.fail(said)
  const url = /"url":"(http[^"]+)"/.exec(said)?.[1] ?? ''
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  server.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  for (const name of ['rescind.db', 'master.key', 'control.key'])
    assert.ok(existsSync(join(home, 'rescind-data', name)), name)
})
