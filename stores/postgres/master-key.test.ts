import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { MasterKeyFile } from '../../server/keys/master-key.ts'
import { AUDIT, callerAt } from '../../test/kit/acts.ts'
import { MASTER } from '../../test/kit/realm.ts'
import { sharedNodes } from '../../test/kit/shared-nodes.ts'

const { open } = sharedNodes()
const folder = mkdtempSync(join(tmpdir(), 'rescind-master-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function joined({ nodes }: Store): Promise<void> {
  await nodes?.register(1_000, {
    marked: () => {},
    forked: () => {},
    takenOver: () => {},
    reconnected: () => {},
  })
}

test('the master key is not changed while another node has the old one', async () => {
  const [a, b] = [await open('a'), await open('b')]
  for (const { store } of [a, b]) await joined(store)
  const path = join(folder, 'master.key')
  writeFileSync(path, `${Buffer.from(MASTER.bytes).toString('base64url')}\n`, { mode: 0o600 })
  const before = readFileSync(path, 'utf8')
  const { realms, store } = a
  const file = new MasterKeyFile(path, { realms, store, random: realms.system.random })
  const act = { caller: callerAt(realms.system, realms.system.position()), audit: AUDIT }
  assert.equal(await file.rotate(act), 'other-nodes')
  assert.equal(readFileSync(path, 'utf8'), before)
  await b.store.nodes?.leave()
  assert.equal(await file.rotate(act), 'done')
  assert.notEqual(readFileSync(path, 'utf8'), before)
})
