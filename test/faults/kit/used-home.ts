import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { after, type TestContext } from 'node:test'
import { type Home, makeHome } from '../../kit/server.ts'
import { startCommand } from './command.ts'

export type UsedHome = (t: TestContext) => Promise<Home>

/**
 * Homes in which a server has made its store and stopped. One is made this way and the others are copies of it, because
 * a start costs more than all the rest of most cases.
 */
export function usedHomes(environment: Readonly<Record<string, string>> = {}): UsedHome {
  let first: Promise<Home> | undefined
  after(async () => (await first)?.remove())
  return async (t) => {
    first ??= usedOnce(t, environment)
    const { folder } = await first
    const home = makeHome()
    t.after(() => home.remove())
    cpSync(folder, home.folder, { recursive: true })
    return home
  }
}

async function usedOnce(t: TestContext, environment: Readonly<Record<string, string>>): Promise<Home> {
  const home = makeHome()
  const words = ['serve', '--listen', '127.0.0.1:0']
  const { process, says, ended } = startCommand(t, { words, folder: home.folder, environment })
  await says(/"url":"http[^"]+"/)
  process.kill('SIGTERM')
  assert.equal((await ended).code, 0)
  return home
}
