import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Finding, right, unchecked, warning, wrong } from './finding.ts'

/** A store that cannot grow loses the next write. */
const FREE_MIN_BYTES = 256 * 2 ** 20
const FREE_GOOD_BYTES = 2 * 2 ** 30
const FLUSHES = 32
/** Bytes of one write: a page of the store. */
const PAGE_BYTES = 4_096
/**
 * A flush that reaches a medium takes at least some 10 µs, on the fastest with a battery behind them. Below that, the data was
 * not sent anywhere: a memory file system, or a virtual disk that ignores flushes.
 */
const HONEST_MIN_MICROS = 10
/** Each acknowledged group waits for one flush. */
const SLOW_MICROS = 20_000

/** Free space where the store is, and whether a flush of that disk takes as long as one must. @param file of the store. */
export function diskFindings(file: string): readonly Finding[] {
  const folder = dirname(file)
  if (!existsSync(folder)) return [unchecked('disk', `${folder} does not exist so far`)]
  return [spaceFinding(folder), flushFinding(folder)]
}

function spaceFinding(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const what = `${(free / 2 ** 30).toFixed(1)} GiB are free in ${folder}`
  if (free < FREE_MIN_BYTES)
    return wrong('disk space', what, 'make room now: a store that cannot grow answers 503')
  if (free < FREE_GOOD_BYTES)
    return warning('disk space', what, 'make room: a backup needs as much as the store')
  return right('disk space', what)
}

function flushFinding(folder: string): Finding {
  let micros: readonly number[]
  try {
    micros = flushTimes(folder)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return unchecked('fsync', `nothing can be written in ${folder} (${String(error.code)})`)
  }
  return judgeFlushes(micros, folder)
}

/** @param micros microseconds of each flush, in any order. */
export function judgeFlushes(micros: readonly number[], folder: string): Finding {
  const sorted = [...micros].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const slowest = sorted.at(-1) ?? 0
  const what = `${sorted.length} flushes in ${folder} took ${told(median)} in the middle, ${told(slowest)} at most`
  if (median < HONEST_MIN_MICROS)
    return wrong(
      'fsync',
      `${what}; no disk is so fast, so what is acknowledged may be lost when the machine fails`,
      'keep the store on a local disk that honours flushes, not in memory and not on a disk with flushes switched off',
    )
  if (median > SLOW_MICROS)
    return warning('fsync', what, 'use a faster disk: each group of writes waits for one flush')
  return right('fsync', what)
}

function told(micros: number): string {
  return micros < 1_000 ? `${Math.round(micros)} µs` : `${(micros / 1_000).toFixed(1)} ms`
}

/** Microseconds that writing a page and flushing it took, each time. */
function flushTimes(folder: string): readonly number[] {
  const path = join(folder, `.rescind-doctor-${process.pid}`)
  const file = openSync(path, 'wx', 0o600)
  try {
    const page = Buffer.alloc(PAGE_BYTES, 1)
    return Array.from({ length: FLUSHES }, () => {
      writeSync(file, page)
      const startMs = performance.now()
      fsyncSync(file)
      return (performance.now() - startMs) * 1_000
    })
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
