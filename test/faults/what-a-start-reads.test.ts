import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Home, makeHome } from '../kit/server.ts'
import { assertRefused, type Ended, runCommand, startCommand } from './kit/command.ts'
import { usedHomes } from './kit/used-home.ts'

const SERVE = ['serve', '--listen', '127.0.0.1:0']

function homeOf(t: TestContext): Home {
  const home = makeHome()
  t.after(() => home.remove())
  return home
}

function start(t: TestContext, { folder }: Home, flags: readonly string[] = []): Promise<Ended> {
  return runCommand(t, { words: [...SERVE, ...flags], folder, environment: {} })
}

/** Starts a server, and stops it when it listens. */
async function serves(t: TestContext, { folder }: Home, flags: readonly string[] = []): Promise<void> {
  const { process, says, ended } = startCommand(t, { words: [...SERVE, ...flags], folder, environment: {} })
  await says(/"url":"http[^"]+"/)
  process.kill('SIGTERM')
  assert.equal((await ended).code, 0)
}

// The kind: something else in a file's place, which a start would wait for or read forever.
const NO_FILES: Readonly<Record<string, (path: string) => void>> = {
  'a pipe': (path) => void execFileSync('mkfifo', ['-m', '600', path]),
  'a folder': (path) => mkdirSync(path, { mode: 0o700 }),
  'a device without an end': (path) => symlinkSync('/dev/zero', path),
}
const READ: Readonly<Record<string, readonly [file: string, ...flags: readonly string[]]>> = {
  'the seed': ['seed.json', '--seed', 'seed.json'],
  'the configuration': ['rescind.config.json'],
  'the master key': ['a.key', '--master-key-file', 'a.key'],
  'the certificate': ['tls.crt', '--tls-cert', 'tls.crt', '--tls-key', 'tls.crt'],
  'the store': ['a.db', '--store', 'sqlite:a.db'],
}

describe('a start reads only regular files: it is refused in one line when', {
  concurrency: 2,
}, () => {
  // One function reads all files but the store, so each file is tested with one kind, and the first one and the store
  // with all kinds.
  for (const [nth, [what, [file, ...flags]]] of Object.entries(READ).entries())
    for (const [kind, make] of Object.entries(NO_FILES).filter(
      (_, at) => nth === 0 || what === 'the store' || at === nth % 3,
    ))
      it(`${what} is ${kind}`, async (t) => {
        const home = homeOf(t)
        make(join(home.folder, file))
        assertRefused(
          await start(t, home, flags),
          /is a folder, a pipe or a device|cannot be read|read by others/,
        )
      })

  it('a secret that the seed names is a pipe', async (t) => {
    const home = homeOf(t)
    NO_FILES['a pipe']?.(join(home.folder, 'secret'))
    const client = {
      clientId: 'svc',
      clientSecret: { file: 'secret' },
      grantTypes: ['client_credentials'],
      scopes: [],
    }
    const seed = { realms: [{ name: 'default', oauthClients: [client] }] }
    writeFileSync(join(home.folder, 'seed.json'), JSON.stringify(seed), { mode: 0o600 })
    assertRefused(await start(t, home, ['--seed', 'seed.json']), /is a folder, a pipe or a device/)
  })
})

// The kind: a store that was lost. A new one in its place would know of no revocation.
describe('a lost store is not replaced by a new one', { concurrency: 2 }, () => {
  const used = usedHomes()
  const data = ({ folder }: Home, name: string): string => join(folder, 'rescind-data', name)
  const lost: Readonly<Record<string, readonly [lose: (home: Home) => void, why: RegExp]>> = {
    'its file is empty beside its keys': [
      (home) => truncateSync(data(home, 'rescind.db')),
      /rescind\.db is empty, and .*control\.key is: the store was lost; .*restore/,
    ],
    'its file is empty beside its master key alone': [
      (home) => {
        truncateSync(data(home, 'rescind.db'))
        rmSync(data(home, 'control.key'))
      },
      /rescind\.db is empty, and .*master\.key is/,
    ],
    'its file is not there, and its keys are': [
      (home) => rmSync(data(home, 'rescind.db')),
      /rescind\.db is not there, and .*control\.key is/,
    ],
    'its last writes are there without it': [
      (home) => {
        renameSync(data(home, 'rescind.db'), data(home, 'rescind.db-wal'))
        rmSync(data(home, 'control.key'))
      },
      /rescind\.db is not there, and .*rescind\.db-wal is/,
    ],
  }
  for (const [what, [lose, why]] of Object.entries(lost))
    it(`when ${what}`, async (t) => {
      const home = await used(t)
      lose(home)
      const had = existsSync(data(home, 'rescind.db'))
      assertRefused(await start(t, home), why)
      assert.equal(existsSync(data(home, 'rescind.db')), had, 'nothing was made')
    })

  it('but a new store is made where there was none, also with keys that were made beforehand', async (t) => {
    const home = homeOf(t)
    mkdirSync(join(home.folder, 'rescind-data'), { mode: 0o700 })
    writeFileSync(data(home, 'master.key'), `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 })
    writeFileSync(data(home, 'control.key'), 'kQ2v9Yp7Rw4Xz1Lm8Tn3Jb6Hc5Df0GsA\n', { mode: 0o600 })
    await serves(t, home)
    await serves(t, home)
  })
})
