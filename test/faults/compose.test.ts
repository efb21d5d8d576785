import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkConfig, readMasterKey, resolveSettings } from '@rescind/server'
import { parse } from 'yaml'
import { passwordIn } from '../../stores/postgres/password.ts'
import { ROOT, read } from '../tidy/tree.ts'

type Service = {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
}
type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}

const compose = parse(read('deploy/compose.yaml').text, { merge: true }) as Compose
const services = Object.entries(compose.services)
const NODES = ['node-a', 'node-b']
const DATABASES = ['primary', 'standby']

const folder = mkdtempSync(join(tmpdir(), 'rescind-compose-'))
const [database, nodes] = [join(folder, 'database'), join(folder, 'nodes')]
before(() => {
  for (const made of [database, nodes]) mkdirSync(made)
  makeKeys()
})
after(() => rmSync(folder, { recursive: true }))

function makeKeys(): void {
  execFileSync('sh', [join(ROOT, 'deploy/postgres/make-keys.sh'), database, nodes], { stdio: 'pipe' })
}

const keyOf = (name: string): string => join(nodes, name)

test('the compose file has two nodes, a primary and a standby, each with an image, a check of its health and its volumes', () => {
  assert.deepEqual(Object.keys(compose.services).toSorted(), ['keys', ...NODES, ...DATABASES].toSorted())
  for (const [name, { image, volumes, healthcheck, depends_on = {} }] of services) {
    assert.equal(image, NODES.includes(name) ? 'rescind' : 'postgres:17')
    for (const volume of volumes) {
      const [from = ''] = volume.split(':')
      const isThere = from.startsWith('.')
        ? existsSync(join(ROOT, 'deploy', from))
        : Object.hasOwn(compose.volumes, from)
      assert.ok(isThere, `${name}: ${volume}`)
    }
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const checked = compose.services[other]?.healthcheck !== undefined
      assert.equal(condition, checked ? 'service_healthy' : 'service_completed_successfully')
    }
    assert.equal(healthcheck === undefined, name === 'keys')
  }
  const data = DATABASES.map((name) => compose.services[name]?.volumes.at(-1))
  assert.deepEqual(data, ['primary-data:/var/lib/postgresql/data', 'standby-data:/var/lib/postgresql/data'])
})

test('the image of the nodes is made by the Dockerfile of the manual, which runs the same program', () => {
  for (const name of NODES) assert.equal(compose.services[name]?.build, '../docs/run')
  assert.ok(existsSync(join(ROOT, 'deploy/../docs/run/Dockerfile')))
})

test('both nodes have the same flags, which serve knows, and differ in their port alone', () => {
  const [a, b] = NODES.map((name) => compose.services[name])
  assert.deepEqual({ ...a, ports: [] }, { ...b, ports: [] })
  assert.notDeepEqual(a?.ports, b?.ports)
  const [word, ...flags] = (a?.command ?? []).map((text) => text.replaceAll('/keys/', `${nodes}/`))
  assert.equal(word, 'serve')
  const config = checkConfig(resolveSettings({ flags, environment: {}, file: undefined }))
  assert.ok(config.store.kind === 'postgres' && config.store.address.ssl !== false)
  const { host, port, user } = config.store.address
  assert.deepEqual([host, port, user, config.store.address.database], ['primary', 5432, 'rescind', 'rescind'])
  assert.equal(readMasterKey(config.masterKeyFile).bytes.length, 32)
  const passwords = a?.environment?.['PGPASSFILE']?.replace('/keys/', `${nodes}/`) ?? ''
  assert.equal(
    passwordIn(readFileSync(passwords, 'utf8'), config.store.address),
    readFileSync(join(database, 'rescind.password'), 'utf8'),
  )
})

test('the keys are made once, for their owner alone, and the certificates are for the hosts that others ask', () => {
  const names = ['ca.crt', 'node.crt', 'node.key', 'pgpass', 'master.key']
  for (const name of names) assert.equal(statSync(keyOf(name)).mode & 0o077, 0, name)
  const authority = new X509Certificate(readFileSync(keyOf('ca.crt')))
  for (const [file, hosts] of [
    [keyOf('node.crt'), ['localhost', ...NODES]],
    [join(database, 'server.crt'), DATABASES],
  ] as const) {
    const certificate = new X509Certificate(readFileSync(file))
    assert.ok(certificate.verify(authority.publicKey), file)
    for (const host of hosts) assert.equal(certificate.checkHost(host), host)
  }
  const first = readFileSync(keyOf('master.key'), 'utf8')
  makeKeys()
  assert.equal(readFileSync(keyOf('master.key'), 'utf8'), first)
})

test('scripts of the database are right as a shell reads them, and name files that the keys are made as', () => {
  for (const name of ['make-keys.sh', 'first-start.sh', 'standby.sh']) {
    const { text } = read(`deploy/postgres/${name}`)
    execFileSync('sh', ['-n'], { input: text })
    for (const [, file = ''] of text.matchAll(/\/keys\/([\w.-]+)/g))
      assert.ok(existsSync(join(database, file)), `${name}: ${file}`)
  }
  const flags = compose.services['primary']?.command ?? []
  assert.deepEqual(flags, compose.services['standby']?.command)
  for (const [, file = ''] of flags.join(' ').matchAll(/\/keys\/([\w.-]+)/g))
    assert.ok(existsSync(join(database, file)), file)
})
