import type { CheckCost } from './check-cost.ts'
import type { Figure } from './figures.ts'
import type { Start } from './startup.ts'

export type Findings = {
  readonly figures: readonly Figure[]
  /** Writes of a bare write + fdatasync loop a second. */
  readonly appendsPerSecond: number
  readonly starts: readonly Start[]
  readonly costs: readonly CheckCost[]
}

type Aim = { readonly what: string; readonly found: number; readonly aim: string }

/** Everything that was promised, in one table: what was found, and what was aimed at. */
export function aimsTable(findings: Findings): string {
  const lines = aims(findings).map(({ what, found, aim }) => `| ${what} | ${found.toFixed(2)} | ${aim} |`)
  return ['| what | found | aim |', '|---|---|---|', ...lines].join('\n')
}

function aims({ figures, appendsPerSecond, starts, costs }: Findings): readonly Aim[] {
  const rate = (target: string, what: Figure['what'], connections = 64): number =>
    find(figures, target, what, connections)?.perSecond ?? Number.NaN
  const over = (peer: string, what: Figure['what']): number => rate('rescind', what) / rate(peer, what)
  const bare = 'bare node:http'
  const peer = 'oidc-provider'
  const p99Us = find(figures, 'rescind', 'revoke', 64)?.p99Us ?? Number.NaN
  const full = starts.at(-1)
  const unrevoked = starts.at(-2)
  const [none, many] = costs
  return [
    { what: `introspect live ÷ ${bare}`, found: over(bare, 'introspect live'), aim: '≥ 0.75' },
    { what: `introspect revoked ÷ ${bare}`, found: over(bare, 'introspect revoked'), aim: '≥ 0.75' },
    { what: `introspect live ÷ ${peer}`, found: over(peer, 'introspect live'), aim: '≥ 7' },
    { what: `introspect revoked ÷ ${peer}`, found: over(peer, 'introspect revoked'), aim: '≥ 7' },
    { what: `revoke ÷ ${bare}`, found: over(bare, 'revoke'), aim: '≥ 0.55' },
    { what: `revoke ÷ ${peer}`, found: over(peer, 'revoke'), aim: '≥ 5' },
    { what: 'revoke p99, ms', found: p99Us / 1_000, aim: '≤ 10' },
    { what: `issue ÷ ${peer}`, found: over(peer, 'issue'), aim: '≥ 3.5' },
    {
      what: 'revoke, 1 connection ÷ write + fdatasync',
      found: rate('rescind', 'revoke', 1) / appendsPerSecond,
      aim: '≥ 0.35',
    },
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

function find(
  figures: readonly Figure[],
  target: string,
  what: Figure['what'],
  connections: number,
): Figure | undefined {
  return figures.find((one) => one.target === target && one.what === what && one.connections === connections)
}
