import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { type Home, makeHome } from '../kit/server.ts'
import { TEST_CERT, TEST_KEY } from '../kit/tls.ts'
import {
  LOCKED_RSA_KEY,
  OTHER_RSA_CERT,
  OTHER_RSA_KEY,
  RSA_CERT,
  RSA_KEY,
  SHORT_RSA_CERT,
  SHORT_RSA_KEY,
} from '../kit/tls-pairs.ts'
import { assertRefused, type Ended, type RunningCommand, runCommand, startCommand } from './kit/command.ts'
import { folderState } from './kit/folder-state.ts'
import { usedHomes } from './kit/used-home.ts'

const SERVE = ['serve', '--listen', '127.0.0.1:0']
const ENVIRONMENT = { RESCIND_CONTROL_KEY: 'a-control-key-of-the-tests-that-nobody-could-guess' }
const IS_UP = /"url":"http[^"]+"/

function homeOf(t: TestContext): Home {
  const home = makeHome()
  t.after(() => home.remove())
  return home
}

const used = usedHomes(ENVIRONMENT)

async function up(t: TestContext, { folder }: Home, flags: readonly string[] = []): Promise<RunningCommand> {
  const command = startCommand(t, { words: [...SERVE, ...flags], folder, environment: ENVIRONMENT })
  await command.says(IS_UP)
  return command
}

async function stop({ process, ended }: RunningCommand): Promise<Ended> {
  process.kill('SIGTERM')
  const done = await ended
  assert.equal(done.code, 0, done.stderr)
  return done
}

function start(t: TestContext, { folder }: Home, flags: readonly string[] = []): Promise<Ended> {
  return runCommand(t, { words: [...SERVE, ...flags], folder, environment: ENVIRONMENT })
}

// The kind: files whose rights do not fit their purpose.
describe('[W106] a store is refused at the start, untouched, when', { concurrency: 2 }, () => {
  const cases: readonly (readonly [what: string, path: string, mode: number, why: RegExp])[] = [
    ['its file cannot be written', 'rescind.db', 0o400, /rescind\.db cannot be written; run: chmod 600/],
    ['its lock cannot be written', 'rescind.db.lock', 0o400, /\.lock cannot be written/],
    ['everybody can write its file', 'rescind.db', 0o666, /rescind\.db can be written by everybody/],
    ['everybody can replace its files', '', 0o777, /everybody can replace the files in .*; run: chmod 700/],
    ['nothing can be made beside it', '', 0o500, /nothing can be written in .*rescind-data/],
  ]
  for (const [what, name, mode, why] of cases) {
    it(what, async (t) => {
      const home = await used(t)
      chmodSync(join(home.folder, 'rescind-data', name), mode)
      const untouched = folderState(home.folder)
      assertRefused(await start(t, home), why)
      assert.deepEqual(folderState(home.folder), untouched)
      chmodSync(join(home.folder, 'rescind-data'), 0o700)
    })
  }

  it('its side log cannot be written', async (t) => {
    const home = await used(t)
    writeFileSync(join(home.folder, 'a.side'), '', { mode: 0o400 })
    assertRefused(await start(t, home, ['--side-log', 'a.side']), /a\.side cannot be written/)
  })

  it('its file has a second name, under which it could have a second owner', async (t) => {
    const home = await used(t)
    const [store, link] = [join(home.folder, 'rescind-data', 'rescind.db'), join(home.folder, 'other.db')]
    linkSync(store, link)
    assertRefused(await start(t, home), /has a second name \(a hard link\)/)
    assertRefused(await start(t, home, ['--store', 'sqlite:other.db']), /hard link/)
    rmSync(link)
    await stop(await up(t, home))
  })
})

describe('[W106] a store is warned of, and served, when', () => {
  it('others can read its file, or make files beside it', async (t) => {
    const home = await used(t)
    chmodSync(join(home.folder, 'rescind-data', 'rescind.db'), 0o644)
    chmodSync(join(home.folder, 'rescind-data'), 0o770)
    const { stdout } = await stop(await up(t, home))
    assert.match(stdout, /"level":40,[^\n]*rescind\.db can be read by others; run: chmod 600/)
    assert.match(stdout, /"level":40,[^\n]*others can make files in [^\n]*rescind-data; run: chmod 700/)
  })

  it('it is as it was made: then there is no warning', async (t) => {
    const home = await used(t)
    const { stdout } = await stop(await up(t, home))
    assert.doesNotMatch(stdout, /chmod/)
  })
})

type Pair = { readonly cert: string; readonly key: string }

describe('[W98] a certificate and a key', { concurrency: 2 }, () => {
  const place = (home: Home, { cert, key }: Pair, mode = 0o600): readonly string[] => {
    writeFileSync(join(home.folder, 'tls.crt'), cert)
    writeFileSync(join(home.folder, 'tls.key'), key, { mode })
    chmodSync(join(home.folder, 'tls.key'), mode)
    return ['--tls-cert', 'tls.crt', '--tls-key', 'tls.key']
  }
  const cases: Readonly<Record<string, readonly [pair: () => Pair, why: RegExp]>> = {
    'an EC certificate with an RSA key': [
      () => ({ cert: TEST_CERT, key: RSA_KEY }),
      /tlsKey: tls\.key is not the key of the first certificate in tls\.crt/,
    ],
    'an RSA certificate with an EC key': [() => ({ cert: RSA_CERT, key: TEST_KEY }), /is not the key of/],
    'the key of another certificate of its kind': [
      () => ({ cert: RSA_CERT, key: OTHER_RSA_KEY }),
      /is not the key of/,
    ],
    'a chain that begins with another one': [
      () => ({ cert: OTHER_RSA_CERT + RSA_CERT, key: RSA_KEY }),
      /is not the key of the first certificate/,
    ],
    'the two files the wrong way round': [
      () => ({ cert: TEST_KEY, key: TEST_CERT }),
      /does not contain a certificate in PEM/,
    ],
    'a key that wants a passphrase': [
      () => ({ cert: RSA_CERT, key: LOCKED_RSA_KEY }),
      /does not contain a private key in PEM without a passphrase/,
    ],
    'a key that is too short for any client': [
      () => ({ cert: SHORT_RSA_CERT, key: SHORT_RSA_KEY }),
      /cannot be served: .*key too small/,
    ],
    'files without a word in them': [() => ({ cert: '', key: '' }), /does not contain a certificate in PEM/],
  }
  for (const [what, [pair, why]] of Object.entries(cases)) {
    it(`${what}: refused at the start, in one line`, async (t) => {
      const home = homeOf(t)
      assertRefused(await start(t, home, place(home, pair())), why)
      assert.equal(existsSync(join(home.folder, 'rescind-data')), false)
    })
  }

  it('[W90] are refused, as every key is, when others can read the key, be it a group', async (t) => {
    for (const mode of [0o644, 0o640, 0o604]) {
      const home = homeOf(t)
      const flags = place(home, { cert: TEST_CERT, key: TEST_KEY }, mode)
      assertRefused(
        await start(t, home, flags),
        /tlsKey: tls\.key can be read by others; run: chmod 600 tls\.key/,
      )
    }
  })

  it('are read again at SIGHUP; a pair that does not match leaves the old one in use', async (t) => {
    const home = homeOf(t)
    const running = await up(t, home, place(home, { cert: TEST_CERT, key: TEST_KEY }))
    const port = /"url":"https:\/\/[^:]+:(\d+)/.exec(running.output())?.[1] ?? ''
    const serves = async (pem: string): Promise<boolean> => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { raw } = socket.getPeerCertificate()
      socket.destroy()
      return raw.equals(new X509Certificate(pem).raw)
    }
    assert.equal(await serves(TEST_CERT), true)
    place(home, { cert: RSA_CERT, key: RSA_KEY })
    running.process.kill('SIGHUP')
    await running.says(/were reloaded/)
    assert.equal(await serves(RSA_CERT), true)
    place(home, { cert: OTHER_RSA_CERT, key: RSA_KEY })
    running.process.kill('SIGHUP')
    await running.says(/could not be reloaded; the previous one stays in use/)
    assert.equal(await serves(RSA_CERT), true)
    await stop(running)
  })
})

describe('[W100] a signal', () => {
  it('opens no debugger and ends nothing: SIGUSR1, SIGUSR2, and SIGHUP where there is nothing to read anew', async (t) => {
    const home = homeOf(t)
    const running = await up(t, home)
    const url = /"url":"(http[^"]+)"/.exec(running.output())?.[1] ?? ''
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const) {
      running.process.kill(signal)
      if (signal === 'SIGHUP') await running.says(/nothing to reload/)
      assert.equal((await fetch(`${url}/healthz`)).status, 200, signal)
    }
    const { stderr } = await stop(running)
    assert.doesNotMatch(stderr, /Debugger/)
  })
})

describe('[W55] a store that is forgotten with the server', () => {
  it('has keys of its own, printed as temporary, and leaves the files of the real store alone', async (t) => {
    const home = homeOf(t)
    const flags = (...more: readonly string[]): readonly string[] => [...SERVE, ...more]
    const first = startCommand(t, { words: flags(), folder: home.folder })
    await first.says(IS_UP)
    await stop(first)
    const folder = join(home.folder, 'rescind-data')
    const real = readFileSync(join(folder, 'control.key'), 'utf8').trim()
    // A file that an interrupted change of the master key leaves: only that key may open the real store.
    copyFileSync(join(folder, 'master.key'), join(folder, 'master.key.next'))
    const untouched = folderState(home.folder)
    const second = startCommand(t, { words: flags('--store', 'memory:'), folder: home.folder })
    await second.says(IS_UP)
    const key = /^rescind: temporary control key, until this server stops \(memory:\): (rsc_\w+)$/m.exec(
      second.output(),
    )?.[1]
    assert.ok(key !== undefined, second.output())
    const url = /"url":"(http[^"]+)"/.exec(second.output())?.[1] ?? ''
    const statusOf = async (bearer: string, path = '/metrics', method = 'GET'): Promise<number> =>
      (await fetch(url + path, { method, headers: { authorization: `Bearer ${bearer}` } })).status
    assert.deepEqual([await statusOf(key), await statusOf(real)], [200, 401])
    assert.notEqual(await statusOf(key, '/control/v1/master-key/rotate', 'POST'), 200)
    const { stdout } = await stop(second)
    assert.ok(!stdout.includes(key), 'the log holds no key')
    assert.deepEqual(folderState(home.folder), untouched)
  })

  it('writes no file where there is none', async (t) => {
    const home = homeOf(t)
    mkdirSync(join(home.folder, 'empty'))
    const command = startCommand(t, {
      words: [...SERVE, '--store', 'memory:'],
      folder: join(home.folder, 'empty'),
    })
    await command.says(IS_UP)
    await stop(command)
    assert.deepEqual(folderState(join(home.folder, 'empty')), [])
  })
})

// The kind: a fault outside this program ends it with one line instead of a stack. Examples are a number about the
// whole store that no server writes, and something else in the store file's place. A number about one row or realm puts
// only that out of order (test/acceptance/unreadable-numbers.test.ts).
describe('a start says in one line that a store cannot be read, when', { concurrency: 2 }, () => {
  const cases: readonly (readonly [what: string, sql: string, why: RegExp])[] = [
    [
      'the time of a row is no time',
      'UPDATE log SET at = 4611686018427387904',
      /row 1 of its log is not as it was written/,
    ],
    [
      'the floor is no time',
      "UPDATE meta SET value = 4611686018427387904 WHERE name = 'floor'",
      /floor of the store is not a valid time: restore a backup/,
    ],
  ]
  for (const [what, sql, why] of cases)
    it(what, async (t) => {
      const home = await used(t)
      const db = new DatabaseSync(join(home.folder, 'rescind-data', 'rescind.db'))
      db.exec(sql)
      db.close()
      assertRefused(await start(t, home), why)
    })

  it('it is a folder', async (t) => {
    const home = await used(t)
    const path = join(home.folder, 'rescind-data', 'rescind.db')
    rmSync(path)
    mkdirSync(path)
    assertRefused(await start(t, home), /rescind\.db is a folder, a pipe or a device, not a file/)
  })
})
