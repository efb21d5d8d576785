import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './statistics.ts'

const ROW = Buffer.alloc(200, 7)
const WRITES = 2_000
const ROUNDS = 3

/** The baseline for one connection's durable revocations: write + fdatasync on an appending file on the same disk. */
export function appendsPerSecond(folder: string): number {
  return median(Array.from({ length: ROUNDS }, (_, round) => appendRate(join(folder, `append-${round}`))))
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
