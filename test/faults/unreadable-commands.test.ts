import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Realms, type Store } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { openSqlite } from '@rescind/stores'
import { write } from '../kit/aged-server.ts'
import { HandClock, MASTER, START_MS } from '../kit/realm.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { makeHome } from '../kit/server.ts'
import { runHere } from './kit/command.ts'

// The kind: an operator's command on a store with one unreadable realm. It names that realm in one line, and handles
// the others.

const AUDIT = { by: 'operator', from: 'local', how: 'test' }

async function record(
  store: Store,
  id: string,
  change: (value: Record<string, unknown>) => string,
): Promise<void> {
  const found = await store.record(realmOrdinal(0), 'realms', id)
  assert.ok(found?.body !== undefined)
  const body = change(JSON.parse(found.body) as Record<string, unknown>)
  const put = { collection: 'realms', id, fromVersion: found.version, body, keys: [] }
  await write(store, [{ kind: 'put-record', record: put }], realmOrdinal(0))
}

type Broken = {
  readonly breaks: (store: Store) => Promise<void>
  /** The verdict of `audit verify` on the realm. */
  readonly verify: RegExp
}
const BROKEN: Readonly<Record<string, Broken>> = {
  'a record that is no JSON': {
    breaks: (store) => record(store, 'default', (value) => JSON.stringify(value).slice(1)),
    verify:
      /^default: UNREADABLE: its record is damaged or was written by a newer version; its log was not checked$/m,
  },
  'a state that is not known': {
    breaks: (store) => record(store, 'default', (value) => JSON.stringify({ ...value, state: 'archived' })),
    verify: /^default: UNREADABLE: its record is damaged or was written by a newer version/m,
  },
  'keys that do not open': {
    breaks: (store) => record(store, 'default', (value) => JSON.stringify({ ...value, wrappedKeys: 'AAAA' })),
    verify: /^default: UNREADABLE: its keys do not open with the master key/m,
  },
}

async function brokenStore(t: TestContext, breaks: (store: Store) => Promise<void>): Promise<string> {
  const home = makeHome()
  t.after(home.remove)
  writeFileSync(join(home.folder, 'master.key'), `${MASTER.bytes.toString('base64url')}\n`, { mode: 0o600 })
  const store = await openSqlite(join(home.folder, 'rescind.db'), START_MS)
  const parts = { store, master: MASTER, clock: new HandClock(), random: new SeededRandom('commands') }
  const realms = await Realms.open({ ...parts, defer: (task) => setImmediate(task) })
  await realms.create('branch', AUDIT)
  await breaks(store)
  await realms.ledger.close()
  await store.close()
  return home.folder
}

type Said = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function run(folder: string, words: readonly string[], db = 'rescind.db'): Promise<Said> {
  const flags = ['--store', `sqlite:${join(folder, db)}`, '--master-key-file', join(folder, 'master.key')]
  const { code, stdout, stderr } = await runHere({ words: [...words, ...flags], folder })
  assert.doesNotMatch(stdout + stderr, /^\s+at |Error:/m, `${words.join(' ')}: a stack trace`)
  return { code, stdout, stderr }
}

for (const [what, { breaks, verify }] of Object.entries(BROKEN)) {
  test(`[H18] ${what}: verify, check, backup, restore and epoch new name that realm in one line, and handle the others`, async (t) => {
    const folder = await brokenStore(t, breaks)
    const verified = await run(folder, ['audit', 'verify'])
    assert.equal(verified.code, 1, verified.stdout + verified.stderr)
    assert.match(verified.stdout, verify)
    for (const realm of ['branch', 'system'])
      assert.match(verified.stdout, new RegExp(`^${realm}: right`, 'm'))

    const checked = await run(folder, ['store', 'check'])
    assert.equal(checked.code, 1, checked.stdout + checked.stderr)
    assert.equal(
      checked.stdout.match(/^WRONG default: .+\n {6}open the store with .+$/gm)?.length,
      1,
      checked.stdout,
    )

    const copied = await run(folder, ['backup', 'copy.db'])
    assert.equal(copied.code, 0, copied.stderr)
    const restored = await run(folder, ['restore', 'copy.db'], 'restored.db')
    const begun = await run(folder, ['epoch', 'new'])
    for (const { code, stdout, stderr } of [restored, begun]) {
      assert.equal(code, 1, stdout + stderr)
      assert.equal(stdout.match(/^default: NO NEW EPOCH: .+$/gm)?.length, 1, stdout)
      assert.match(stdout, /^branch: epoch 2; every token issued before is lost/m)
      assert.match(stdout, /^system: epoch 2/m)
    }
  })
}
