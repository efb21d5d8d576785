/** How the times of two kinds of requests differ. */
export type Difference = {
  /** Welch's t; beyond 4.5 in either direction, the two are distinguishable. */
  readonly t: number
  /** How much longer the first takes on average, in nanoseconds. */
  readonly meanNs: number
}

/** Only this share of the samples, the fastest, is used; the rest reflects the scheduler and the garbage collector. */
const CROP = 0.9

/** @param one samples in nanoseconds */
export function differenceOf(one: readonly number[], other: readonly number[]): Difference {
  const all = [...one, ...other].sort((a, b) => a - b)
  const limit = all[Math.floor(all.length * CROP)] ?? Number.POSITIVE_INFINITY
  const [a, b] = [momentsOf(one, limit), momentsOf(other, limit)]
  const meanNs = a.mean - b.mean
  const error = Math.sqrt(a.variance / a.count + b.variance / b.count)
  return { t: error === 0 ? 0 : meanNs / error, meanNs }
}

type Moments = { readonly count: number; readonly mean: number; readonly variance: number }

function momentsOf(samples: readonly number[], limit: number): Moments {
  const kept = samples.filter((sample) => sample < limit)
  const mean = kept.reduce((sum, sample) => sum + sample, 0) / kept.length
  const squares = kept.reduce((sum, sample) => sum + (sample - mean) ** 2, 0)
  return { count: kept.length, mean, variance: squares / Math.max(1, kept.length - 1) }
}
