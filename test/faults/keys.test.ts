import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, type TestContext, test } from 'node:test'
import { type Home, makeHome } from '../kit/server.ts'
import { Calls } from './kit/calls.ts'
import { assertRefused, type RunningCommand, runCommand, startCommand } from './kit/command.ts'
import { folderState, modeOf } from './kit/folder-state.ts'

const SERVE = ['serve', '--listen', '127.0.0.1:0']
const KEY = 'control-key-from-the-environment'
const OTHER_KEY = 'another-control-key-from-the-environment'

type Start = {
  readonly t: TestContext
  readonly home: Home
  readonly controlKey?: string
  readonly flags?: readonly string[]
}
type Started = RunningCommand & { readonly calls: Calls }

/** Runs `rescind serve` as an operator types it, with everything in ./rescind-data. */
async function start({ t, home, controlKey, flags }: Start): Promise<Started> {
  const environment = controlKey === undefined ? {} : { RESCIND_CONTROL_KEY: controlKey }
  const command = startCommand(t, { words: [...SERVE, ...(flags ?? [])], folder: home.folder, environment })
  await command.says(/"url":"http[^"]+"/)
  const url = /"url":"(http[^"]+)"/.exec(command.output())?.[1] ?? ''
  return { ...command, calls: new Calls(url) }
}

async function stop({ process, ended, calls }: Started): Promise<void> {
  calls.close()
  process.kill('SIGTERM')
  assert.equal((await ended).code, 0)
}

/** 200 for a control key that works, 401 for any other. */
async function statusWith({ calls }: Started, key: string): Promise<number> {
  return (await calls.get('/metrics', { authorization: `Bearer ${key}` })).status
}

describe('a store that was made with a master key', () => {
  let home: Home
  let good: Buffer
  let untouched: readonly string[]
  const master = (): string => join(home.folder, 'rescind-data', 'master.key')

  before(() => {
    home = makeHome()
  })
  after(() => home.remove())

  const refusesToStart = async (t: TestContext, why: RegExp): Promise<void> => {
    untouched = folderState(home.folder)
    const ended = await runCommand(t, { words: SERVE, folder: home.folder })
    assertRefused(ended, why)
    assert.deepEqual(folderState(home.folder), untouched)
    assert.ok(!ended.stderr.includes(good.toString('utf8').trim()), 'the key was printed')
  }
  const keep = (text: string | Buffer, mode = 0o600): void => {
    rmSync(master(), { force: true, recursive: true })
    writeFileSync(master(), text, { mode })
    chmodSync(master(), mode)
  }

  it('serves with it', async (t) => {
    await stop(await start({ t, home, controlKey: KEY }))
    good = readFileSync(master())
  })

  it('does not start with another one', async (t) => {
    keep(`${randomBytes(32).toString('base64url')}\n`)
    await refusesToStart(t, /master key/)
  })

  it('does not start without it, and makes no new one', async (t) => {
    rmSync(master())
    await refusesToStart(t, /masterKeyFile: .*master\.key is missing/)
  })

  it('[M11] does not start with a short, an empty, or a broken one', async (t) => {
    keep(`${randomBytes(31).toString('base64url')}\n`)
    await refusesToStart(t, /masterKeyFile: .*master\.key holds no 256-bit key/)
    keep('')
    await refusesToStart(t, /masterKeyFile: .*master\.key is empty/)
    rmSync(master())
    mkdirSync(master(), { mode: 0o700 })
    await refusesToStart(t, /masterKeyFile: .*master\.key is a folder/)
  })

  it('[S03] does not start with the right one while others can read it', async (t) => {
    for (const mode of [0o644, 0o640, 0o604]) {
      keep(good, mode)
      await refusesToStart(t, /masterKeyFile: .* can be read by others; run: chmod 600/)
    }
  })

  it('does not start when a newer version made its schema', async (t) => {
    keep(good)
    const own = setSchemaVersion(join(home.folder, 'rescind-data', 'rescind.db'), 99)
    await refusesToStart(
      t,
      /the store has schema 99, but this version knows schemas up to \d+: use a newer version/,
    )
    setSchemaVersion(join(home.folder, 'rescind-data', 'rescind.db'), own)
  })

  it('starts with it again, and knows its control key', async (t) => {
    keep(good)
    const started = await start({ t, home })
    assert.equal(await statusWith(started, KEY), 200)
    await stop(started)
  })
})

/** @returns the version that was there before. */
function setSchemaVersion(path: string, version: number): number {
  const db = new DatabaseSync(path)
  const { user_version: before } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  db.exec(`PRAGMA user_version = ${version}`)
  db.close()
  return before
}

describe('a control key', () => {
  it('[J08] [S01] is made at the first start, written for its owner alone, and never printed', async (t) => {
    const home = makeHome()
    const path = join(home.folder, 'rescind-data', 'control.key')
    const first = await start({ t, home, flags: ['--log-level', 'debug'] })
    const key = readFileSync(path, 'utf8').trim()
    assert.match(key, /^rsc_[0-9A-Za-z]{36}$/)
    assert.equal(modeOf(path), '600')
    assert.equal(await statusWith(first, key), 200)
    await stop(first)
    assert.ok(!first.output().includes(key))
    const again = await start({ t, home, flags: ['--log-level', 'debug'] })
    assert.equal(await statusWith(again, key), 200)
    await stop(again)
    assert.ok(!again.output().includes(key))
    assert.equal(readFileSync(path, 'utf8').trim(), key)
    home.remove()
  })

  it('of the environment is used at the first start only', async (t) => {
    const home = makeHome()
    await stop(await start({ t, home, controlKey: KEY }))
    const again = await start({ t, home, controlKey: OTHER_KEY })
    assert.equal(await statusWith(again, OTHER_KEY), 401)
    assert.equal(await statusWith(again, KEY), 200)
    await stop(again)
    assert.ok(!readdirSync(join(home.folder, 'rescind-data')).includes('control.key'))
    home.remove()
  })

  it('whose file exists already is taken over, unless it is empty or others can read it', async (t) => {
    const home = makeHome()
    const path = join(home.folder, 'rescind-data', 'control.key')
    mkdirSync(join(home.folder, 'rescind-data'), { mode: 0o700 })
    writeFileSync(path, '', { mode: 0o600 })
    assertRefused(await runCommand(t, { words: SERVE, folder: home.folder }), /control\.key is empty/)
    writeFileSync(path, `${KEY}\n`)
    chmodSync(path, 0o644)
    assertRefused(
      await runCommand(t, { words: SERVE, folder: home.folder }),
      /control\.key can be read by others/,
    )
    chmodSync(path, 0o600)
    const started = await start({ t, home })
    assert.equal(await statusWith(started, KEY), 200)
    await stop(started)
    home.remove()
  })
})

test('the files of a server are for its owner: the folder 0700, each file 0600, any umask', async (t) => {
  const home = makeHome()
  const mask = process.umask(0o000)
  const started = await start({ t, home })
  process.umask(mask)
  const data = join(home.folder, 'rescind-data')
  assert.equal(modeOf(data), '700')
  const files = readdirSync(data).toSorted()
  for (const name of [
    'control.key',
    'master.key',
    'rescind.db',
    'rescind.db-shm',
    'rescind.db-wal',
    'rescind.db.lock',
  ])
    assert.ok(files.includes(name), `${name} of ${files.join(' ')}`)
  for (const name of files) assert.equal(modeOf(join(data, name)), '600', name)
  await stop(started)
  home.remove()
})

test('a file that is no store is refused in one line and left as it was', async (t) => {
  const home = makeHome()
  writeFileSync(
    join(home.folder, 'notes.txt'),
    'these are not the pages that you are looking for\n'.repeat(200),
  )
  mkdirSync(join(home.folder, 'folder'))
  const before_ = readFileSync(join(home.folder, 'notes.txt'))
  const words = [...SERVE, '--store', 'sqlite:notes.txt']
  assertRefused(await runCommand(t, { words, folder: home.folder }), /notes\.txt/)
  assert.deepEqual(readFileSync(join(home.folder, 'notes.txt')), before_)
  assertRefused(
    await runCommand(t, { words: [...SERVE, '--store', 'sqlite:folder'], folder: home.folder }),
    /folder is a folder, a pipe or a device, not a file/,
  )
  const other = new DatabaseSync(join(home.folder, 'other.db'))
  other.exec('CREATE TABLE notes (text TEXT)')
  other.close()
  const others = readFileSync(join(home.folder, 'other.db'))
  const wrong = await runCommand(t, { words: [...SERVE, '--store', 'sqlite:other.db'], folder: home.folder })
  assertRefused(wrong, /not a Rescind store/)
  assert.deepEqual(readFileSync(join(home.folder, 'other.db')), others)
  home.remove()
})

test('a memory store serves, warns that it forgets, and leaves no store behind', async (t) => {
  const home = makeHome()
  const started = await start({ t, home, controlKey: KEY, flags: ['--store', 'memory:'] })
  assert.equal(await statusWith(started, KEY), 200)
  assert.equal((await started.calls.get('/readyz')).status, 200)
  assert.match(started.output(), /"msg":"store: this store forgets everything, revocations too/)
  await stop(started)
  assert.deepEqual(readdirSync(home.folder), [])
  home.remove()
})
