import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Connection } from '../../../stores/postgres/connection.ts'
import { CuttingProxy, type Pair } from '../../kit/cutting-proxy.ts'
import { type OwnPostgres, startOwnPostgres } from '../../kit/postgres-server.ts'
import { type Home, makeHome, type ServerProcess, startProcess } from '../../kit/server.ts'
import { Calls } from '../kit/calls.ts'
import { drillSeed } from './seed.ts'

const SKEWED_CLOCK = new URL('../../kit/skewed-clock.ts', import.meta.url).href
const NODES = 3
const START_WITHIN_MS = 30_000
const START_PAUSE_MS = 100
/** No rate stands in the way of the load; all nodes name one issuer. */
const FLAGS = [
  ...['--identity-rate', '0', '--chat-rate', '0', '--control-rate', '0', '--issue-rate', '0'],
  ...['--public-url', 'http://127.0.0.1:9'],
]

export type ClusterOptions = {
  /** How many; three, if it is left out. */
  readonly count?: number
  readonly flags: readonly string[]
  readonly ended: (node: DrillNode) => void
}

/** One server process, with a proxy of its own between it and the database. */
export class DrillNode {
  readonly name: string
  readonly proxy: CuttingProxy
  readonly #cluster: ClusterParts
  readonly #clockFile: string
  #server: ServerProcess | undefined
  #calls: Calls | undefined
  #listen = '127.0.0.1:0'
  #isWanted = false
  #isStopped = false

  constructor(name: string, proxy: CuttingProxy, cluster: ClusterParts) {
    this.name = name
    this.proxy = proxy
    this.#cluster = cluster
    this.#clockFile = join(cluster.home.folder, `${name}.clock`)
    this.skew(0)
  }

  /** The same connections and the same address for all its processes. @throws before the first start. */
  get calls(): Calls {
    if (this.#calls === undefined) throw new Error(`${this.name} was never started`)
    return this.#calls
  }

  get output(): string {
    return this.#server?.output() ?? ''
  }

  /** Whether its process runs, and is not stopped. */
  get isRunning(): boolean {
    return this.#isWanted && !this.#isStopped
  }

  /** As a supervisor does: again, until the database can be reached. */
  async start(): Promise<void> {
    const untilMs = performance.now() + START_WITHIN_MS
    for (;;) {
      try {
        return await this.#launch()
      } catch (error) {
        if (performance.now() > untilMs) throw error
        await wait(START_PAUSE_MS)
      }
    }
  }

  async #launch(): Promise<void> {
    const { home, flags, database } = this.#cluster
    this.#isWanted = true
    const server = await startProcess({
      home,
      seed: drillSeed(),
      store: `postgres://${database.user}@127.0.0.1:${this.proxy.port}/${database.database}`,
      flags: ['--listen', this.#listen, ...FLAGS, ...flags],
      environment: { SKEWED_CLOCK_FILE: this.#clockFile, NODE_OPTIONS: `--import=${SKEWED_CLOCK}` },
    })
    this.#server = server
    this.#listen = new URL(server.url).host
    this.#calls ??= new Calls(server.url)
    server.process.once('exit', () => {
      if (this.#isWanted && this.#server === server) this.#cluster.ended(this)
    })
  }

  async kill(): Promise<void> {
    this.#isWanted = false
    this.#isStopped = false
    await this.#server?.kill()
  }

  /** SIGSTOP, until `goOn`. */
  stop(): void {
    this.#isStopped = true
    this.#server?.process.kill('SIGSTOP')
  }

  goOn(): void {
    this.#isStopped = false
    this.#server?.process.kill('SIGCONT')
  }

  /** By how many milliseconds its wall clock is ahead. */
  skew(ms: number): void {
    writeFileSync(this.#clockFile, String(ms))
  }

  get pairs(): readonly Pair[] {
    return this.proxy.pairs.filter(({ isOver }) => !isOver)
  }

  async close(): Promise<void> {
    this.goOn()
    await this.kill()
    this.#calls?.close()
    await this.proxy.close()
  }
}

type ClusterParts = ClusterOptions & { readonly home: Home; readonly database: OwnPostgres['address'] }

export type Backend = { readonly pid: number; readonly port: number }

/** A PostgreSQL and the processes that share it. */
export class Cluster {
  readonly postgres: OwnPostgres
  readonly nodes: readonly DrillNode[]
  readonly #home: Home
  readonly #admin: { connection: Connection | undefined } = { connection: undefined }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const postgres = await startOwnPostgres({ isOnDisk: true })
    const home = makeHome()
    const parts = { ...options, home, database: postgres.address }
    const nodes: DrillNode[] = []
    for (let nth = 0; nth < (options.count ?? NODES); nth += 1) {
      const proxy = await CuttingProxy.open(postgres.address.host, postgres.address.port)
      nodes.push(new DrillNode(`node ${nth}`, proxy, parts))
    }
    const cluster = new Cluster(postgres, nodes, home)
    try {
      // The first one makes the store, the master key and the records of the seed.
      for (const node of nodes) await node.start()
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  private constructor(postgres: OwnPostgres, nodes: readonly DrillNode[], home: Home) {
    this.postgres = postgres
    this.nodes = nodes
    this.#home = home
  }

  /** Straight to the database. */
  async rows<Row>(sql: string, values: readonly (string | number)[] = []): Promise<readonly Row[]> {
    const known = this.#admin.connection
    const connection =
      known !== undefined && !known.isLost ? known : await Connection.open(this.postgres.address)
    this.#admin.connection = connection
    return connection.rows<Row>(sql, values)
  }

  /** The database's processes that serve this node. */
  async backendsOf(node: DrillNode): Promise<readonly Backend[]> {
    const ports = new Set(node.pairs.map(({ serverSidePort }) => serverSidePort))
    const rows = await this.rows<readonly [number, number]>(
      "SELECT pid, client_port FROM pg_stat_activity WHERE backend_type = 'client backend' AND client_port > 0",
    )
    return rows.flatMap(([pid, port]) => (ports.has(port) ? [{ pid, port }] : []))
  }

  async close(): Promise<void> {
    this.#admin.connection?.drop()
    for (const node of this.nodes) await node.close()
    await this.postgres.stop()
    this.#home.remove()
  }
}
