/**
 * `npm run bench`: this server beside a bare node:http server and npm oidc-provider, in turns in one run, so that
 * only ratios matter. `-- --quick` takes a minute; `-- --live N` sets how many live tokens the store holds; `-- --only 64`
 * measures at one number of connections and writes no report.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { aimsTable } from './aims.ts'
import { checkCost, checkCostTable } from './check-cost.ts'
import { appendsPerSecond } from './disk.ts'
import type { Case, Cell, Figure, Sample } from './figures.ts'
import { type Response, runLoad } from './load.ts'
import { pinGenerator } from './pin.ts'
import { preload } from './preload.ts'
import { accessTokenOf, expectActive, expectStatus, seedText } from './protocol.ts'
import { startRescind } from './rescind.ts'
import { startup, startupTable } from './startup.ts'
import { median, percentile } from './statistics.ts'
import { type Action, cpuSeconds, here, startTarget, stopTarget, type Target } from './target.ts'

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
const REVOKED = QUICK ? 100_000 : 1_000_000
const PINNED = pinGenerator()
  ? 'The generator has one core, the main thread of each server the other.'
  : 'Nothing is pinned.'

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
  const figures = cells.map(toFigure)
  const appends = appendsPerSecond(folder)
  say('starting with and without revocations …')
  const starts = await startup(folder, REVOKED)
  const compared = [starts[1], starts[2]].flatMap((one) => one ?? [])
  const costs = await checkCost(compared, { rounds: ROUNDS, count: COUNT[64] ?? 10_000 })
  const report = [
    heading(),
    aimsTable({ figures, appendsPerSecond: appends, starts, costs }),
    table(figures),
    `Bare write + fdatasync loop on the same disk: ${Math.round(appends)}/s.`,
    startupTable(starts),
    checkCostTable(costs),
  ].join('\n\n')
  say(`\n${report}`)
  if (!QUICK && flags.only === undefined)
    writeFileSync(here(`./results/${new Date().toISOString().slice(0, 10)}.md`), `${report}\n`)
}

async function start(data: string): Promise<readonly Target[]> {
  const seed = join(folder, 'seed.json')
  writeFileSync(seed, seedText(), { mode: 0o600 })
  const same = { issue: '/', introspect: '/', revoke: '/' }
  return [
    await startTarget({
      name: 'bare node:http',
      words: [here('./peers/bare.ts')],
      paths: same,
      hasTokens: false,
    }),
    await startRescind(data, ['--seed', seed]),
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
    expectStatus(response, 200)
    if (target.hasTokens) tokens[n] = accessTokenOf(response)
  })
  await run('introspect live', 'introspect', (_n, response) => expectActive(target, response, true))
  await run('revoke', 'revoke', (_n, response) => expectStatus(response, 200))
  await run('introspect revoked', 'introspect', (_n, response) => expectActive(target, response, false))
}

function record(cells: Cell[], of: Omit<Cell, 'samples'>, sample: Sample): void {
  const found = cells.find(
    (cell) => cell.target === of.target && cell.what === of.what && cell.connections === of.connections,
  )
  if (found === undefined) cells.push({ ...of, samples: [sample] })
  else found.samples.push(sample)
}

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
    `Only rescind's writes are durable (fsync before the answer). ${PINNED}`,
  ].join('\n')
}

function table(figures: readonly Figure[]): string {
  const lines = [
    '| what | connections | server | requests/s | p50 ms | p99 ms | CPU µs/request | ÷ bare | ÷ oidc-provider |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
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
