import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './main.ts'
import { median } from './statistics.ts'

const ROW = Buffer.alloc(200, 7)
const WRITES = 2_000
const ROUNDS = 3

/** What one connection's durable revocations are held against: write + fdatasync on an appending file, same disk. */
export async function disk(folder: string, figures: readonly Figure[]): Promise<string> {
  const rates = Array.from({ length: ROUNDS }, (_, round) => appendRate(join(folder, `append-${round}`)))
  const raw = median(rates)
  const own = figures.find(
    (one) => one.target === 'rescind' && one.what === 'revoke' && one.connections === 1,
  )
  const line = `Bare write + fdatasync loop on the same disk: ${Math.round(raw)}/s.`
  if (own === undefined) return line
  const share = (own.perSecond / raw).toFixed(2)
  return `${line} A durable revocation at 1 connection: ${Math.round(own.perSecond)}/s, ${share} of it.`
}

function appendRate(path: string): number {
  const file = openSync(path, 'w')
  const started = performance.now()
  for (let done = 0; done < WRITES; done += 1) {
    writeSync(file, ROW)
    fdatasyncSync(file)
  }
  const seconds = (performance.now() - started) / 1_000
  closeSync(file)
  return WRITES / seconds
}
