import type { CheckCost } from './check-cost.ts'
import { BARE, BEFORE, type Figure, figureOf, OURS, PEER } from './figures.ts'
import type { Start } from './startup.ts'

/** The findings of a run. A run that leaves a part out says nothing about that part's aims. */
export type Findings = {
  readonly figures: readonly Figure[]
  /** Writes per second of a bare write + fdatasync loop. */
  readonly appendsPerSecond: number
  readonly starts?: readonly Start[]
  readonly costs?: readonly CheckCost[]
}

type Aim = {
  readonly what: string
  readonly found: number
  readonly aim: string
  /** The same figure of an older tree. */
  readonly before?: number
}

/** All aims in one table, each with its finding. */
export function aimsTable(findings: Findings): string {
  const all = [...ratesOf(findings), ...costsOf(findings)].filter(({ found }) => !Number.isNaN(found))
  const withBefore = findings.figures.some(({ target }) => target === BEFORE)
  const number = (value = Number.NaN): string => (Number.isNaN(value) ? '–' : value.toFixed(2))
  const lines = all.map(({ what, found, aim, before }) =>
    withBefore
      ? `| ${what} | ${number(before)} | ${number(found)} | ${aim} |`
      : `| ${what} | ${number(found)} | ${aim} |`,
  )
  const head = withBefore
    ? ['| what | before | found | aim |', '|---|---|---|---|']
    : ['| what | found | aim |', '|---|---|---|']
  return [...head, ...lines].join('\n')
}

/** The share of a peer's rate that each row should reach at 64 connections. */
const SHARES: readonly (readonly [Figure['what'], string, string])[] = [
  ['introspect live', BARE, '≥ 0.75'],
  ['introspect revoked', BARE, '≥ 0.75'],
  ['introspect, two segments', BARE, '≥ 0.7'],
  ['/check', BARE, '≥ 0.8'],
  ['v2.0 validate', BARE, '≥ 0.8'],
  ['GET /me', BARE, '≥ 0.8'],
  ['introspect live', PEER, '≥ 7'],
  ['introspect revoked', PEER, '≥ 7'],
  ['revoke', BARE, '≥ 0.55'],
  ['revoke', PEER, '≥ 5'],
  ['issue', PEER, '≥ 3.5'],
]

function ratesOf({ figures, appendsPerSecond }: Findings): readonly Aim[] {
  const rate = (target: string, what: Figure['what'], connections = 64): number =>
    figureOf(figures, { target, what, connections })?.perSecond ?? Number.NaN
  const p99Ms = (target: string): number =>
    (figureOf(figures, { target, what: 'revoke', connections: 64 })?.p99Us ?? Number.NaN) / 1_000
  return [
    ...SHARES.map(([what, peer, aim]) => ({
      what: `${what} ÷ ${peer}`,
      found: rate(OURS, what) / rate(peer, what),
      before: rate(BEFORE, what) / rate(peer, what),
      aim,
    })),
    { what: 'revoke p99, ms', found: p99Ms(OURS), before: p99Ms(BEFORE), aim: '≤ 10' },
    {
      what: 'revoke, 1 connection ÷ write + fdatasync',
      found: rate(OURS, 'revoke', 1) / appendsPerSecond,
      before: rate(BEFORE, 'revoke', 1) / appendsPerSecond,
      aim: '≥ 0.35',
    },
  ]
}

function costsOf({ starts = [], costs = [] }: Findings): readonly Aim[] {
  const full = starts.at(-1)
  const unrevoked = starts.at(-2)
  const [none, many] = costs
  return [
    {
      what: `a check with ${many?.revoked} revocations held ÷ with none, CPU`,
      found: (many?.cpuUs ?? Number.NaN) / (none?.cpuUs ?? Number.NaN),
      aim: 'about 1',
    },
    { what: `start with ${full?.revoked} revocations, s`, found: full?.seconds ?? Number.NaN, aim: '≤ 3' },
    {
      what: 'memory that they add, MB',
      found: ((full?.bytes ?? Number.NaN) - (unrevoked?.bytes ?? Number.NaN)) / 1e6,
      aim: '≤ 70',
    },
  ]
}
