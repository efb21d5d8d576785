import { setTimeout as wait } from 'node:timers/promises'
import { Dice } from '../kit/dice.ts'
import { actOnce } from './acts.ts'
import { Cluster } from './cluster.ts'
import { History, type Token } from './history.ts'
import { checkLogins, checkLogs, checkTokens, untilReady } from './last-checks.ts'
import { Load } from './load.ts'
import { Unexpected } from './looks.ts'
import { Nemesis } from './nemesis.ts'

const CLIENTS = 8
/** A drill with so many violations ends: clients and faults do no more. */
const VIOLATIONS_MAX = 50
/** Requests that have no answer by then never get one. */
const ANSWERED_WITHIN_MS = 30_000

export type Drill = {
  readonly seed: number
  readonly events: number
  /** Mean pause between two faults. */
  readonly pauseMs: number
  readonly boundMs: number
  /** Flags of all nodes. */
  readonly flags: readonly string[]
  /** Tokens that are looked at in the end; a sample of them, if there are more. */
  readonly lookedAt: number
  readonly only?: readonly string[]
  /** The drill ends with so many violations. */
  readonly violationsMax?: number
  readonly onStrike?: (name: string, what: string) => void
}

export type DrillReport = {
  readonly events: number
  readonly faults: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  readonly tokens: number
  readonly rows: number
  readonly readyMs: number | undefined
  readonly violations: readonly string[]
}

/** Loads several nodes while faults strike, and checks everything that they have answered. */
export async function runDrill(drill: Drill): Promise<DrillReport> {
  const history = new History()
  const cluster = await Cluster.start({
    flags: drill.flags,
    ended: (node) => {
      history.violations.push(`${node.name} ended by itself: ${node.output.slice(-2_000)}`)
      void node.start()
    },
  })
  try {
    return await drilled(drill, cluster, history)
  } finally {
    await cluster.close()
  }
}

async function drilled(drill: Drill, cluster: Cluster, history: History): Promise<DrillReport> {
  const dice = new Dice(drill.seed)
  const load = new Load({ cluster, history, dice: new Dice(dice.below(2 ** 32)) })
  await load.logIn()
  const { pauseMs, boundMs, only = [], onStrike = () => {}, violationsMax = VIOLATIONS_MAX } = drill
  const isSpoiled = (): boolean => history.violations.length >= violationsMax
  const nemesis = new Nemesis(cluster, { dice, boundMs, pauseMs, only, onStrike })
  const working = startClients(load, isSpoiled)
  const struck = await nemesis.run(drill.events, isSpoiled)
  const readyMs = await untilReady(cluster)
  if (readyMs === undefined) history.violations.push('a node is not ready again')
  await working.stop()
  const tokens = sampleOf(history.tokens, drill.lookedAt, dice)
  await checkTokens(cluster, { history, tokens, admin: load.admin })
  await checkLogins({ cluster, load })
  // Nothing that a node knows may be known by it alone.
  for (const node of cluster.nodes) await node.kill()
  for (const node of cluster.nodes) await node.start()
  await checkTokens(cluster, { history, tokens, admin: load.admin })
  const { rows, violations } = await checkLogs(cluster)
  return {
    events: struck,
    faults: Object.fromEntries(nemesis.counts),
    counts: Object.fromEntries([...history.counts].sort()),
    ...{ tokens: history.tokens.length, rows, readyMs },
    violations: [...history.violations, ...violations],
  }
}

/** The youngest half of the sample is taken whole. */
function sampleOf(tokens: readonly Token[], max: number, dice: Dice): readonly Token[] {
  if (tokens.length <= max) return tokens
  const young = Math.floor(max / 2)
  const from = tokens.length - young
  return [...dice.sample(tokens.slice(0, from), max - young), ...tokens.slice(from)]
}

function startClients(load: Load, isSpoiled: () => boolean): { readonly stop: () => Promise<void> } {
  let isOver = false
  const client = async (): Promise<void> => {
    while (!isOver && !isSpoiled()) {
      try {
        await actOnce(load)
      } catch (error) {
        if (!(error instanceof Unexpected)) throw error
        load.history.violations.push(error.message)
      }
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client)).then(() => load.probed())
  return {
    stop: async () => {
      isOver = true
      const late = wait(ANSWERED_WITHIN_MS, 'late', { ref: false })
      if ((await Promise.race([clients, late])) === 'late')
        load.history.violations.push('some requests never got an answer')
    },
  }
}
