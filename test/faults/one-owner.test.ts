import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type Home, makeHome, type ServerProcess, startProcess } from '../kit/server.ts'
import { accessTokenIn, Calls, isActive } from './kit/calls.ts'
import { assertRefused, type Ended, runCommand } from './kit/command.ts'

const WORKERS = 4
const OWNED = /^rescind: another process owns the store .*rescind\.db: stop it first\n$/

describe('a store that a process owns', () => {
  let home: Home
  let server: ServerProcess

  before(async () => {
    home = makeHome()
    server = await startProcess({ home })
  })
  after(async () => {
    await server.kill()
    home.remove()
  })

  it('is refused to a second process, which reports it in one line and exits with 2', async (t) => {
    assertRefused(await second(t, home, 'rescind.db'), OWNED)
    assert.equal(await readiness(server), 200)
  })

  it('is refused under another name too: a symbolic link would have a lock of its own', async (t) => {
    symlinkSync(join(home.folder, 'data', 'rescind.db'), join(home.folder, 'data', 'other.db'))
    assertRefused(await second(t, home, 'other.db'), /other\.db is a symbolic link/)
  })

  it('loses nothing to processes that try to take it while it is being written', async (t) => {
    const calls = new Calls(server.url)
    const tries = Promise.all([second(t, home, 'rescind.db'), second(t, home, 'rescind.db')])
    let isTrying = true
    void tries.then(() => {
      isTrying = false
    })
    const [revoked, live]: [string[], string[]] = [[], []]
    const worker = async (): Promise<void> => {
      while (isTrying) {
        const [one, other] = [await issue(calls), await issue(calls)]
        assert.equal((await calls.oauthRevoke(one)).status, 200)
        revoked.push(one)
        live.push(other)
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, worker))
    for (const ended of await tries) assertRefused(ended, OWNED)
    assert.ok(revoked.length > WORKERS)
    await assertStates(calls, { revoked, live })
    calls.close()
    await server.kill()
    server = await startProcess({ home })
    await assertStates(new Calls(server.url), { revoked, live })
  })

  it('is free at once when its owner was killed', async () => {
    await server.kill()
    server = await startProcess({ home })
    assert.equal(await readiness(server), 200)
  })
})

function second(t: TestContext, { folder }: Home, name: string): Promise<Ended> {
  const data = join(folder, 'data')
  const words = ['serve', '--listen', '127.0.0.1:0', '--store', `sqlite:${join(data, name)}`]
  return runCommand(t, { folder, words: [...words, '--master-key-file', join(data, 'master.key')] })
}

async function readiness({ url }: ServerProcess): Promise<number> {
  const calls = new Calls(url)
  const { status } = await calls.get('/readyz')
  calls.close()
  return status
}

async function issue(calls: Calls): Promise<string> {
  return accessTokenIn(await calls.oauthIssue())
}

type Tokens = { readonly revoked: readonly string[]; readonly live: readonly string[] }

async function assertStates(calls: Calls, { revoked, live }: Tokens): Promise<void> {
  for (const token of revoked) assert.equal(isActive(await calls.introspect(token)), false)
  for (const token of live) assert.equal(isActive(await calls.introspect(token)), true)
}
