import type { Case, Cell } from './figures.ts'
import { type Job, runLoad } from './load.ts'
import type { PreparedTokens } from './prepared-tokens.ts'
import { accessTokenOf, expectActive, expectMember, expectStatus } from './protocol.ts'
import type { Action, Credentials } from './requests.ts'
import { percentile } from './statistics.ts'
import { cpuSeconds, type Target } from './target.ts'

export type Slices = {
  readonly target: Target
  readonly prepared: PreparedTokens
  readonly connections: number
  readonly count: number
}

type Row = {
  readonly what: Case
  readonly action: Action
  readonly of: (n: number) => Credentials
  readonly check: Job['check']
  readonly inTwoSegments?: boolean
}

/**
 * Issues, introspects, checks and revokes tokens, introspects them again, and presents the prepared tokens of the other
 * dialects. Each row is one timed slice. Rows of actions that a target lacks are left out.
 */
export async function runSlices(slices: Slices, cells: Cell[]): Promise<void> {
  for (const row of rowsOf(slices)) if (slices.target.has(row.action)) await runSlice(row, slices, cells)
}

function rowsOf({ target, prepared }: Slices): readonly Row[] {
  const tokens: string[] = []
  const issued = (n: number): Credentials => ({ token: tokens[n] ?? 'none' })
  const active = (_n: number, response: Parameters<Job['check']>[1]): void =>
    expectActive(target, response, true)
  const take: Job['check'] = (n, response) => {
    expectStatus(response, 200)
    if (target.hasTokens) tokens[n] = accessTokenOf(response)
  }
  const { operator, identity, chat } = prepared
  return [
    { what: 'issue', action: 'issue', of: issued, check: take },
    { what: 'introspect live', action: 'introspect', of: issued, check: active },
    {
      what: 'introspect, two segments',
      action: 'introspect',
      of: issued,
      check: active,
      inTwoSegments: true,
    },
    { what: '/check', action: 'check', of: issued, check: (_n, response) => expectStatus(response, 200) },
    { what: 'revoke', action: 'revoke', of: issued, check: (_n, response) => expectStatus(response, 200) },
    {
      what: 'introspect revoked',
      action: 'introspect',
      of: issued,
      check: (_n, response) => expectActive(target, response, false),
    },
    {
      what: 'v2.0 validate',
      action: 'validate',
      of: (n) => ({ token: identity[n % identity.length] ?? '', caller: operator }),
      check: (_n, response) => expectMember(target, response, '"access":'),
    },
    {
      what: 'GET /me',
      action: 'me',
      of: (n) => ({ token: chat[n % chat.length] ?? '' }),
      check: (_n, response) => expectMember(target, response, '"_id":'),
    },
  ]
}

async function runSlice(row: Row, { target, connections, count }: Slices, cells: Cell[]): Promise<void> {
  const { check, inTwoSegments = false } = row
  const request = (n: number): Buffer => target.request(row.action, row.of(n))
  const before = cpuSeconds(target.process)
  const { seconds, latenciesUs } = await runLoad({
    ...{ port: target.port, connections, count },
    ...{ request, check, inTwoSegments },
  })
  const cpuUs = ((cpuSeconds(target.process) - before) * 1e6) / count
  const of = { target: target.name, what: row.what, connections }
  const latency = { p50Us: percentile(latenciesUs, 0.5), p99Us: percentile(latenciesUs, 0.99) }
  record(cells, of, { perSecond: count / seconds, ...latency, cpuUs })
}

function record(cells: Cell[], of: Omit<Cell, 'samples'>, sample: Cell['samples'][number]): void {
  const found = cells.find(
    (cell) => cell.target === of.target && cell.what === of.what && cell.connections === of.connections,
  )
  if (found === undefined) cells.push({ ...of, samples: [sample] })
  else found.samples.push(sample)
}
