/**
 * `npm run bench`: measures this server, a bare node:http server and npm oidc-provider in turns in one run, so that
 * only ratios matter. `-- --quick` takes a few minutes; `-- --live N` sets how many live tokens the store holds; `--
 * --before PATH` also measures the server of an older tree; `-- --only 64` measures at one number of connections, skips
 * the parts that start servers, and writes no report.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installPackages } from '../test/kit/own-packages.ts'
import { aimsTable, type Findings } from './aims.ts'
import { checkCost, checkCostTable } from './check-cost.ts'
import { appendsPerSecond } from './disk.ts'
import { BARE, BEFORE, type Cell, figuresTable, OURS, PEER, toFigure } from './figures.ts'
import { pinGenerator } from './pin.ts'
import { NO_TOKENS, type PreparedTokens, prepareTokens } from './prepared-tokens.ts'
import { fillStore, startRescind, THIS_TREE } from './rescind.ts'
import { runSlices } from './rows.ts'
import { seedText } from './seed.ts'
import { startup, startupTable } from './startup.ts'
import { here, startTarget, stopTarget, type Target } from './target.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    live: { type: 'string', default: '1000000' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    before: { type: 'string' },
  },
})
const QUICK = flags.quick
const LIVE = QUICK ? Math.min(50_000, Number(flags.live)) : Number(flags.live)
const ROUNDS = Number(flags.rounds ?? (QUICK ? 3 : 5))
const CONNECTIONS = flags.only === undefined ? [1, 16, 64] : [Number(flags.only)]
/** Requests of one slice. Tokens that one slice issues are introspected and revoked in the next ones. */
const COUNT: Readonly<Record<number, number>> = QUICK
  ? { 1: 1_000, 16: 6_000, 64: 10_000 }
  : { 1: 2_000, 16: 12_000, 64: 30_000 }
const SLOW_SHARE = 0.3
/**
 * Rounds that are not counted. A server has many more functions than the bare one, and all of them must be compiled: in
 * the first 50,000 requests a path costs up to twice of what it costs later.
 */
const WARM_UP_ROUNDS = QUICK ? 4 : 2
const REVOKED = QUICK ? 100_000 : 1_000_000
const PINNED = pinGenerator()
  ? 'The generator has one core, the main thread of each server the other.'
  : 'Nothing is pinned.'

type Starts = Pick<Findings, 'starts' | 'costs'>
type Contender = { readonly target: Target; readonly prepared: PreparedTokens }

const folder = mkdtempSync(join(tmpdir(), 'rescind-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
await main()

async function main(): Promise<void> {
  installPackages('bench')
  const contenders = await start()
  const cells: Cell[] = []
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    for (const connections of CONNECTIONS) {
      for (const contender of contenders) {
        const share = contender.target.name === PEER ? SLOW_SHARE : 1
        const count = Math.floor((COUNT[connections] ?? 1_000) * share)
        await runSlices({ ...contender, connections, count }, round < 0 ? [] : cells)
      }
    }
    say(round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`)
  }
  for (const { target } of contenders) await stopTarget(target)
  const figures = cells.map(toFigure)
  const appends = appendsPerSecond(folder)
  const found: Starts = flags.only === undefined ? await measureStarts() : {}
  const report = [
    heading(),
    aimsTable({ figures, appendsPerSecond: appends, ...found }),
    figuresTable(figures),
    `Bare write + fdatasync loop on the same disk: ${Math.round(appends)}/s.`,
    ...(found.starts === undefined ? [] : [startupTable(found.starts)]),
    ...(found.costs === undefined ? [] : [checkCostTable(found.costs)]),
  ].join('\n\n')
  say(`\n${report}`)
  if (!QUICK && flags.only === undefined)
    writeFileSync(here(`./results/${new Date().toISOString().slice(0, 10)}.md`), `${report}\n`)
}

async function measureStarts(): Promise<Starts> {
  say('starting with and without revocations …')
  const starts = await startup(folder, REVOKED)
  const compared = [starts[1], starts[2]].flatMap((one) => one ?? [])
  return { starts, costs: await checkCost(compared, { rounds: ROUNDS, count: COUNT[64] ?? 10_000 }) }
}

async function start(): Promise<readonly Contender[]> {
  const bare = await startTarget({
    name: BARE,
    words: [here('./peers/bare.ts')],
    paths: { issue: '/', introspect: '/', revoke: '/', check: '/', validate: '/', me: '/' },
    hasTokens: false,
  })
  const ours = await startOurs(OURS, THIS_TREE)
  const before = flags.before === undefined ? [] : [await startOurs(BEFORE, resolve(flags.before))]
  const peer = await startTarget({
    name: PEER,
    words: [here('./peers/oidc-provider.ts')],
    paths: { issue: '/token', introspect: '/token/introspection', revoke: '/token/revocation' },
    hasTokens: true,
  })
  const without = (target: Target): Contender => ({ target, prepared: NO_TOKENS })
  return [without(bare), ours, ...before, without(peer)]
}

/** A server of this tree or another one, over a store that the tree's own code has filled. */
async function startOurs(name: string, tree: string): Promise<Contender> {
  say(`filling a store with ${LIVE} live tokens …`)
  const data = join(folder, tree === THIS_TREE ? 'data' : 'data-before')
  const seed = join(folder, 'seed.json')
  writeFileSync(seed, seedText(), { mode: 0o600 })
  fillStore(tree, { folder: data, live: LIVE, revoked: 0 })
  const target = await startRescind({ folder: data, seed, tree, name })
  return { target, prepared: await prepareTokens(target.port) }
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

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
