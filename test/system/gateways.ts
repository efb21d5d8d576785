import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeHome, startProcess } from '../kit/server.ts'
import { DRIVE_SEED, drive } from './gateway-drive.ts'
import { portOf, startService } from './gateway-service.ts'

/** A gateway from Debian, configured by the manual's own files; only the addresses are replaced. */
type Gateway = {
  readonly name: string
  /** Files under docs/gateways; the first one is passed to the command. */
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
const APACHE: Gateway = {
  name: 'Apache',
  files: ['apache.conf', 'apache-rescind.lua'],
  command: (file) => ['/usr/sbin/apache2', '-d', '.', '-f', file, '-D', 'FOREGROUND'],
}
const CADDY: Gateway = {
  name: 'Caddy',
  files: ['Caddyfile'],
  command: (file) => ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', file],
}

export const GATEWAYS: readonly Gateway[] = [NGINX, HAPROXY, APACHE, CADDY]

const START_TIMEOUT_MS = 60_000

export const nginx = (): Promise<string> => throughGateway(NGINX)
export const haproxy = (): Promise<string> => throughGateway(HAPROXY)
export const apache = (): Promise<string> => throughGateway(APACHE)
export const caddy = (): Promise<string> => throughGateway(CADDY)

async function throughGateway(gateway: Gateway): Promise<string> {
  const home = makeHome()
  const files = makeHome()
  // Apache reads some of them as www-data.
  chmodSync(files.folder, 0o755)
  const server = await startProcess({ home, seed: DRIVE_SEED })
  const service = await startService()
  const port = await freePort()
  const child = startGateway(gateway, {
    folder: files.folder,
    ports: { 8000: port, 8080: Number(new URL(server.url).port), 9000: portOf(service) },
  })
  try {
    await reachable(port, child)
    return await drive({ port, server })
  } finally {
    if (child.process.exitCode === null) {
      const ended = once(child.process, 'exit')
      // Its workers end with it only on SIGTERM.
      child.process.kill('SIGTERM')
      await ended
    }
    service.closeAllConnections()
    service.close()
    await server.kill()
    files.remove()
    home.remove()
  }
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
  for (const file of files) {
    const manual = fileURLToPath(new URL(`../../docs/gateways/${file}`, import.meta.url))
    const text = readFileSync(manual, 'utf8')
      .replaceAll('/tmp', folder)
      .replaceAll(/127\.0\.0\.1:(\d+)/g, (_all, port: string) => `127.0.0.1:${ports[Number(port)] ?? port}`)
    writeFileSync(join(folder, file), text)
  }
  const [program = '', ...words] = command(files[0] ?? '')
  const absolute = words.map((word) => (word === files[0] ? join(folder, word) : word))
  const env = {
    PATH: '/usr/sbin:/usr/bin:/bin',
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
  }
  const child = spawn(program, absolute, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  return { process: child, output: () => output }
}

/** Waits until it accepts connections; after a refusal it tries again in the next turn of the event loop. */
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
