import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { checkConfig, MODULES, resolveSettings, settingsOf, startServer } from '@rescind/server'
import type { PostgresAddress } from '../../stores/postgres/connection.ts'
import { CHEAP_PASSWORDS, SEED } from './seed.ts'
import { CONTROL_KEY, type Home } from './server.ts'

export type NodeServer = {
  readonly url: string
  readonly port: number
  /** One round of its upkeep. */
  readonly round: () => Promise<void>
  readonly close: () => Promise<void>
}

/** One of several servers in this process on one PostgreSQL; they may share a home. */
export async function openNodeServer(
  address: PostgresAddress,
  home: Home,
  flags: readonly string[] = [],
): Promise<NodeServer> {
  const { user, port, database } = address
  const store = `postgres://${user}@127.0.0.1:${port}/${database}`
  const seedFile = join(home.folder, 'seed.json')
  writeFileSync(seedFile, JSON.stringify(SEED), { mode: 0o600 })
  const values = resolveSettings(
    {
      flags: [
        ...['--listen', '127.0.0.1:0', '--store', store, '--log-level', 'silent', '--seed', seedFile],
        ...[
          '--master-key-file',
          join(home.folder, 'data', 'master.key'),
          '--public-url',
          'http://127.0.0.1:9',
        ],
        ...flags,
      ],
      environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
      file: undefined,
    },
    settingsOf(MODULES),
  )
  const { url, close, maintenance } = await startServer(checkConfig(values), {
    passwordCost: CHEAP_PASSWORDS,
  })
  return { url, port: Number(new URL(url).port), round: maintenance.tick, close }
}

/** What a load balancer does for one verifier: it sends new connections to one node, and cuts those to another. */
export class Balancer {
  readonly #server = createServer((from) => this.#forward(from))
  readonly #sockets: Set<Socket> = new Set()
  #port: number

  private constructor(port: number) {
    this.#port = port
  }

  static async open(port: number): Promise<Balancer> {
    const made = new Balancer(port)
    await new Promise<void>((resolve) => {
      made.#server.listen(0, '127.0.0.1', resolve)
    })
    return made
  }

  get port(): number {
    const at = this.#server.address()
    return typeof at === 'object' && at !== null ? at.port : 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** From now on to the node at this port; undefined: to none. */
  to(port: number | undefined): void {
    this.#port = port ?? 0
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.#server.close()
    this.to(undefined)
  }

  #forward(from: Socket): void {
    if (this.#port === 0) {
      from.destroy()
      return
    }
    const to = connect(this.#port, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.once('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
}
