import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext, test } from 'node:test'
import { deleteRecord, Realms } from '@rescind/authority'
import { OAUTH_CLIENTS } from '@rescind/dialects'
import { openSqlite } from '@rescind/stores'
import { CONTROL_KEY, type Home, makeHome } from '../kit/server.ts'
import { read } from '../tidy/tree.ts'
import {
  assertRefused,
  type Command,
  type Ended,
  type RunningCommand,
  runCommand,
  startCommand,
} from './kit/command.ts'
import { PlainHttp } from './kit/plain-http.ts'

const STRONG = 'a-secret-of-the-seed-0123456789'
const WEAK = 'hunter2'

type Client = { readonly clientId: string; readonly clientSecret: unknown }

function seedOf(...clients: readonly Client[]): string {
  const grantTypes = ['client_credentials']
  const oauthClients = clients.map((client) => ({ ...client, grantTypes }))
  return JSON.stringify({ realms: [{ name: 'default', oauthClients }] })
}

type Serve = {
  readonly home: Home
  readonly seed: string
  readonly mode?: number
  readonly environment?: Readonly<Record<string, string>>
}

function command({ home, seed, mode, environment }: Serve): Command {
  const path = join(home.folder, 'seed.json')
  writeFileSync(path, seed)
  chmodSync(path, mode ?? 0o600)
  return {
    words: ['serve', '--listen', '127.0.0.1:0', '--seed', 'seed.json'],
    folder: home.folder,
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY, ...environment },
  }
}

type Asks = {
  readonly server: RunningCommand
  readonly status: (id: string, secret: string) => Promise<number>
}

/** Serves, asks, and stops. @returns the output. */
async function served(
  { t, ...serve }: Serve & { readonly t: TestContext },
  use: (asks: Asks) => Promise<void>,
): Promise<Ended> {
  const server = startCommand(t, command(serve))
  await server.says(/"url":"http[^"]+"/)
  const http = new PlainHttp(/"url":"(http[^"]+)"/.exec(server.output())?.[1] ?? '')
  await use({
    server,
    status: async (id, secret) => {
      const values = { client_id: id, client_secret: secret, grant_type: 'client_credentials' }
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(values).toString()
      return (await http.ask({ method: 'POST', path: '/api/id/v1/auth/token', headers, body })).status
    },
  })
  http.close()
  server.process.kill('SIGTERM')
  const ended = await server.ended
  assert.equal(ended.code, 0)
  return ended
}

const REFUSED: readonly (readonly [what: string, seed: string, why: RegExp])[] = [
  [
    'an unknown member',
    '{"realms":[{"name":"default","oauthClient":[]}]}',
    /Unrecognized key|unknown member/,
  ],
  ['a member twice', '{"realms":[],"realms":[]}', /repeats a member/],
  ['no JSON', '{"realms":[', /not valid JSON/],
  ['a comment in it', '{"realms":[]} // none', /not valid JSON/],
  [
    'a client without a secret',
    '{"realms":[{"name":"default","oauthClients":[{"clientId":"a","grantTypes":["refresh_token"]}]}]}',
    /clientSecret/,
  ],
  ['a list of realms that is none', '{"realms":{}}', /realms: /],
]

describe('a seed file is refused in one line, with 2, before anything is made, when it holds', {
  concurrency: 3,
}, () => {
  for (const [what, seed, why] of REFUSED) {
    it(what, async (t) => {
      const home = makeHome()
      assertRefused(await runCommand(t, command({ home, seed })), why)
      assert.equal(existsSync(join(home.folder, 'rescind-data')), false)
      home.remove()
    })
  }
})

describe('a seed file that is given at every start', () => {
  let home: Home
  before(() => {
    home = makeHome()
  })
  after(() => home.remove())

  it('creates the records that it names', async (t) => {
    const seed = seedOf({ clientId: 'svc', clientSecret: STRONG }, { clientId: 'two', clientSecret: STRONG })
    const { stdout } = await served({ t, home, seed }, async ({ status }) => {
      assert.equal(await status('svc', STRONG), 200)
      assert.equal(await status('two', STRONG), 200)
    })
    assert.match(stdout, /"created":2,/)
  })

  it('creates nothing twice, changes no existing record, and adds new ones', async (t) => {
    const other = `${STRONG}-other`
    const seed = seedOf({ clientId: 'svc', clientSecret: other }, { clientId: 'three', clientSecret: STRONG })
    const { stdout } = await served({ t, home, seed }, async ({ status }) => {
      assert.equal(await status('svc', STRONG), 200)
      assert.equal(await status('svc', other), 401)
      assert.equal(await status('two', STRONG), 200)
      assert.equal(await status('three', STRONG), 200)
    })
    assert.match(stdout, /"created":1,/)
  })

  it('does not bring back deleted records', async (t) => {
    await deleteClient(home, 'svc')
    const seed = seedOf({ clientId: 'svc', clientSecret: STRONG })
    const { stdout } = await served({ t, home, seed }, async ({ status }) => {
      assert.equal(await status('svc', STRONG), 401)
      assert.equal(await status('two', STRONG), 200)
    })
    assert.match(stdout, /"created":0,/)
  })
})

test('secrets come from the environment and from files, which must be for their owner alone', async (t) => {
  const home = makeHome()
  const path = join(home.folder, 'secret')
  writeFileSync(path, `${STRONG}-file\n`, { mode: 0o600 })
  const seed = seedOf(
    { clientId: 'env', clientSecret: { env: 'SVC_SECRET' } },
    { clientId: 'file', clientSecret: { file: 'secret' } },
  )
  assertRefused(await runCommand(t, command({ home, seed })), /seed: the secret in \$SVC_SECRET is empty/)
  const environment = { SVC_SECRET: `${STRONG}-env` }
  chmodSync(path, 0o644)
  assertRefused(
    await runCommand(t, command({ home, seed, environment })),
    /seed: secret can be read by others/,
  )
  chmodSync(path, 0o600)
  const { stdout, stderr } = await served({ t, home, seed, environment }, async ({ status }) => {
    assert.equal(await status('env', `${STRONG}-env`), 200)
    assert.equal(await status('file', `${STRONG}-file`), 200)
  })
  assert.ok(!(stdout + stderr).includes(STRONG))
  home.remove()
})

test('a seed that others can read, and a secret that can be guessed, are warned about', async (t) => {
  const home = makeHome()
  const seed = seedOf({ clientId: 'svc', clientSecret: WEAK }, { clientId: 'two', clientSecret: STRONG })
  const { stdout, stderr } = await served({ t, home, seed, mode: 0o644 }, async ({ status }) => {
    assert.equal(await status('svc', WEAK), 200)
  })
  assert.match(
    stdout,
    /"level":40,[^\n]*"msg":"the seed file has secrets in it and can be read by others; run: chmod 600 /,
  )
  assert.match(
    stdout,
    /"level":40,[^\n]*"of":"OAuth client svc","msg":"this secret of the seed file can be guessed"/,
  )
  assert.doesNotMatch(stdout, /OAuth client two/)
  assert.ok(!(stdout + stderr).includes(WEAK) && !(stdout + stderr).includes(STRONG))
  home.remove()
})

test('a seed that others can read is not warned about when its secrets are elsewhere, or public anyway', async (t) => {
  const home = makeHome()
  const seed = seedOf(
    { clientId: 'env', clientSecret: { env: 'SVC_SECRET' } },
    { clientId: 'quick', clientSecret: 'NOT-A-SECRET-svc' },
  )
  const { stdout } = await served(
    { t, home, seed, mode: 0o644, environment: { SVC_SECRET: STRONG } },
    async () => undefined,
  )
  assert.match(stdout, /"created":2,/)
  assert.doesNotMatch(stdout, /can be read by others/)
  home.remove()
})

test('the quick start begins without a warning', async (t) => {
  const home = makeHome()
  const seed = read('docs/quickstart.seed.json').text
  const { stdout, stderr } = await served({ t, home, seed, mode: 0o644 }, async () => undefined)
  assert.match(stdout, /seed applied/)
  assert.doesNotMatch(stdout, /"level":[456]0/)
  assert.equal(stderr, '')
  home.remove()
})

test('one key for two apps is refused, and the store is whole when the seed is corrected', async (t) => {
  const home = makeHome()
  const app = (name: string, apiKey: string): unknown => ({ name, apiKey, clientKey: `${name}-${STRONG}` })
  const seed = (second: string): string =>
    JSON.stringify({ realms: [{ name: 'default', chatApps: [app('one', STRONG), app('two', second)] }] })
  const ended = await runCommand(t, command({ home, seed: seed(STRONG) }))
  assert.equal(ended.code, 2)
  assert.match(ended.stderr, /^rescind: seed: chatApps "two" uses a name or key that another one has\n$/)
  assert.ok(!(ended.stdout + ended.stderr).includes(STRONG))
  const { stdout } = await served({ t, home, seed: seed(`${STRONG}-2`) }, async () => undefined)
  assert.match(stdout, /"created":1,/)
  home.remove()
})

/** Deletes through the core, as the control API does, on a store that no server owns. */
async function deleteClient({ folder }: Home, id: string): Promise<void> {
  const store = await openSqlite(join(folder, 'rescind-data', 'rescind.db'), 0)
  const master = Buffer.from(readFileSync(join(folder, 'rescind-data', 'master.key'), 'utf8'), 'base64url')
  const realms = await Realms.open({
    store,
    master: { bytes: master },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: { bytes: (count) => randomBytes(count) },
    defer: (task) => setImmediate(task),
  })
  const realm = realms.default
  const { version } = await realm.directory.state(OAUTH_CLIENTS, id)
  const deletion = { collection: OAUTH_CLIENTS.name, id, fromVersion: version }
  const operations = deleteRecord(realm, deletion, { by: 'test', from: 'local', how: 'test' })
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
  await realms.ledger.close()
  await store.close()
}
