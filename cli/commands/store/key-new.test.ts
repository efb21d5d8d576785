import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CONTROL_ROLES } from '@rescind/server'
import { type CliEnded, runCli } from '../../../test/kit/cli/command-line.ts'
import { CONTROL_KEY, type Home, makeQuickHome, startProcess } from '../../../test/kit/server.ts'
import { STORE_COMMANDS } from './commands.ts'

let home: Home
before(() => {
  home = makeQuickHome()
})
after(() => home.remove())

const rescind = (...words: readonly string[]): Promise<CliEnded> =>
  runCli({
    words: [
      ...words,
      ...['--store', `sqlite:${join(home.folder, 'data/rescind.db')}`],
      ...['--master-key-file', join(home.folder, 'data/master.key')],
    ],
    folder: home.folder,
  })
const NEW = ['key', 'new', '--role', 'admin', '--name', 'recovery'] as const

test('[W59] an admin key is made on a stopped store, into a private file, and the audit says so', async () => {
  const first = await startProcess({ home })
  const served = await rescind(...NEW, '--secret-file', 'recovery.key')
  assert.deepEqual([served.code, served.stdout], [2, ''])
  assert.match(served.stderr, /another process owns the store/)
  assert.throws(() => statSync(join(home.folder, 'recovery.key')), 'no empty file is left')
  assert.equal(await first.stop(), 0)

  const unsaid = await rescind(...NEW)
  assert.match(unsaid.stderr, /--secret-file FILE, or --show-secret/)
  assert.match((await rescind(...NEW, '--dry-run')).stdout, /would be made/)
  assert.match(
    (await rescind(...NEW, '--realm', 'nowhere', '--show-secret')).stderr,
    /there is no realm "nowhere"/,
  )
  const made = await rescind(...NEW, '--owner', 'ann', '--secret-file', 'recovery.key')
  assert.equal(made.code, 0, made.stderr)
  const key = readFileSync(join(home.folder, 'recovery.key'), 'utf8').trim()
  assert.ok(!made.stdout.includes(key))
  assert.equal(statSync(join(home.folder, 'recovery.key')).mode & 0o777, 0o600)

  const second = await startProcess({ home })
  try {
    const ask = async (path: string, by: string): Promise<unknown> => {
      const headers = { authorization: `Bearer ${by}` }
      const answer = await fetch(`${second.url}/control/v1/${path}`, { headers })
      assert.equal(answer.status, 200)
      return answer.json()
    }
    const { keys } = (await ask('keys', key)) as { keys: { name: string; role: string; owner?: string }[] }
    const told = keys.find(({ name }) => name === 'recovery')
    assert.deepEqual([told?.role, told?.owner], ['admin', 'ann'])
    const { rows } = (await ask('audit/system?how=key.new', CONTROL_KEY)) as {
      rows: { audit: Record<string, unknown> }[]
    }
    assert.equal(rows.length, 1, 'the refused ones made none')
    assert.deepEqual(
      [rows[0]?.audit['by'], rows[0]?.audit['why'], rows[0]?.audit['cause']],
      [
        'operator',
        'made on the store itself, with its master key',
        { code: 'key', role: 'admin', owner: 'ann' },
      ],
    )
  } finally {
    await second.stop()
  }
  const checked = await rescind('store', 'check')
  assert.equal(checked.code, 0, checked.stdout + checked.stderr)
  assert.match(checked.stdout, /^default: right: .*\n[\s\S]*Nothing is out of order\.\n$/)
})

test('a store that is not there is not made, by a key or by a check', async () => {
  for (const words of [
    [...NEW, '--show-secret'],
    ['store', 'check'],
  ]) {
    const { code, stderr } = await runCli({
      words: [...words, '--store', 'sqlite:none.db'],
      folder: home.folder,
    })
    assert.equal(code, 2)
    assert.match(stderr, /there is no store at .*none\.db/)
    assert.throws(() => statSync(join(home.folder, 'none.db')))
  }
})

test('a check of a file that is damaged says what to do', async () => {
  writeFileSync(join(home.folder, 'damaged.db'), 'no database\n'.repeat(1_000), { mode: 0o600 })
  const words = ['store', 'check', '--store', 'sqlite:damaged.db']
  const masterKey = ['--master-key-file', join(home.folder, 'data/master.key')]
  const { code, stdout, stderr } = await runCli({ words: [...words, ...masterKey], folder: home.folder })
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /not a database: make a copy of the store, and restore the last good backup/)
})

test('the roles that help and completion offer are the ones of control keys', () => {
  const made = STORE_COMMANDS.find(({ name }) => name === 'key new')
  assert.deepEqual(made?.flags?.find(({ name }) => name === 'role')?.choices, CONTROL_ROLES)
})
