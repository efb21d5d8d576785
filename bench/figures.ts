import { median } from './statistics.ts'

/** The measured cases, in the order of the report. */
export const CASES = [
  'introspect live',
  'introspect, two segments',
  'introspect revoked',
  '/check',
  'v2.0 validate',
  'GET /me',
  'revoke',
  'issue',
] as const
export type Case = (typeof CASES)[number]

export const BARE = 'bare node:http'
export const OURS = 'rescind'
/** This server, as an older tree has it. */
export const BEFORE = 'rescind before'
export const PEER = 'oidc-provider'

type Sample = {
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

export function toFigure({ samples, ...of }: Cell): Figure {
  const of_ = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  return {
    ...of,
    perSecond: of_((one) => one.perSecond),
    p50Us: of_((one) => one.p50Us),
    p99Us: of_((one) => one.p99Us),
    cpuUs: of_((one) => one.cpuUs),
  }
}

export function figureOf(
  figures: readonly Figure[],
  { target, what, connections }: Omit<Cell, 'samples'>,
): Figure | undefined {
  return figures.find((one) => one.target === target && one.what === what && one.connections === connections)
}

export function figuresTable(figures: readonly Figure[]): string {
  const lines = [
    '| what | connections | server | requests/s | p50 ms | p99 ms | CPU µs/request | ÷ bare | ÷ oidc-provider |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
  const numbers = [...new Set(figures.map(({ connections }) => connections))]
  for (const what of CASES) {
    for (const connections of numbers) {
      const row = figures.filter((figure) => figure.what === what && figure.connections === connections)
      for (const one of row) lines.push(`| ${cellsOf(one, row).join(' | ')} |`)
    }
  }
  return lines.join('\n')
}

function cellsOf(one: Figure, row: readonly Figure[]): readonly (string | number)[] {
  const share = (peer: string): string => {
    const other = row.find(({ target }) => target === peer)
    return other === undefined ? '–' : (one.perSecond / other.perSecond).toFixed(2)
  }
  return [
    ...[one.what, one.connections, one.target, Math.round(one.perSecond)],
    ...[(one.p50Us / 1_000).toFixed(2), (one.p99Us / 1_000).toFixed(2), Math.round(one.cpuUs)],
    ...[share(BARE), share(PEER)],
  ]
}
