/** The value below which a share of the samples lies. */
export function percentile(samples: Float64Array, share: number): number {
  const sorted = samples.slice().sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values), 0.5)
}
