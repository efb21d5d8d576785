import { join } from 'node:path'
import { preload } from './preload.ts'
import { median } from './statistics.ts'
import { here, residentBytes, startTarget, stopTarget } from './target.ts'

const STARTS = 3

/** How long a start takes and how much memory it holds, with an empty log and with many revocations in it. */
export async function startup(folder: string, quick: boolean): Promise<string> {
  const revoked = quick ? 100_000 : 1_000_000
  const empty = await measure(join(folder, 'empty'), 0)
  const full = await measure(join(folder, 'full'), revoked)
  const added = (full.bytes - empty.bytes) / 1e6
  return [
    '| revocations in the log | start to listening, s | resident, MB |',
    '|---|---|---|',
    `| 0 | ${empty.seconds.toFixed(2)} | ${(empty.bytes / 1e6).toFixed(0)} |`,
    `| ${revoked} | ${full.seconds.toFixed(2)} | ${(full.bytes / 1e6).toFixed(0)} (+${added.toFixed(0)}) |`,
  ].join('\n')
}

async function measure(folder: string, revoked: number): Promise<{ seconds: number; bytes: number }> {
  await preload({ folder, live: 0, revoked })
  const seconds: number[] = []
  const bytes: number[] = []
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now()
    const target = await startTarget({
      name: 'rescind',
      words: [
        ...['-C', 'rescind-source', here('../cli/main.ts'), 'serve', '--listen', '127.0.0.1:0'],
        ...[
          '--store',
          `sqlite:${join(folder, 'rescind.db')}`,
          '--master-key-file',
          join(folder, 'master.key'),
        ],
      ],
      paths: { issue: '/', introspect: '/', revoke: '/' },
      hasTokens: false,
    })
    seconds.push((performance.now() - began) / 1_000)
    bytes.push(residentBytes(target.process))
    await stopTarget(target)
  }
  return { seconds: median(seconds), bytes: median(bytes) }
}
