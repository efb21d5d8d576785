import type { Differences, Realms } from '@rescind/authority'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { TROUBLE_CODES, type Trouble } from './troubles.ts'

export type Metrics = {
  /** Counts an answer. A route is a template: no id ever becomes a label. */
  readonly answered: (route: string, status: number) => void
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
  /** Settings that can take safety away, and whether they do. */
  readonly insecure: readonly { readonly setting: string; readonly isOn: boolean }[]
  /** Log lines that were dropped since the start. */
  readonly linesDropped: () => number
}

export type WatchedState = {
  readonly troubles: () => readonly Trouble[]
  readonly clockDriftMs: () => number
  readonly indexes: {
    readonly differences: Differences
    readonly removedEarly: number
    readonly done: number
  }
}

/** Prometheus metrics. Hot paths count into a plain map; the registry reads it when it is scraped. */
export function createMetrics({ realms, insecure, linesDropped }: MetricsParts): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const answers = tally(registry, 'rescind_answers_total', 'Answers by route template and status')
  const denials = tally(
    registry,
    'rescind_denials_total',
    'Refused credentials and rights by route template and status',
  )
  watchRealms(registry, realms)
  watchLog(registry, linesDropped)
  const lateness = new Histogram({
    name: 'rescind_event_loop_delay_seconds',
    help: 'By how much the event loop was late, looked at a hundred times a second: how long its turns are',
    buckets: [...DELAY_BUCKETS],
    registers: [registry],
  })
  showSettings(registry, insecure)
  return {
    answered: answers,
    denied: denials,
    late: (ms) => lateness.observe(ms / 1_000),
    watch: (state) => watchState(registry, state),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function showSettings(registry: Registry, insecure: MetricsParts['insecure']): void {
  const settings = new Gauge({
    name: 'rescind_insecure_settings',
    help: '1 for a setting that takes safety away; all that can are here',
    labelNames: ['setting'],
    registers: [registry],
  })
  for (const { setting, isOn } of insecure) settings.set({ setting }, isOn ? 1 : 0)
}

function watchLog(registry: Registry, linesDropped: MetricsParts['linesDropped']): void {
  new Counter({
    name: 'rescind_log_lines_dropped_total',
    help: 'Log lines that standard output did not take in time',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(linesDropped())
    },
  })
}

function watchRealms(registry: Registry, realms: Realms): void {
  new Gauge({
    name: 'rescind_units_waiting',
    help: 'Writes that wait for a flush',
    registers: [registry],
    collect() {
      this.set(realms.ledger.waiting)
    },
  })
  new Gauge({
    name: 'rescind_index_entries',
    help: 'Revoked things held in the index, all realms',
    registers: [registry],
    collect() {
      this.set(realms.all().reduce((total, { index }) => total + index.ended.size, 0))
    },
  })
  new Gauge({
    name: 'rescind_index_bytes',
    help: 'Bytes of the index over revoked things, all realms',
    registers: [registry],
    collect() {
      this.set(realms.all().reduce((total, { index }) => total + index.ended.bytes, 0))
    },
  })
  new Gauge({
    name: 'rescind_rules_kept_for_good',
    help: 'Rules that never leave the index, by what they name, all realms (docs/issuers.md)',
    labelNames: ['names'],
    registers: [registry],
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
    name: 'rescind_store_broken',
    help: '1 while the last flush failed and the store was not opened again',
    registers: [registry],
    collect() {
      this.set(realms.ledger.broken ? 1 : 0)
    },
  })
  new Gauge({
    name: 'rescind_logs_rolled_back',
    help: 'Realms whose log was proved to have been rolled back: nothing is acknowledged in them until a new epoch',
    registers: [registry],
    collect() {
      this.set(realms.all().filter(({ ordinal }) => realms.ledger.isSuspended(ordinal)).length)
    },
  })
}

function watchState(registry: Registry, { troubles, clockDriftMs, indexes }: WatchedState): void {
  new Gauge({
    name: 'rescind_troubles',
    help: 'Things that are out of order, by code; GET /readyz says what to do. All codes are here',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      const found = troubles()
      for (const code of TROUBLE_CODES)
        this.set({ code }, found.filter((trouble) => trouble.code === code).length)
    },
  })
  new Gauge({
    name: 'rescind_clock_drift_seconds',
    help: 'How far the wall clock has moved against the monotonic one; beyond 60, either way, collection stops',
    registers: [registry],
    collect() {
      this.set(clockDriftMs() / 1_000)
    },
  })
  watchIndexes(registry, indexes)
}

function watchIndexes(registry: Registry, indexes: WatchedState['indexes']): void {
  new Gauge({
    name: 'rescind_index_differences',
    help: 'By how much indexes differ from their logs, as the last check of each realm found: 0, or GET /readyz says what to do',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      for (const [what, count] of Object.entries(indexes.differences)) this.set({ what }, count)
    },
  })
  const counted = (name: string, help: string, count: () => number): void => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(count())
      },
    })
  }
  const early = 'Rules that left an index while they were to be kept: 0, or GET /readyz says what to do'
  counted('rescind_index_removed_early_total', early, () => indexes.removedEarly)
  const checks = 'Indexes that were compared with their logs to the end, since the start'
  counted('rescind_index_checks_total', checks, () => indexes.done)
}

/** No turn is meant to take longer than 10 ms. */
const DELAY_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Route templates are few, but a bound is a bound. */
const LABELS_MAX = 2_000

function tally(registry: Registry, name: string, help: string): (route: string, status: number) => void {
  const counts = new Map<string, Map<number, number>>()
  let labels = 0
  new Counter({
    name,
    help,
    labelNames: ['route', 'status'],
    registers: [registry],
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
