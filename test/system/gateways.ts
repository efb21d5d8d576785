import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SEED, SVC } from '../kit/seed.ts'
import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

/** A gateway of Debian's, configured by the files of the manual as they stand, but for its addresses. */
type Gateway = {
  readonly name: string
  /** Files under docs/gateways; the first one is what the command is given. */
  readonly files: readonly string[]
  readonly command: (file: string) => readonly string[]
}

const NGINX: Gateway = {
  name: 'nginx',
  files: ['nginx.conf'],
  command: (file) => ['/usr/sbin/nginx', '-c', file, '-g', 'daemon off; user root;'],
}
const HAPROXY: Gateway = {
  name: 'HAProxy',
  files: ['haproxy.cfg', 'haproxy-rescind.lua'],
  command: (file) => ['/usr/sbin/haproxy', '-db', '-f', file],
}
const CADDY: Gateway = {
  name: 'Caddy',
  files: ['Caddyfile'],
  command: (file) => ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', file],
}

const LIMITED = { clientId: 'limited', clientSecret: 'limited-secret-0123456789' }
const GRANTS = ['client_credentials']
const REALM = {
  name: 'default',
  checkProfiles: [{ name: 'orders', scopes: ['read'] }],
  oauthClients: [{ ...LIMITED, grantTypes: GRANTS, scopes: ['write'], introspect: 'own' }],
}
const seed = { realms: [...SEED.realms, REALM] }
const START_TIMEOUT_MS = 10_000

export const nginx = (): Promise<string> => throughGateway(NGINX)
export const haproxy = (): Promise<string> => throughGateway(HAPROXY)
export const caddy = (): Promise<string> => throughGateway(CADDY)

async function throughGateway(gateway: Gateway): Promise<string> {
  const home = makeHome()
  const server = await startProcess({ home, seed })
  const service = await startService()
  const port = await freePort()
  const child = startGateway(gateway, {
    folder: home.folder,
    ports: { 8000: port, 8080: Number(new URL(server.url).port), 9000: portOf(service) },
  })
  try {
    await reachable(port, child)
    return await drive(`http://127.0.0.1:${port}`, server)
  } finally {
    if (child.process.exitCode === null) {
      const ended = once(child.process, 'exit')
      child.process.kill('SIGKILL')
      await ended
    }
    service.closeAllConnections()
    service.close()
    await server.kill()
    home.remove()
  }
}

/** Refused without a token, let in with one, refused when it lacks a scope, refused at once when it was revoked. */
async function drive(base: string, server: ServerProcess): Promise<string> {
  const token = await issue(server.url, SVC)
  const call = (headers: Record<string, string>, init: RequestInit = {}): Promise<Response> =>
    fetch(`${base}/orders/p/other?scope=none`, { ...init, headers })
  const withToken = { authorization: `Bearer ${token}` }

  const without = await call({ 'x-auth-subject': 'root' })
  assert.equal(without.status, 401, await without.text())
  assert.match(without.headers.get('www-authenticate') ?? '', /^Bearer/)
  assert.equal((await call({ authorization: 'Bearer no-such-token' })).status, 401)
  const lacking = await issue(server.url, LIMITED)
  assert.equal((await call({ authorization: `Bearer ${lacking}` })).status, 403)

  const inside = await call({ ...withToken, 'x-auth-subject': 'root', 'x-auth-scope': 'admin' })
  assert.equal(inside.status, 200)
  const seen = (await inside.json()) as { headers: Record<string, string>; method: string; bytes: number }
  assert.notEqual(seen.headers['x-auth-subject'], 'root', 'what a caller says about itself got through')
  assert.equal(seen.headers['x-auth-scope'], 'read write')
  const posted = await call(withToken, { method: 'POST', body: 'x'.repeat(300_000) })
  assert.deepEqual(await posted.json().then(bodyOf), { method: 'POST', bytes: 300_000 })

  await revoke(server.url, token)
  const revokedAtMs = performance.now()
  let tries = 1
  while ((await call(withToken)).status !== 401) tries += 1
  const effectMs = Math.round(performance.now() - revokedAtMs)
  assert.equal(tries, 1, `it was let in ${tries - 1} times more`)

  await server.kill()
  const down = await call({ authorization: 'Bearer whatever' })
  assert.ok([502, 503].includes(down.status), `${down.status} while nobody can tell`)
  return `401, 403, 200, then 401 on the first request after the revocation (${effectMs} ms); ${down.status} when Rescind is gone`
}

function bodyOf(seen: unknown): unknown {
  const { method, bytes } = seen as { method: string; bytes: number }
  return { method, bytes }
}

async function issue(url: string, client: typeof SVC): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const answer = await fetch(`${url}/api/id/v1/auth/token`, { method: 'POST', body, headers: basic(client) })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function revoke(url: string, token: string): Promise<void> {
  const body = new URLSearchParams({ token })
  const path = `${url}/api/id/v1/auth/token/revoke`
  assert.equal((await fetch(path, { method: 'POST', body, headers: basic(SVC) })).status, 200)
}

function basic({ clientId, clientSecret }: typeof SVC): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}

/** The service behind the gateway: says what reached it. */
async function startService(): Promise<Server> {
  const service = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () =>
      response.end(JSON.stringify({ method: request.method, headers: request.headers, bytes })),
    )
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  return service
}

function portOf(server: { address: () => AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const probe = createTcp().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const port = portOf(probe)
  probe.close()
  await once(probe, 'close')
  return port
}

type Placed = { readonly folder: string; readonly ports: Readonly<Record<number, number>> }
type Started = { readonly process: ChildProcess; readonly output: () => string }

function startGateway({ files, command }: Gateway, { folder, ports }: Placed): Started {
  const run = join(folder, 'rescind-gateway')
  mkdirSync(run)
  for (const file of files) {
    const manual = fileURLToPath(new URL(`../../docs/gateways/${file}`, import.meta.url))
    const text = readFileSync(manual, 'utf8')
      .replaceAll('/tmp/rescind-gateway', run)
      .replaceAll(/127\.0\.0\.1:(\d+)/g, (_all, port: string) => `127.0.0.1:${ports[Number(port)] ?? port}`)
    writeFileSync(join(run, file), text)
  }
  const [program = '', ...words] = command(files[0] ?? '')
  const absolute = words.map((word) => (word === files[0] ? join(run, word) : word))
  const env = { PATH: '/usr/sbin:/usr/bin:/bin', HOME: run, XDG_CONFIG_HOME: run, XDG_DATA_HOME: run }
  const child = spawn(program, absolute, { cwd: run, stdio: ['ignore', 'pipe', 'pipe'], env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  return { process: child, output: () => output }
}

/** Until it accepts connections; each refused try waits for the next turn of the event loop only. */
async function reachable(port: number, { process: child, output }: Started): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the gateway ended: ${output()}`)
    if (performance.now() > deadline) throw new Error(`the gateway does not listen: ${output()}`)
    const socket = connect(port, '127.0.0.1')
    const up = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (up) return
  }
}
