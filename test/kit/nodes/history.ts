import { SimulatedNode } from './node.ts'
import { SharedStore, type Trip } from './shared-store.ts'
import { Machine, type Pause, VirtualTime } from './virtual-time.ts'

export type Scenario = {
  readonly boundMs: number
  readonly nodes: readonly {
    readonly startMs: number
    readonly rate: number
    readonly pauses: readonly Pause[]
    readonly foldsMs: readonly number[]
    readonly beats: readonly Trip[]
    readonly calls: readonly Trip[]
  }[]
  readonly acts: readonly Act[]
  readonly readsHeadsFirst?: boolean
}
export type Act = {
  readonly atMs: number
  readonly node: number
  readonly kind: 'revoke' | 'revoke-again' | 'judge'
  /** How long after an acknowledgement other clients send requests to all nodes. */
  readonly afterMs: number
}

/** What a run has shown. `accepted`: requests that a node judged without a row that was acknowledged before they were sent. */
export type Shown = {
  readonly accepted: readonly string[]
  readonly acknowledgedInMs: readonly number[]
  readonly answeredInMs: readonly number[]
  readonly refused: number
}

type Running = {
  readonly time: VirtualTime
  readonly nodes: readonly SimulatedNode[]
  readonly machines: readonly Machine[]
  readonly shown: { accepted: string[]; acknowledgedInMs: number[]; answeredInMs: number[]; refused: number }
  /** The highest row that was acknowledged so far. */
  acknowledged: number
}

/** Runs nodes, their store and their clients through a scenario. */
export async function runScenario(scenario: Scenario): Promise<Shown> {
  const time = new VirtualTime()
  const store = new SharedStore(time)
  const { boundMs, readsHeadsFirst = false } = scenario
  const machines = scenario.nodes.map((traits) => new Machine(time, traits))
  const nodes = scenario.nodes.map(
    ({ foldsMs, beats, calls }, nth) =>
      new SimulatedNode(store, machines[nth] as Machine, {
        ...{ name: `node-${nth}`, boundMs, foldsMs, beats, calls, readsHeadsFirst },
      }),
  )
  const shown = { accepted: [], acknowledgedInMs: [], answeredInMs: [], refused: 0 }
  const running: Running = { time, nodes, machines, shown, acknowledged: 0 }
  scenario.nodes.forEach(({ startMs }, nth) => {
    machines[nth]?.run(startMs, () => void nodes[nth]?.start())
  })
  for (const act of scenario.acts) time.at(act.atMs, () => carryOut(running, act))
  const lastMs = Math.max(...scenario.acts.map(({ atMs }) => atMs))
  await time.runUntil(lastMs + 20_000)
  return shown
}

function carryOut(running: Running, act: Act): void {
  if (act.kind === 'judge') sendRequest(running, act.node)
  else
    running.machines[act.node]?.run(running.time.nowMs, () => {
      void revoke(running, act)
    })
}

async function revoke(running: Running, { node: nth, kind, afterMs }: Act): Promise<void> {
  const node = running.nodes[nth]
  if (node?.hasStarted !== true) return
  const sinceMs = running.time.nowMs
  const seq = await (kind === 'revoke' ? node.revoke() : node.revokeAgain())
  if (seq === undefined) return
  running.shown.acknowledgedInMs.push(running.time.nowMs - sinceMs)
  running.acknowledged = Math.max(running.acknowledged, seq)
  // At once, and again later: a node that lags may accept any of these.
  for (const ms of [0, 1, afterMs])
    running.time.at(running.time.nowMs + ms, () => {
      running.nodes.forEach((_node, other) => {
        sendRequest(running, other)
      })
    })
}

/** The first byte leaves now, and arrives now or when the process goes on. */
function sendRequest(running: Running, nth: number): void {
  const { time, shown } = running
  const [sentMs, mustKnow] = [time.nowMs, running.acknowledged]
  running.machines[nth]?.run(sentMs, () => {
    const node = running.nodes[nth]
    if (node?.hasStarted !== true) return
    void node.judge().then((seq) => {
      if (seq === undefined) shown.refused += 1
      else shown.answeredInMs.push(time.nowMs - sentMs)
      if (seq !== undefined && seq < mustKnow)
        shown.accepted.push(
          `node-${nth} at ${time.nowMs} ms by row ${seq}, sent at ${sentMs} after ${mustKnow}`,
        )
    })
  })
}
