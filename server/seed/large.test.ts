import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { IDENTITY_COLLECTIONS } from '@rescind/dialects'
import { openWorld } from '../../test/kit/realm.ts'
import { MODULES } from '../compose/modules.ts'
import { hashPassword } from '../machine/passwords.ts'
import { applySeed } from './apply.ts'
import { readSeed, SEED_MAX_BYTES } from './read.ts'

const PARTS = MODULES.flatMap(({ seed }) => seed ?? [])

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-seed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'seed.json')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const READ_USERS = 100_000
/** Making takes 0.2 ms a user on the memory store. */
const MADE_USERS = 5_000

function usersSeed(count: number): string {
  const users = Array.from({ length: count }, (_, at) => ({
    id: `id-${at}`,
    username: `user-${at}`,
    email: `user-${at}@example.org`,
    tenantId: `${at % 1_000}`,
    roles: ['identity:default'],
  }))
  return JSON.stringify({ realms: [{ name: 'default', identity: { users } }] })
}

describe('[W103] a seed file', () => {
  it('of a hundred thousand users is read', (t) => {
    const seed = readSeed(fileOf(t, usersSeed(READ_USERS)), PARTS)
    const { users } = Object(seed.realms[0]?.['identity'])
    assert.equal(users.length, READ_USERS)
  })

  it('of thousands of users makes all of them, once', async (t) => {
    const seed = readSeed(fileOf(t, usersSeed(MADE_USERS)), PARTS)
    const { realms } = await openWorld()
    const parts = { realms, parts: PARTS, secretText: String, onWeakSecret: () => {}, hashPassword }
    assert.equal(await applySeed(parts, seed), MADE_USERS)
    const last = await realms.default.directory.state(IDENTITY_COLLECTIONS.user, `id-${MADE_USERS - 1}`)
    assert.equal(last.version, 1)
    assert.equal(await applySeed(parts, seed), 0)
  })

  it('that names one thing twice makes the first, as it always did', async (t) => {
    const client = { grantTypes: ['client_credentials'], clientSecret: 'a-secret-of-the-tests-01' }
    const clients = [1, 2, 3].map((at) => ({ ...client, clientId: 'twice', scopes: [`scope-${at}`] }))
    const path = fileOf(t, JSON.stringify({ realms: [{ name: 'default', oauthClients: clients }] }))
    const { realms } = await openWorld()
    const parts = { realms, parts: PARTS, secretText: String, onWeakSecret: () => {}, hashPassword }
    assert.equal(await applySeed(parts, readSeed(path, PARTS)), 1)
    const audit = await realms.default.store.records(realms.default.ordinal, {
      collection: 'oauthClients',
      after: undefined,
      limit: 10,
    })
    assert.match(audit.records[0]?.body ?? '', /scope-1/)
  })

  it('is read up to its bound, and one byte more is refused in words of its own', (t) => {
    const path = fileOf(t, '{"realms":[]}')
    const spaces = Buffer.alloc(SEED_MAX_BYTES, ' ')
    spaces.write('{"realms":[]}')
    writeFileSync(path, spaces)
    assert.deepEqual(readSeed(path, PARTS), { realms: [] })
    truncateSync(path, SEED_MAX_BYTES + 1)
    assert.throws(
      () => readSeed(path, PARTS),
      (error) => error instanceof SettingsRefused && /is larger than 134217728 bytes/.test(error.message),
    )
  })

  it('that is deep, or names a member twice, is what it was: not well-formed', (t) => {
    for (const text of [`${'['.repeat(40)}${']'.repeat(40)}`, '{"realms":[],"realms":[]}', '{"realms":[}'])
      assert.throws(() => readSeed(fileOf(t, text), PARTS), /is not valid JSON, or repeats a member/)
  })
})
