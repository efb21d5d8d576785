import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresAddress } from '../../stores/postgres/connection.ts'
import { freePort, initdb, NOBODY, postgresBinaries, started, USER } from './postgres-server.ts'

/** The data of a PostgreSQL server, which runs or not, and of which there can be copies. */
export class PostgresData {
  readonly address: PostgresAddress
  readonly #folder: string
  #server: ChildProcess | undefined

  static async make(): Promise<PostgresData> {
    const made = new PostgresData(await freePort())
    const [program, ...words] = initdb(made.#data)
    const done = spawnSync(join(postgresBinaries(), program), words, { ...made.#identity, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`initdb failed: ${done.error?.message ?? done.stderr}`)
    return made
  }

  private constructor(port: number) {
    this.address = { host: '127.0.0.1', port, user: USER, database: 'postgres', ssl: false }
    this.#folder = mkdtempSync(join(tmpdir(), 'rescind-postgres-'))
    if (process.getuid?.() === 0) chownSync(this.#folder, NOBODY, NOBODY)
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  get #identity(): { readonly cwd: string; readonly uid?: number; readonly gid?: number } {
    const cwd = this.#folder
    return process.getuid?.() === 0 ? { cwd, uid: NOBODY, gid: NOBODY } : { cwd }
  }

  /** For another server at the same address; this one must be halted. A standby follows nobody until it is promoted. */
  copy({ isStandby }: { readonly isStandby: boolean }): PostgresData {
    const copy = new PostgresData(this.address.port)
    const copied = spawnSync('cp', ['-a', this.#data, copy.#folder], { encoding: 'utf8' })
    if (copied.status !== 0) throw new Error(`the data cannot be copied: ${copied.stderr}`)
    if (isStandby) writeFileSync(join(copy.#data, 'standby.signal'), '')
    return copy
  }

  async start(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'log_min_messages=warning']
    const words = ['-D', this.#data, '-p', String(this.address.port)]
    for (const one of settings) words.push('-c', one)
    const server = spawn(join(postgresBinaries(), 'postgres'), words, {
      ...this.#identity,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#server = server
    await started(server)
    // A file of tests that has nothing left to do ends, and the server with it.
    server.unref()
    if (server.stderr instanceof Socket) server.stderr.unref()
  }

  /** Ends it without waiting for clients. */
  async halt(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    server.ref()
    const ended = once(server, 'exit')
    if (server.exitCode === null && server.signalCode === null && server.kill('SIGINT')) await ended
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
