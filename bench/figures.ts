export type Case = 'issue' | 'introspect live' | 'introspect revoked' | 'revoke'

export type Sample = {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly cpuUs: number
}

export type Cell = {
  readonly target: string
  readonly what: Case
  readonly connections: number
  readonly samples: Sample[]
}

/** The medians of a cell's samples. */
export type Figure = Omit<Cell, 'samples'> & Sample
