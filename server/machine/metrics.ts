import type { Differences, Nodes, Realms } from '@rescind/authority'
import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client'
import { showBuckets } from './bucket-metric.ts'
import type { Buckets } from './buckets.ts'
import type { FlushBuckets } from './flush-times.ts'
import { METRICS, type MetricName } from './metric-table.ts'
import type { RequestTimes } from './request-times.ts'
import { TROUBLE_CODES, type Trouble } from './troubles.ts'

export type Metrics = {
  /**
   * Counts an answer. A route is a template: no id ever becomes a label. `beganMs`: when its request was read; undefined for one
   * that was refused before it was routed.
   */
  readonly answered: (route: string, status: number, beganMs: number | undefined) => void
  /** Counts a refused credential or right. */
  readonly denied: (route: string, status: number) => void
  /** Notes by how much the event loop was late, in milliseconds. */
  readonly late: (ms: number) => void
  /** Sets the source of the server's own state, once that exists. */
  readonly watch: (state: WatchedState) => void
  readonly text: () => Promise<string>
  readonly contentType: string
}

export type MetricsParts = {
  readonly realms: Realms
  /** Settings that can reduce safety, and whether they do. */
  readonly insecure: readonly { readonly setting: string; readonly isOn: boolean }[]
  readonly times: RequestTimes
  readonly flushes: FlushBuckets
  /** Milliseconds between the commit of a row and its acknowledgement. */
  readonly propagation: Buckets
  /** Log lines that were dropped since the start. */
  readonly linesDropped: () => number
}

export type WatchedState = {
  readonly troubles: () => readonly Trouble[]
  readonly clockDriftMs: () => number
  readonly doesUpkeep: () => boolean
  readonly feed: () => FeedCounts
  readonly open: () => Promise<OpenCounts>
  readonly indexes: {
    readonly differences: Differences
    readonly removedEarly: number
    readonly done: number
  }
}

export type FeedCounts = {
  readonly subscribers: number
  readonly applied: number
  readonly behind: number
  readonly lapsed: number
}

/** What waits for a person, in all realms. */
export type OpenCounts = { readonly holds: number; readonly approvals: number }

/** Prometheus metrics. Hot paths count into a plain map; the registry reads it when it is scraped. */
export function createMetrics(parts: MetricsParts): Metrics {
  const { realms, insecure, linesDropped, times } = parts
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  showAnswers(registry, times)
  const denials = tally(registry, 'rescind_denials_total')
  showTimes(registry, parts)
  watchRealms(registry, realms)
  watchLog(registry, linesDropped)
  const lateness = new Histogram({
    ...described('rescind_event_loop_delay_seconds', registry),
    buckets: [...DELAY_BUCKETS],
  })
  showSettings(registry, insecure)
  return {
    answered: (route, status, beganMs) => times.answered(route, status, beganMs),
    denied: denials,
    late: (ms) => lateness.observe(ms / 1_000),
    watch: (state) => watchState(registry, state),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function showAnswers(registry: Registry, times: RequestTimes): void {
  new Counter({
    ...described('rescind_answers_total', registry),
    collect() {
      this.reset()
      for (const [route, { statuses }] of times.routes)
        for (const [status, count] of statuses) this.inc({ route, status: String(status) }, count)
    },
  })
  showBuckets(registry, 'rescind_answer_seconds', {
    divisor: 1_000,
    read: function* () {
      for (const [route, { times: buckets }] of times.routes) yield [{ route }, buckets]
    },
  })
}

function showTimes(registry: Registry, { flushes, propagation }: MetricsParts): void {
  showBuckets(registry, 'rescind_commit_seconds', { divisor: 1_000, read: () => [[{}, flushes.commits]] })
  showBuckets(registry, 'rescind_fsync_seconds', { divisor: 1_000, read: () => [[{}, flushes.syncs]] })
  showBuckets(registry, 'rescind_group_writes', { divisor: 1, read: () => [[{}, flushes.writes]] })
  showBuckets(registry, 'rescind_propagation_seconds', { divisor: 1_000, read: () => [[{}, propagation]] })
}

/** How a verifier stands to the end of the log. */
const STATES = ['applied', 'behind', 'lapsed'] as const

function watchPeople(registry: Registry, { feed, open }: WatchedState): void {
  new Gauge({
    ...described('rescind_feed_subscribers', registry),
    collect() {
      this.set(feed().subscribers)
    },
  })
  new Gauge({
    ...described('rescind_verifier_instances', registry),
    collect() {
      const counts = feed()
      for (const state of STATES) this.set({ state }, counts[state])
    },
  })
  const waiting = (name: MetricName, which: keyof OpenCounts): void => {
    new Gauge({
      ...described(name, registry),
      async collect() {
        this.set((await open())[which])
      },
    })
  }
  waiting('rescind_holds_open', 'holds')
  waiting('rescind_approvals_open', 'approvals')
}

function showSettings(registry: Registry, insecure: MetricsParts['insecure']): void {
  const settings = new Gauge(described('rescind_insecure_settings', registry))
  for (const { setting, isOn } of insecure) settings.set({ setting }, isOn ? 1 : 0)
}

function watchLog(registry: Registry, linesDropped: MetricsParts['linesDropped']): void {
  new Counter({
    ...described('rescind_log_lines_dropped_total', registry),
    collect() {
      this.reset()
      this.inc(linesDropped())
    },
  })
}

function watchRealms(registry: Registry, realms: Realms): void {
  new Gauge({
    ...described('rescind_units_waiting', registry),
    collect() {
      this.set(realms.ledger.waiting)
    },
  })
  new Gauge({
    ...described('rescind_index_entries', registry),
    collect() {
      this.set(realms.all().reduce((total, { index }) => total + index.ended.size, 0))
    },
  })
  new Gauge({
    ...described('rescind_index_bytes', registry),
    collect() {
      this.set(realms.all().reduce((total, { index }) => total + index.ended.bytes, 0))
    },
  })
  new Gauge({
    ...described('rescind_rules_kept_for_good', registry),
    collect() {
      const totals = new Map<string, number>()
      for (const { index } of realms.all()) {
        for (const [names, count] of Object.entries(index.keptForGood))
          totals.set(names, (totals.get(names) ?? 0) + count)
      }
      for (const [names, count] of totals) this.set({ names }, count)
    },
  })
  new Gauge({
    ...described('rescind_store_broken', registry),
    collect() {
      this.set(realms.ledger.broken ? 1 : 0)
    },
  })
  watchNodes(registry, realms.nodes)
  new Gauge({
    ...described('rescind_logs_rolled_back', registry),
    collect() {
      this.set(realms.all().filter(({ ordinal }) => realms.ledger.isSuspended(ordinal)).length)
    },
  })
}

/** A store that is not shared has one node, which knows everything. */
function watchNodes(registry: Registry, nodes: Nodes | undefined): void {
  const show = (name: MetricName, read: () => number): void => {
    new Gauge({
      ...described(name, registry),
      collect() {
        this.set(read())
      },
    })
  }
  show('rescind_nodes', () => nodes?.known ?? 1)
  show('rescind_node_lag_seconds', () => (nodes?.lagMs ?? 0) / 1_000)
  show('rescind_heartbeat_age_seconds', () => (nodes?.silentMs ?? 0) / 1_000)
  const count = (name: MetricName, read: () => number): void => {
    new Counter({
      ...described(name, registry),
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }
  count('rescind_groups_total', () => nodes?.counts.groups ?? 0)
  count('rescind_group_retries_total', () => nodes?.counts.retries ?? 0)
  count('rescind_unknown_outcomes_total', () => nodes?.counts.unknown ?? 0)
  show('rescind_acknowledgements_waiting', () => nodes?.waiting ?? 0)
}

function watchState(registry: Registry, state: WatchedState): void {
  const { troubles, clockDriftMs, doesUpkeep, indexes } = state
  watchPeople(registry, state)
  new Gauge({
    ...described('rescind_upkeep_owner', registry),
    collect() {
      this.set(doesUpkeep() ? 1 : 0)
    },
  })
  new Gauge({
    ...described('rescind_troubles', registry),
    collect() {
      const found = troubles()
      for (const code of TROUBLE_CODES)
        this.set({ code }, found.filter((trouble) => trouble.code === code).length)
    },
  })
  new Gauge({
    ...described('rescind_clock_drift_seconds', registry),
    collect() {
      this.set(clockDriftMs() / 1_000)
    },
  })
  watchIndexes(registry, indexes)
}

function watchIndexes(registry: Registry, indexes: WatchedState['indexes']): void {
  new Gauge({
    ...described('rescind_index_differences', registry),
    collect() {
      for (const [what, count] of Object.entries(indexes.differences)) this.set({ what }, count)
    },
  })
  new Counter({
    ...described('rescind_index_removed_early_total', registry),
    collect() {
      this.reset()
      this.inc(indexes.removedEarly)
    },
  })
  new Counter({
    ...described('rescind_index_checks_total', registry),
    collect() {
      this.reset()
      this.inc(indexes.done)
    },
  })
}

type Described = Pick<CounterConfiguration<string>, 'name' | 'help' | 'labelNames' | 'registers'>

function described(name: MetricName, registry: Registry): Described {
  const { help, labels } = METRICS[name]
  return { name, help, labelNames: [...labels], registers: [registry] }
}

/** A turn of the event loop should take at most 10 ms. */
const DELAY_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Route templates are few; the bound guards against mistakes. */
const LABELS_MAX = 2_000

function tally(registry: Registry, name: MetricName): (route: string, status: number) => void {
  const counts = new Map<string, Map<number, number>>()
  let labels = 0
  new Counter({
    ...described(name, registry),
    collect() {
      this.reset()
      for (const [route, statuses] of counts) {
        for (const [status, count] of statuses) this.inc({ route, status: String(status) }, count)
      }
    },
  })
  return (route, status) => {
    let statuses = counts.get(route)
    if (statuses === undefined) {
      labels += 1
      if (labels > LABELS_MAX) return
      statuses = new Map()
      counts.set(route, statuses)
    }
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
}
