import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { append, applied, commit, REALM, write } from '../../stores/contract/samples.ts'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { freePort } from '../kit/postgres-server.ts'
import { POSTGRES_15, startPostgres15 } from './postgres-15.ts'

export const POOLER: readonly string[] = ['pgbouncer', POSTGRES_15]

/** It refuses to run as root. */
const NOBODY = 65_534

/** The whole contract of a store through PgBouncer in transaction mode, where each statement may get another session. */
export async function pooler(): Promise<string> {
  const server = await startPostgres15()
  const folder = mkdtempSync(join(tmpdir(), 'rescind-pooler-'))
  const port = await freePort()
  const bouncer = startPooler(folder, { from: port, to: server.address.port })
  const address = { ...server.address, port }
  try {
    await listening(bouncer, address)
    await contract(address)
    await twoStores(address)
    return 'the contract holds, and two stores see each other’s rows'
  } finally {
    const ended = once(bouncer, 'exit')
    if (bouncer.exitCode === null && bouncer.kill('SIGINT')) await ended
    rmSync(folder, { recursive: true })
    await server.stop()
  }
}

type Ports = { readonly from: number; readonly to: number }

function startPooler(folder: string, { from, to }: Ports): ChildProcess {
  const file = join(folder, 'pgbouncer.ini')
  const settings = {
    ...{ listen_addr: '127.0.0.1', listen_port: from, unix_socket_dir: '', auth_type: 'any' },
    // Fewer than the stores have connections of their own.
    ...{ pool_mode: 'transaction', default_pool_size: 8, max_client_conn: 200 },
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const target = `* = host=127.0.0.1 port=${to} user=rescind`
  writeFileSync(file, ['[databases]', target, '[pgbouncer]', ...lines, ''].join('\n'))
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if ('uid' in identity) for (const path of [folder, file]) chownSync(path, NOBODY, NOBODY)
  return spawn('/usr/sbin/pgbouncer', ['-q', file], { ...identity, cwd: folder, stdio: 'ignore' })
}

async function listening(bouncer: ChildProcess, address: PostgresAddress): Promise<void> {
  for (;;) {
    assert.equal(bouncer.exitCode, null, 'pgbouncer ended')
    try {
      ;(await Connection.open(address)).drop()
      return
    } catch {
      // It has not begun to listen.
    }
  }
}

async function contract({ host, port, user, database }: PostgresAddress): Promise<void> {
  const env = { ...process.env, RESCIND_TEST_POSTGRES_URL: `postgres://${user}@${host}:${port}/${database}` }
  const child = spawn(process.execPath, ['--test', 'stores/postgres/postgres.test.ts'], { env })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-5_000)
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  assert.equal(code, 0, said)
}

async function twoStores(address: PostgresAddress): Promise<void> {
  const [one, two] = [
    await openPostgres(address, { floorMs: 1_000 }),
    await openPostgres(address, { floorMs: 1_000 }),
  ]
  for (const [seq, writer, reader] of [
    [1, one, two],
    [2, two, one],
  ] as const) {
    const told = Promise.withResolvers<number | undefined>()
    const stop = reader.watch(REALM, seq - 1, async (watched) => {
      if (watched.kind === 'rows') told.resolve(watched.rows.at(-1)?.seq)
    })
    assert.deepEqual((await commit(writer, write(append()))).outcomes, [applied(seq)])
    assert.equal(await told.promise, seq)
    stop()
  }
  for (const store of [one, two]) await store.close()
}
