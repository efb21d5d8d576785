import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runLoad } from './load.ts'
import { accessTokenOf, expectActive, expectStatus } from './protocol.ts'
import { startRescind } from './rescind.ts'
import { seedText } from './seed.ts'
import { median } from './statistics.ts'
import { cpuSeconds, stopTarget, type Target } from './target.ts'

const CONNECTIONS = 64

export type CheckCost = {
  readonly revoked: number
  readonly perSecond: number
  readonly cpuUs: number
}

/** Introspects live tokens, in turns, at servers that hold different numbers of revocations. */
export async function checkCost(
  stores: readonly { readonly folder: string; readonly revoked: number }[],
  { rounds, count }: { readonly rounds: number; readonly count: number },
): Promise<readonly CheckCost[]> {
  const samples: { perSecond: number; cpuUs: number }[][] = stores.map(() => [])
  const targets: Target[] = []
  for (const { folder } of stores) {
    const seed = join(folder, 'seed.json')
    writeFileSync(seed, seedText(), { mode: 0o600 })
    targets.push(await startRescind({ folder, seed }))
  }
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, target] of targets.entries()) {
      const sample = await slice(target, count)
      if (round >= 0) samples[at]?.push(sample)
    }
  }
  for (const target of targets) await stopTarget(target)
  return stores.map(({ revoked }, at) => ({
    revoked,
    perSecond: median((samples[at] ?? []).map((one) => one.perSecond)),
    cpuUs: median((samples[at] ?? []).map((one) => one.cpuUs)),
  }))
}

async function slice(target: Target, count: number): Promise<{ perSecond: number; cpuUs: number }> {
  const tokens: string[] = []
  const { port } = target
  const of = { port, connections: CONNECTIONS, count }
  await runLoad({
    ...of,
    request: () => target.request('issue', { token: '' }),
    check: (n, response) => {
      expectStatus(response, 200)
      tokens[n] = accessTokenOf(response)
    },
  })
  const before = cpuSeconds(target.process)
  const { seconds } = await runLoad({
    ...of,
    request: (n) => target.request('introspect', { token: tokens[n] ?? '' }),
    check: (_n, response) => expectActive(target, response, true),
  })
  return { perSecond: count / seconds, cpuUs: ((cpuSeconds(target.process) - before) * 1e6) / count }
}

export function checkCostTable(costs: readonly CheckCost[]): string {
  return [
    '| revocations held | introspections of live tokens/s | CPU µs/request |',
    '|---|---|---|',
    ...costs.map(
      ({ revoked, perSecond, cpuUs }) => `| ${revoked} | ${Math.round(perSecond)} | ${cpuUs.toFixed(1)} |`,
    ),
  ].join('\n')
}
