/**
 * `npm run bench:nodes`: nodes on one PostgreSQL. Introspection of cached tokens beside SQLite; how soon all nodes refuse what one
 * has written; what `everywhere` costs beside `durable`; three nodes beside one. All of it shares this machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../test/kit/postgres-server.ts'
import { makeHome } from '../../test/kit/server.ts'
import { type Response, runLoad } from '../load.ts'
import { accessTokenOf, expectActive, expectStatus } from '../protocol.ts'
import { startRescind } from '../rescind.ts'
import { seedText } from '../seed.ts'
import { median, percentile } from '../statistics.ts'
import { stopTarget, type Target } from '../target.ts'

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    revocations: { type: 'string', default: '500' },
  },
})
const REQUESTS = Number(flags.requests)
const REVOCATIONS = Number(flags.revocations)
const CONNECTIONS = 64
const ROUNDS = 5
const BLOCK = 20

const home = makeHome()
const seed = join(home.folder, 'seed.json')
writeFileSync(seed, seedText(), { mode: 0o600 })
const database = await startPostgres({ isOnDisk: true })
const { user, port, database: name } = database.address
const store = `postgres://${user}@127.0.0.1:${port}/${name}`

await besideSqlite()
const nodes = await Promise.all(['durable', 'everywhere', 'everywhere'].map(startNode))
await refusedEverywhere()
await acknowledged()
await threeBesideOne()
for (const node of nodes) await stopTarget(node)
await database.stop()
home.remove()

function startNode(acknowledge: string): Promise<Target> {
  const given = ['--acknowledge', acknowledge, '--public-url', 'http://127.0.0.1:9']
  return startRescind({ folder: home.folder, seed, store, flags: given, isPinned: false, name: acknowledge })
}

/** In turns, each server with its main thread on the same core. */
async function besideSqlite(): Promise<void> {
  const folder = join(home.folder, 'sqlite')
  mkdirSync(folder)
  const targets = [
    await startRescind({ folder, seed }),
    await startRescind({ folder: home.folder, seed, store }),
  ]
  const rates: number[][] = [[], []]
  for (let round = -1; round < ROUNDS; round += 1)
    for (const [at, target] of targets.entries()) {
      const rate = await introspections([target])
      if (round >= 0) rates[at]?.push(rate)
    }
  for (const target of targets) await stopTarget(target)
  const [sqlite = Number.NaN, postgres = Number.NaN] = rates.map(median)
  say(`introspection of cached tokens: SQLite ${rate(sqlite)}, PostgreSQL ${rate(postgres)}`)
  say(`  ratio ${(postgres / sqlite).toFixed(2)}, aim ≥ 0.9`)
}

/** From the answer of a node that waits for no other until the others refuse the token, which they have in their caches. */
async function refusedEverywhere(): Promise<void> {
  const [written, ...others] = nodes
  if (written === undefined) throw new Error('no node')
  const tookMs: number[] = []
  for (const token of await issue(written, REVOCATIONS)) {
    for (const other of others) await isActive(other, token)
    await revoke(written, token)
    const startMs = performance.now()
    await Promise.all(
      others.map(async (other) => {
        while (await isActive(other, token));
        tookMs.push(performance.now() - startMs)
      }),
    )
  }
  say(`commit on A, refused on B and C: ${latencies(tookMs)}, aim p50 ≤ 10 ms, p99 ≤ 100 ms`)
}

/** In turns by blocks: after an answer that waited for nobody the other nodes are still at work. */
async function acknowledged(): Promise<void> {
  const tookMs = new Map<string, number[]>()
  const tokens = await issue(nodes[0], 2 * REVOCATIONS)
  for (const [nth, token] of tokens.entries()) {
    const node = nodes[Math.floor(nth / BLOCK) % 2]
    if (node === undefined) throw new Error('no node')
    const startMs = performance.now()
    await revoke(node, token)
    tookMs.set(node.name, [...(tookMs.get(node.name) ?? []), performance.now() - startMs])
  }
  const [durable = [], everywhere = []] = ['durable', 'everywhere'].map((kind) => tookMs.get(kind))
  say(`revoke, acknowledged when durable: ${latencies(durable)}; everywhere: ${latencies(everywhere)}`)
  say(
    `  medians ${(median(everywhere) - median(durable)).toFixed(1)} ms apart, aim ≤ 5 ms on a quiet machine`,
  )
}

async function threeBesideOne(): Promise<void> {
  const [, one] = nodes
  if (one === undefined) throw new Error('no node')
  for (const [what, run] of [
    ['introspections', introspections],
    ['revocations', revocations],
  ] as const) {
    const alone = await run([one])
    const together = await run(nodes)
    say(`${what}: one node ${rate(alone)}, three ${rate(together)}, ratio ${(together / alone).toFixed(2)}`)
  }
}

/** Of live tokens that the nodes have met, at so many connections in all. */
async function introspections(targets: readonly Target[]): Promise<number> {
  const tokens = await issue(targets[0], REQUESTS / 10)
  const ask = (count: number): Promise<number> =>
    share(targets, count, {
      request: (target, n) => target.request('introspect', { token: tokens[n % tokens.length] ?? '' }),
      check: (target, response) => expectActive(target, response, true),
    })
  await ask(tokens.length * targets.length)
  return ask(REQUESTS)
}

async function revocations(targets: readonly Target[]): Promise<number> {
  const tokens = await issue(targets[0], REQUESTS / 10)
  return share(targets, tokens.length, {
    request: (target, n) => target.request('revoke', { token: tokens[n] ?? '' }),
    check: (_target, response) => expectStatus(response, 200),
  })
}

type Exchange = {
  readonly request: (target: Target, n: number) => Buffer
  readonly check: (target: Target, response: Response) => void
}

/** So many requests in all, dealt out to the targets. @returns requests a second. */
async function share(
  targets: readonly Target[],
  count: number,
  { request, check }: Exchange,
): Promise<number> {
  const each = Math.floor(count / targets.length)
  const startMs = performance.now()
  await Promise.all(
    targets.map((target, at) =>
      runLoad({
        ...{ port: target.port, connections: Math.ceil(CONNECTIONS / targets.length), count: each },
        request: (n) => request(target, at * each + n),
        check: (_n, response) => check(target, response),
      }),
    ),
  )
  return (each * targets.length * 1_000) / (performance.now() - startMs)
}

async function issue(target: Target | undefined, count: number): Promise<readonly string[]> {
  if (target === undefined) throw new Error('no node')
  const tokens: string[] = []
  await runLoad({
    ...{ port: target.port, connections: CONNECTIONS, count },
    request: () => target.request('issue', { token: '' }),
    check: (n, response) => {
      expectStatus(response, 200)
      tokens[n] = accessTokenOf(response)
    },
  })
  return tokens
}

async function isActive(target: Target, token: string): Promise<boolean> {
  return (await ask(target, 'introspect', token)).includes('"active":true')
}

async function revoke(target: Target, token: string): Promise<void> {
  await ask(target, 'revoke', token)
}

async function ask(target: Target, action: 'introspect' | 'revoke', token: string): Promise<string> {
  let body = ''
  await runLoad({
    ...{ port: target.port, connections: 1, count: 1 },
    request: () => target.request(action, { token }),
    check: (_n, response) => {
      expectStatus(response, 200)
      body = response.body
    },
  })
  return body
}

function latencies(tookMs: readonly number[]): string {
  const samples = Float64Array.from(tookMs)
  return `p50 ${percentile(samples, 0.5).toFixed(1)} ms, p99 ${percentile(samples, 0.99).toFixed(1)} ms`
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond)}/s`
}

function say(line: string): void {
  console.log(line)
}
