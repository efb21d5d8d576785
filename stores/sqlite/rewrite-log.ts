import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { StoreUnavailable } from '@rescind/core'

/**
 * Writes the write-ahead log that a failed flush left behind once more, byte for byte, and flushes it. After a failed
 * fsync the system may call pages clean that never reached the disk: what recovery reads would then be in memory only,
 * and later commits, flushed properly behind it, would be lost with it in a power cut.
 * @throws StoreUnavailable while the disk does not take it; the store stays closed then.
 */
export function rewriteLog(path: string): void {
  const log = `${path}-wal`
  if (!existsSync(log)) return
  try {
    const bytes = readFileSync(log)
    const file = openSync(log, 'r+')
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new StoreUnavailable('the write-ahead log could not be written back', { cause: error })
  }
}
