/**
 * `npm run bench`: this server beside a bare node:http server and npm oidc-provider, in turns in one run, so that
 * only ratios matter. `-- --quick` takes a minute; `-- --live N` sets how many live tokens the store holds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { disk } from './disk.ts'
import { type Response, runLoad } from './load.ts'
import { preload } from './preload.ts'
import { startup } from './startup.ts'
import { median, percentile } from './statistics.ts'
import { type Action, CLIENT, cpuSeconds, here, startTarget, stopTarget, type Target } from './target.ts'

type Case = 'issue' | 'introspect live' | 'introspect revoked' | 'revoke'
type Sample = {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly cpuUs: number
}
type Cell = {
  readonly target: string
  readonly what: Case
  readonly connections: number
  readonly samples: Sample[]
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    live: { type: 'string', default: '1000000' },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
})
const QUICK = flags.quick
const LIVE = QUICK ? Math.min(50_000, Number(flags.live)) : Number(flags.live)
const ROUNDS = Number(flags.rounds ?? (QUICK ? 3 : 5))
const CONNECTIONS = flags.only === undefined ? [1, 16, 64] : [Number(flags.only)]
/** Requests of one slice; what is issued in a slice is introspected and revoked in the next ones. */
const COUNT: Readonly<Record<number, number>> = QUICK
  ? { 1: 1_000, 16: 6_000, 64: 10_000 }
  : { 1: 2_000, 16: 12_000, 64: 30_000 }
const SLOW_SHARE = 0.3

const folder = mkdtempSync(join(tmpdir(), 'rescind-bench-'))
try {
  await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main(): Promise<void> {
  say(`filling a store with ${LIVE} live tokens …`)
  const data = join(folder, 'data')
  await preload({ folder: data, live: LIVE, revoked: 0 })
  const targets = await start(data)
  const cells: Cell[] = []
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const connections of CONNECTIONS) {
      for (const target of targets) await slices(target, connections, round < 0 ? [] : cells)
    }
    say(round < 0 ? 'warmed up' : `round ${round + 1} of ${ROUNDS}`)
  }
  for (const target of targets) await stopTarget(target)
  const report = [
    heading(),
    table(cells),
    await disk(folder, cells.map(toFigure)),
    await startup(folder, QUICK),
  ].join('\n\n')
  say(`\n${report}`)
  if (!QUICK) writeFileSync(here(`./results/${new Date().toISOString().slice(0, 10)}.md`), `${report}\n`)
}

async function start(data: string): Promise<readonly Target[]> {
  const seed = join(folder, 'seed.json')
  const client = { ...CLIENT, grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read', 'write'] }
  writeFileSync(seed, JSON.stringify({ realms: [{ name: 'default', oauthClients: [client] }] }), {
    mode: 0o600,
  })
  const serve = [
    '-C',
    'rescind-source',
    here('../cli/main.ts'),
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--seed',
    seed,
  ]
  const store = [
    '--store',
    `sqlite:${join(data, 'rescind.db')}`,
    '--master-key-file',
    join(data, 'master.key'),
  ]
  const base = '/api/id/v1/auth/token'
  const same = { issue: '/', introspect: '/', revoke: '/' }
  return [
    await startTarget({
      name: 'bare node:http',
      words: [here('./peers/bare.ts')],
      paths: same,
      hasTokens: false,
    }),
    await startTarget({
      name: 'rescind',
      words: [...serve, ...store],
      paths: { issue: base, introspect: `${base}/introspect`, revoke: `${base}/revoke` },
      hasTokens: true,
    }),
    await startTarget({
      name: 'oidc-provider',
      words: [here('./peers/oidc-provider.ts')],
      paths: { issue: '/token', introspect: '/token/introspection', revoke: '/token/revocation' },
      hasTokens: true,
    }),
  ]
}

/** Issue, introspect what was issued, revoke it, introspect it again: each a slice, each timed. */
async function slices(target: Target, connections: number, cells: Cell[]): Promise<void> {
  const share = target.name === 'oidc-provider' ? SLOW_SHARE : 1
  const count = Math.floor((COUNT[connections] ?? 1_000) * share)
  const tokens: string[] = []
  const run = async (
    what: Case,
    action: Action,
    check: (n: number, response: Response) => void,
  ): Promise<void> => {
    const before = cpuSeconds(target.process)
    const { port } = target
    const request = (n: number): Buffer => target.request(action, tokens[n] ?? 'none')
    const { seconds, latenciesUs } = await runLoad({ port, connections, count, request, check })
    const cpuUs = ((cpuSeconds(target.process) - before) * 1e6) / count
    const p50Us = percentile(latenciesUs, 0.5)
    record(
      cells,
      { target: target.name, what, connections },
      { perSecond: count / seconds, p50Us, p99Us: percentile(latenciesUs, 0.99), cpuUs },
    )
  }
  await run('issue', 'issue', (n, response) => {
    expect(response, 200)
    if (target.hasTokens) tokens[n] = accessTokenOf(response)
  })
  await run('introspect live', 'introspect', (_n, response) => expectActive(target, response, true))
  await run('revoke', 'revoke', (_n, response) => expect(response, 200))
  await run('introspect revoked', 'introspect', (_n, response) => expectActive(target, response, false))
}

function expect(response: Response, status: number): void {
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${response.body}`)
}

function expectActive(target: Target, response: Response, active: boolean): void {
  expect(response, 200)
  if (target.hasTokens && !response.body.includes(`"active":${active}`))
    throw new Error(`not ${active}: ${response.body}`)
}

function accessTokenOf({ body }: Response): string {
  const start = body.indexOf('"access_token":"') + '"access_token":"'.length
  return body.slice(start, body.indexOf('"', start))
}

function record(cells: Cell[], of: Omit<Cell, 'samples'>, sample: Sample): void {
  const found = cells.find(
    (cell) => cell.target === of.target && cell.what === of.what && cell.connections === of.connections,
  )
  if (found === undefined) cells.push({ ...of, samples: [sample] })
  else found.samples.push(sample)
}

export type Figure = Omit<Cell, 'samples'> & Sample

function toFigure({ samples, ...of }: Cell): Figure {
  const of_ = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  return {
    ...of,
    perSecond: of_((one) => one.perSecond),
    p50Us: of_((one) => one.p50Us),
    p99Us: of_((one) => one.p99Us),
    cpuUs: of_((one) => one.cpuUs),
  }
}

function heading(): string {
  const [cpu] = cpus()
  const day = new Date().toISOString().slice(0, 10)
  const machine = `${cpus().length} × ${cpu?.model ?? 'unknown'}, Node ${process.version}`
  return [
    `${day}, ${machine}; ${LIVE} live tokens in the store; medians of ${ROUNDS} rounds in turns.`,
    "Only rescind's writes are durable (fsync before the answer).",
  ].join('\n')
}

function table(cells: readonly Cell[]): string {
  const lines = [
    '| what | connections | server | requests/s | p50 ms | p99 ms | CPU µs/request | ÷ bare | ÷ oidc-provider |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
  const figures = cells.map(toFigure)
  const order: readonly Case[] = ['introspect live', 'introspect revoked', 'revoke', 'issue']
  for (const what of order) {
    for (const connections of CONNECTIONS) {
      const row = figures.filter((figure) => figure.what === what && figure.connections === connections)
      const of = (name: string): number => row.find(({ target }) => target === name)?.perSecond ?? Number.NaN
      for (const one of row) {
        const ratios = [one.perSecond / of('bare node:http'), one.perSecond / of('oidc-provider')]
        const cellsOfRow = [
          what,
          connections,
          one.target,
          Math.round(one.perSecond),
          (one.p50Us / 1_000).toFixed(2),
          (one.p99Us / 1_000).toFixed(2),
          Math.round(one.cpuUs),
          ...ratios.map((ratio) => ratio.toFixed(2)),
        ]
        lines.push(`| ${cellsOfRow.join(' | ')} |`)
      }
    }
  }
  return lines.join('\n')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
