/** Bounds in milliseconds, of what a request or a flush takes. */
const MS_BOUNDS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000,
]

/** Counts of values by upper bound. Adding one costs a few comparisons and no allocation. */
export class Buckets {
  readonly bounds: readonly number[]
  /** One more than there are bounds: the last one is for what exceeds them all. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[] = MS_BOUNDS) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  add(value: number): void {
    const { bounds, counts } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at += 1
    counts[at] = (counts[at] as number) + 1
    this.sum += value
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** The bound that this share of the values does not exceed; undefined without a value, Infinity beyond all bounds. */
  quantile(share: number): number | undefined {
    const { total } = this
    if (total === 0) return undefined
    let seen = 0
    for (let at = 0; at < this.bounds.length; at += 1) {
      seen += this.counts[at] as number
      if (seen >= total * share) return this.bounds[at]
    }
    return Infinity
  }

  /** Adds all that another one with the same bounds has. */
  merge(other: Buckets): void {
    other.counts.forEach((count, at) => {
      this.counts[at] = (this.counts[at] as number) + count
    })
    this.sum += other.sum
  }

  clear(): void {
    this.counts.fill(0)
    this.sum = 0
  }
}
