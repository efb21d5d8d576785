import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Home, makeHome } from '../kit/server.ts'
import { assertRefused, runCommand, runHere, startCommand } from './kit/command.ts'
import { folderState } from './kit/folder-state.ts'

type Refused = {
  readonly what: string
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly file?: string
  readonly why: RegExp
}

const QUICK_START = fileURLToPath(new URL('../../docs/quickstart.seed.json', import.meta.url))
const SECRET = 'a-secret-that-nobody-may-see'

/** Mistakes that must not be ignored, because the server would run otherwise than its operator believes. */
const REFUSED: readonly Refused[] = [
  { what: 'an unknown flag', flags: ['--listne', '127.0.0.1:0'], why: /unknown argument "--listne"/ },
  { what: 'a word that is no flag', flags: ['now'], why: /unknown argument "now"/ },
  { what: 'a flag twice', flags: ['--listen', '127.0.0.1:0', '--listen=127.0.0.1:1'], why: /given twice/ },
  { what: 'a flag without its value', flags: ['--seed'], why: /--seed needs a value/ },
  { what: 'an unknown variable', environment: { RESCIND_LISTNE: 'x' }, why: /variable RESCIND_LISTNE/ },
  { what: 'an unknown member of the file', file: '{"listne":"x"}', why: /unknown setting "listne"/ },
  {
    what: 'the control key in the file',
    file: `{"controlKey":"${SECRET}"}`,
    why: /unknown setting "controlKey"/,
  },
  { what: 'a file that is not JSON', file: '{"listen":', why: /rescind\.config\.json is not valid JSON/ },
  {
    what: 'a member of the file twice',
    file: '{"listen":"127.0.0.1:1","listen":"127.0.0.1:2"}',
    why: /is not valid JSON, or repeats a member/,
  },
  { what: 'a file that is no object', file: '["listen"]', why: /must hold one JSON object/ },
  { what: 'a value of another type', file: '{"listen":true}', why: /"listen" must be text/ },
  {
    what: 'a switch that is text',
    file: '{"metricsOpen":"yes"}',
    why: /metricsOpen"?:? (?:must be )?true or false/,
  },
  { what: 'a loose boolean', flags: ['--metrics-open=yes'], why: /metricsOpen: true or false/ },
  { what: 'an address without a port', flags: ['--listen', 'localhost'], why: /is not HOST:PORT/ },
  { what: 'a port that is none', flags: ['--listen', '127.0.0.1:65536'], why: /is not HOST:PORT/ },
  { what: 'every address, in clear', flags: ['--listen', '0.0.0.0:0'], why: /is not loopback/ },
  { what: 'every IPv6 address, in clear', flags: ['--listen', '[::]:0'], why: /is not loopback/ },
  // An address of RFC 5737, which no machine has.
  {
    what: 'an address of another machine',
    flags: ['--listen', '192.0.2.1:8080', '--behind-proxy', '10.0.0.0/8'],
    why: /listen: 192\.0\.2\.1:8080: .*EADDRNOTAVAIL.* \(choose another with --listen\)/,
  },
  { what: 'a proxy that is no range', flags: ['--behind-proxy', '10.0.0.0/33'], why: /behindProxy/ },
  {
    what: 'half of a TLS key pair',
    flags: ['--tls-cert', 'cert.pem'],
    why: /tlsCert, tlsKey: give both or neither/,
  },
  {
    what: 'TLS files that are not there',
    flags: ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem'],
    why: /tlsCert: cert\.pem cannot be read/,
  },
  { what: 'a public URL in clear', flags: ['--public-url', 'http://tokens.example'], why: /publicUrl/ },
  { what: 'a store of an unknown kind', flags: ['--store', 'mysql://x'], why: /store: "mysql/ },
  { what: 'a store without a name', flags: ['--store='], why: /store: must not be empty/ },
  { what: 'a rate that is no number', flags: ['--identity-rate', '-1'], why: /identityRate: a whole number/ },
  { what: 'an unknown log level', flags: ['--log-level', 'chatty'], why: /logLevel: one of/ },
  {
    what: 'a control key that no header can carry',
    environment: { RESCIND_CONTROL_KEY: `${SECRET} ` },
    why: /RESCIND_CONTROL_KEY: 1 to 512 printable/,
  },
  // [W89] [M11] The kind: a guessable key, from any source.
  ...[
    'a',
    'a'.repeat(64),
    '0123456789012345',
    'password123!',
    'deadbeefdeadbeefdeadbeefdeadbee',
    'ab'.repeat(60),
  ].map((key) => ({
    what: `the control key ${key}, which can be guessed`,
    environment: { RESCIND_CONTROL_KEY: key },
    why: /RESCIND_CONTROL_KEY: can be guessed.*--allow-weak-secrets/,
  })),
  ...[
    ['--behind-proxy', '127.0.0.1/32'],
    ['--listen', '0.0.0.0:0', '--behind-proxy', '10.0.0.0/8'],
  ].map((flags) => ({
    what: `the keys of the quick start with ${flags.join(' ')}`,
    flags: [...flags, '--seed', QUICK_START],
    why: /seed: these are the keys of the quick start.*--allow-weak-secrets/,
  })),
  {
    what: 'a seed file that is not there',
    flags: ['--seed', 'seed.json'],
    why: /seed: seed\.json cannot be read/,
  },
]

/** A process costs a second, and all cases behave alike in it, so only every so many cases start one. */
const AS_PROCESS_EVERY = 9

describe('settings that cannot be intended are refused in one line, with 2, and nothing is made', () => {
  for (const [nth, { what, flags = [], environment = {}, file, why }] of REFUSED.entries()) {
    it(what, async (t) => {
      const home = makeHome()
      if (file !== undefined) writeFileSync(join(home.folder, 'rescind.config.json'), file)
      const filesBefore = readdirSync(home.folder)
      const command = { words: ['serve', ...flags], folder: home.folder, environment }
      const ended = await (nth % AS_PROCESS_EVERY === 0 ? runCommand(t, command) : runHere(command))
      assertRefused(ended, why)
      assert.doesNotMatch(ended.stdout + ended.stderr, new RegExp(SECRET))
      assert.deepEqual(readdirSync(home.folder), filesBefore)
      home.remove()
    })
  }
})

test('an unknown command is refused as well', async (t) => {
  const home = makeHome()
  assertRefused(await runCommand(t, { words: ['sevre'], folder: home.folder }), /unknown command "sevre"/)
  assertRefused(await runCommand(t, { words: ['config'], folder: home.folder }), /rescind config explain/)
  home.remove()
})

test('an address that others can reach is fine behind a named proxy', async (t) => {
  const home = makeHome()
  const flags = ['--listen', '0.0.0.0:0', '--behind-proxy', '127.0.0.1/32', '--store', 'memory:']
  const command = startCommand(t, { words: ['serve', ...flags], folder: home.folder })
  await command.says(/"msg":"rescind is listening"/)
  command.process.kill('SIGTERM')
  assert.equal((await command.ended).code, 0)
  home.remove()
})

test('a port that is taken is refused in one line, with 2, and leaves nothing on disk', async (t) => {
  const home = makeHome()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  assert.ok(typeof address === 'object' && address !== null)
  const flags = ['--listen', `127.0.0.1:${address.port}`, '--log-level', 'error']
  const untouched = folderState(home.folder)
  assertRefused(
    await runCommand(t, { words: ['serve', ...flags], folder: home.folder }),
    /listen: .*EADDRINUSE.*\(stop what listens there, or choose another with --listen\)/,
  )
  assert.deepEqual(folderState(home.folder), untouched)
  taken.close()
  home.remove()
})

describe('rescind config explain', () => {
  let home: Home
  before(() => {
    home = makeHome()
  })
  after(() => home.remove())

  it('shows each setting and its source: flag over environment over file', async (t) => {
    const file = { listen: '127.0.0.1:1001', store: 'sqlite:file.db', logLevel: 'warn', metricsOpen: true }
    writeFileSync(join(home.folder, 'rescind.config.json'), JSON.stringify(file))
    const environment = { RESCIND_LISTEN: '127.0.0.1:1002', RESCIND_STORE: 'sqlite:env.db' }
    const words = ['config', 'explain', '--listen', '127.0.0.1:1003']
    const { code, stdout, stderr } = await runCommand(t, { words, folder: home.folder, environment })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^listen +127\.0\.0\.1:1003 +flag$/m)
    assert.match(stdout, /^store +sqlite:env\.db +environment$/m)
    assert.match(stdout, /^logLevel +warn +file$/m)
    assert.match(stdout, /^metricsOpen +true +file$/m)
    assert.match(stdout, /^masterKeyFile +\.\/rescind-data\/master\.key +default$/m)
    assert.match(stdout, /^seed +\(none\) +default$/m)
  })

  it('[J11] shows of a secret only that it is set', async (t) => {
    const environment = { RESCIND_CONTROL_KEY: SECRET }
    const { stdout, stderr } = await runCommand(t, {
      words: ['config', 'explain'],
      folder: home.folder,
      environment,
    })
    assert.match(stdout, /^controlKey +\(set, not shown\) +environment$/m)
    assert.doesNotMatch(stdout + stderr, new RegExp(SECRET))
  })

  it('refuses settings that serving would refuse, after showing them', async (t) => {
    const words = ['config', 'explain', '--listen', '0.0.0.0:8080']
    const { code, stdout, stderr } = await runCommand(t, { words, folder: home.folder })
    assert.equal(code, 2)
    assert.match(stdout, /^listen +0\.0\.0\.0:8080 +flag$/m)
    assert.match(stderr, /^rescind: listen: 0\.0\.0\.0 is not loopback/)
  })
})
