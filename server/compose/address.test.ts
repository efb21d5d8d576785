import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { openMemory } from '../../test/kit/test-store.ts'
import { wrappedStore } from '../../test/kit/wrapped-store.ts'
import { checkConfig } from '../config/config.ts'
import type { DialectModule } from '../dialects/module.ts'
import { MODULES } from './modules.ts'
import { resolveSettings, settingsOf } from './settings.ts'
import { startServer } from './start.ts'

/** The server's modules; `act` runs while the seed is applied, which is between the first look at the address and its use. */
function modulesWith(act: () => Promise<void>): readonly DialectModule[] {
  const create = async (): Promise<number> => {
    await act()
    return 0
  }
  return MODULES.map((one, nth) => (nth === 0 ? { ...one, seed: { members: {}, create } } : one))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-address-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'seed.json'), '{"realms":[{"name":"default","checkProfiles":[{"name":"a"}]}]}', {
    mode: 0o600,
  })
  return folder
}

test('a port that somebody takes while the start goes on is refused, and the store is closed', async (t) => {
  const [folder, port] = [folderFor(t), await freePort()]
  const other = createServer()
  t.after(() => other.close())
  const modules = modulesWith(async () => {
    other.listen(port, '127.0.0.1')
    await once(other, 'listening')
  })
  const called: string[] = []
  const store = wrappedStore(openMemory(Date.now()), (name, call) => {
    called.push(name)
    return call()
  })
  const flags = [
    ...['--listen', `127.0.0.1:${port}`, '--store', 'memory:', '--log-level', 'silent'],
    ...['--seed', join(folder, 'seed.json'), '--master-key-file', join(folder, 'master.key')],
  ]
  const config = checkConfig(
    resolveSettings({ flags, environment: {}, file: undefined }, settingsOf(modules)),
  )
  const starting = startServer(config, { modules, store }).then((server) => server.close())
  await assert.rejects(starting, (error) => {
    assert.ok(error instanceof SettingsRefused)
    assert.match(error.message, /^listen: 127\.0\.0\.1:\d+: .*EADDRINUSE.* \(stop what listens there, or /)
    return true
  })
  assert.equal(called.at(-1), 'close')
})
