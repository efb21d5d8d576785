import { join } from 'node:path'
import { preload } from './preload.ts'
import { startRescind } from './rescind.ts'
import { median } from './statistics.ts'
import { residentBytes, stopTarget } from './target.ts'

const STARTS = 3

export type Start = {
  readonly folder: string
  readonly tokens: number
  readonly revoked: number
  readonly seconds: number
  readonly bytes: number
}

/** Measures the time of a start and its memory, with an empty store, with tokens, and with the same tokens revoked. */
export async function startup(folder: string, count: number): Promise<readonly Start[]> {
  return [
    await measure(join(folder, 'empty'), { tokens: 0, revoked: 0 }),
    await measure(join(folder, 'tokens'), { tokens: count, revoked: 0 }),
    await measure(join(folder, 'revoked'), { tokens: count, revoked: count }),
  ]
}

async function measure(
  folder: string,
  { tokens, revoked }: { readonly tokens: number; readonly revoked: number },
): Promise<Start> {
  await preload({ folder, live: tokens - revoked, revoked })
  const seconds: number[] = []
  const bytes: number[] = []
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now()
    const target = await startRescind({ folder })
    seconds.push((performance.now() - began) / 1_000)
    bytes.push(residentBytes(target.process))
    await stopTarget(target)
  }
  return { folder, tokens, revoked, seconds: median(seconds), bytes: median(bytes) }
}

export function startupTable(starts: readonly Start[]): string {
  return [
    '| tokens in the store | revocations in the log | start to listening, s | resident, MB |',
    '|---|---|---|---|',
    ...starts.map(
      ({ tokens, revoked, seconds, bytes }) =>
        `| ${tokens} | ${revoked} | ${seconds.toFixed(2)} | ${(bytes / 1e6).toFixed(0)} |`,
    ),
  ].join('\n')
}
