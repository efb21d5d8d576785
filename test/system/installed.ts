import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { Calls } from '../kit/calls.ts'
import { npmOf } from '../kit/own-packages.ts'
import { SVC } from '../kit/seed.ts'
import { makeHome, startProcess } from '../kit/server.ts'
import { ROOT, read } from '../tidy/tree.ts'
import { run } from './command.ts'

const execute = promisify(execFile)
const { version: VERSION } = JSON.parse(read('package.json').text) as { readonly version: string }

/** Installs the server's tarball as docs/run/deploy.md says, with its dependencies from the registry, and runs it. */
export async function installed(): Promise<string> {
  const home = makeHome()
  try {
    const command = await install(home.folder)
    const { output } = await run(command, ['--version'], { PATH: `${dirname(execPath)}:/usr/bin:/bin` })
    assert.equal(output, `rescind ${VERSION}`)
    const server = await startProcess({ home, cli: command })
    try {
      for (const path of ['/healthz', '/readyz']) {
        const { status } = await fetch(`${server.url}${path}`)
        assert.equal(status, 200, path)
      }
      await revokes(server.url)
    } finally {
      assert.equal(await server.stop(), 0, server.output())
    }
    return `${output} was installed without a warning, served, revoked a token, and ended on SIGTERM`
  } finally {
    home.remove()
  }
}

/** @returns the path of the command. */
async function install(folder: string): Promise<string> {
  const prefix = join(folder, 'installed')
  mkdirSync(prefix)
  const { command, words } = npmOf(process.env)
  const npm = (...more: readonly string[]): Promise<{ readonly stderr: string }> =>
    execute(command, [...words, ...more], { cwd: ROOT })
  await npm('run', 'pack', '--', folder)
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier']
  const tarball = join(folder, `rescind-${VERSION}.tgz`)
  const { stderr } = await npm('install', '--global', '--prefix', prefix, ...quiet, tarball)
  assert.equal(stderr, '', 'npm warns of nothing')
  return join(prefix, 'bin/rescind')
}

async function revokes(url: string): Promise<void> {
  const calls = new Calls(Number(new URL(url).port))
  try {
    const token = await calls.oauthToken(SVC)
    assert.equal(await calls.isActive(SVC, token), true)
    await calls.oauthRevoke(SVC, token)
    assert.equal(await calls.isActive(SVC, token), false)
  } finally {
    calls.close()
  }
}
