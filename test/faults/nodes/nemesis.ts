import { setTimeout as wait } from 'node:timers/promises'
import { Dice } from '../kit/dice.ts'
import type { Cluster, DrillNode } from './cluster.ts'

/** Faults that last longer than the clients of three nodes can bear would leave nothing to check. */
const AT_ONCE_MAX = 3
const CUT_BYTES_MAX = 3_000
const LATE_MS_MAX = 2_500
const BACKEND_STOP_MS_MAX = 2_500
const PARTITION_MS_MAX = 3_000
/** A node is stopped for up to so many of its bounds. */
const STOP_BOUNDS_MAX = 4
const DOWN_MS_MAX = 1_500
const SKEW_MS_MAX = 300_000

type Strike = (parts: Struck) => Promise<string>
type Struck = {
  readonly cluster: Cluster
  readonly node: DrillNode
  readonly dice: Dice
  readonly boundMs: number
}

/** Each kind of fault with its weight. */
const STRIKES: readonly (readonly [name: string, weight: number, strike: Strike])[] = [
  ['kill', 3, kill],
  ['stop', 5, stop],
  ['stop backends', 3, stopBackends],
  ['terminate backends', 2, terminateBackends],
  ['cut after bytes', 6, cutAfterBytes],
  ['cut all', 2, cutAll],
  ['late delivery', 6, lateDelivery],
  ['stall', 4, stall],
  ['partition', 2, partition],
  ['cut LISTEN', 2, cutListen],
  ['skew', 3, skew],
  ['crash PostgreSQL', 1, crashPostgres],
]

export type NemesisOptions = {
  readonly dice: Dice
  readonly boundMs: number
  readonly pauseMs: number
  /** Only these kinds; all if it is empty. */
  readonly only: readonly string[]
  readonly onStrike: (name: string, what: string) => void
}

/** Draws one fault after the other. Some last while others come. */
export class Nemesis {
  readonly #cluster: Cluster
  readonly #options: NemesisOptions
  readonly #lasting: Set<Promise<void>> = new Set()
  readonly #struck: Set<DrillNode> = new Set()
  readonly counts: Map<string, number> = new Map()

  constructor(cluster: Cluster, options: NemesisOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** @returns how many faults struck, once they are over. */
  async run(events: number, isSpoiled: () => boolean): Promise<number> {
    const { dice, pauseMs } = this.#options
    let struck = 0
    while (struck < events && !isSpoiled()) {
      await wait(dice.below(2 * pauseMs))
      while (this.#lasting.size >= AT_ONCE_MAX) await Promise.race(this.#lasting)
      this.#strike()
      struck += 1
    }
    await Promise.all(this.#lasting)
    return struck
  }

  #strike(): void {
    const { dice, boundMs, onStrike } = this.#options
    const [name, , strike] = this.#draw()
    const free = this.#cluster.nodes.filter((node) => !this.#struck.has(node))
    const node = free[dice.below(free.length)]
    // Each draw of a fault has its own dice, because faults go on beside each other.
    const own = new Dice(dice.below(2 ** 32))
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    if (node === undefined) throw new Error('fewer faults at once than nodes')
    this.#struck.add(node)
    const over = (what: string): void => {
      onStrike(name, `${node.name}: ${what}`)
      this.#struck.delete(node)
      this.#lasting.delete(lasting)
    }
    const lasting = strike({ cluster: this.#cluster, node, dice: own, boundMs }).then(
      over,
      (error: unknown) => over(`failed: ${String(error)}`),
    )
    this.#lasting.add(lasting)
  }

  #draw(): (typeof STRIKES)[number] {
    const { dice, only } = this.#options
    const drawn = STRIKES.filter(([name]) => only.length === 0 || only.includes(name))
    let left = dice.below(drawn.reduce((sum, [, weight]) => sum + weight, 0))
    for (const one of drawn) {
      left -= one[1]
      if (left < 0) return one
    }
    throw new Error('no fault to draw')
  }
}

async function kill({ node, dice }: Struck): Promise<string> {
  await node.kill()
  const ms = dice.below(DOWN_MS_MAX)
  await wait(ms)
  await node.start()
  return `down for ${ms} ms`
}

async function stop({ node, dice, boundMs }: Struck): Promise<string> {
  const ms = dice.below(STOP_BOUNDS_MAX * boundMs)
  node.stop()
  await wait(ms)
  node.goOn()
  return `${ms} ms`
}

async function stopBackends({ cluster, node, dice }: Struck): Promise<string> {
  const all = await cluster.backendsOf(node)
  const stopped = dice.below(2) === 0 ? all : dice.sample(all, 1)
  for (const { pid } of stopped) signal(pid, 'SIGSTOP')
  const ms = dice.below(BACKEND_STOP_MS_MAX)
  await wait(ms)
  for (const { pid } of stopped) signal(pid, 'SIGCONT')
  return `${stopped.length} for ${ms} ms`
}

/** The process may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function terminateBackends({ cluster, node, dice }: Struck): Promise<string> {
  const all = await cluster.backendsOf(node)
  const ended = dice.below(2) === 0 ? all : dice.sample(all, 1)
  for (const { pid } of ended) await cluster.rows('SELECT pg_terminate_backend($1)', [pid])
  return `${ended.length}`
}

async function cutAfterBytes({ node, dice }: Struck): Promise<string> {
  const from = dice.below(2) === 0 ? 'client' : 'server'
  const bytes = dice.below(CUT_BYTES_MAX)
  const pairs = dice.sample(node.pairs, 1 + dice.below(3))
  for (const pair of pairs) pair.cutAfter(from, bytes)
  return `${pairs.length} after ${bytes} bytes from the ${from}`
}

async function cutAll({ node }: Struck): Promise<string> {
  const { pairs } = node
  for (const pair of pairs) pair.cut()
  return `${pairs.length}`
}

/** What the node has sent reaches the database after the node has tried again on another connection. */
async function lateDelivery({ node, dice }: Struck): Promise<string> {
  const pairs = dice.sample(node.pairs, 1 + dice.below(4))
  for (const pair of pairs) pair.holdBack()
  await wait(dice.below(500))
  for (const pair of pairs) pair.loseClient()
  await wait(dice.below(LATE_MS_MAX))
  const bytes = pairs.reduce((sum, pair) => sum + pair.heldBytes, 0)
  for (const pair of pairs) pair.release()
  return `${bytes} bytes of ${pairs.length}`
}

async function stall({ node, dice }: Struck): Promise<string> {
  const pairs = dice.below(2) === 0 ? node.pairs : dice.sample(node.pairs, 1)
  for (const pair of pairs) pair.stall()
  const ms = dice.below(PARTITION_MS_MAX)
  await wait(ms)
  for (const pair of pairs) pair.resume()
  return `${pairs.length} for ${ms} ms`
}

/** The node reaches no database at all for a while. */
async function partition({ node, dice }: Struck): Promise<string> {
  node.proxy.fate = () => ({ kind: 'cut', from: 'client', afterBytes: 0 })
  for (const pair of node.pairs) pair.cut()
  const ms = dice.below(PARTITION_MS_MAX)
  await wait(ms)
  node.proxy.fate = () => ({ kind: 'pass' })
  return `${ms} ms`
}

async function cutListen({ node }: Struck): Promise<string> {
  const pairs = node.pairs.filter(({ listens }) => listens)
  for (const pair of pairs) pair.cut()
  return `${pairs.length}`
}

async function skew({ node, dice }: Struck): Promise<string> {
  const ms = dice.below(2 * SKEW_MS_MAX) - SKEW_MS_MAX
  node.skew(ms)
  return `${ms} ms`
}

async function crashPostgres({ cluster }: Struck): Promise<string> {
  await cluster.postgres.crash()
  return 'immediately'
}
