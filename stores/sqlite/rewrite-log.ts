import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { StoreUnavailable } from '@rescind/core'

/**
 * Writes the write-ahead log that a failed flush left behind again, byte for byte, and flushes it. After a failed fsync the
 * system may treat pages as clean that never reached the disk. Recovery would then read bytes that are only in memory, and a
 * power cut would lose them together with later commits, even properly flushed ones.
 * @throws StoreUnavailable while the disk refuses it; the store then stays closed.
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
