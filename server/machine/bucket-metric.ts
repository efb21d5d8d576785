import type { Metric, Registry } from 'prom-client'
import type { Buckets } from './buckets.ts'
import { METRICS, type MetricName } from './metric-table.ts'

type Labels = Readonly<Record<string, string>>
type Value = { readonly metricName: string; readonly labels: Labels; readonly value: number }

/** @param divisor what a bound of the buckets is divided by: 1,000 for milliseconds that are shown in seconds. */
export type Drawn = {
  readonly divisor: 1 | 1_000
  readonly read: () => Iterable<readonly [labels: Labels, buckets: Buckets]>
}

/**
 * Shows buckets as a histogram. `prom-client`'s own costs microseconds an observation with labels, which the hot paths do not
 * have.
 */
export function showBuckets(registry: Registry, name: MetricName, { divisor, read }: Drawn): void {
  const { help, type } = METRICS[name]
  const get = async (): Promise<object> => {
    const values = [...read()].flatMap(([labels, buckets]) => valuesOf(name, labels, { buckets, divisor }))
    return { name, help, type, aggregator: 'sum', values }
  }
  // The registry asks a metric for its name and by `get`, and for nothing else.
  registry.registerMetric({ name, get } as unknown as Metric)
}

function valuesOf(
  name: string,
  labels: Labels,
  { buckets, divisor }: { readonly buckets: Buckets; readonly divisor: number },
): readonly Value[] {
  let count = 0
  const upTo = buckets.bounds.map((bound, at) => {
    count += buckets.counts[at] as number
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound / divisor) }, value: count }
  })
  const { total, sum } = buckets
  return [
    ...upTo,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: total },
    { metricName: `${name}_sum`, labels, value: sum / divisor },
    { metricName: `${name}_count`, labels, value: total },
  ]
}
