import { randomBytes } from 'node:crypto'
import type { Random } from '@rescind/core'

/** Bytes drawn from the system at once, because a call costs 2 µs for 16 bytes and for thousands. */
const POOL_BYTES = 16_384

/** The system's generator, drawn in blocks. Bytes that were handed out are wiped from the block. */
export function createSystemRandom(): Random {
  let pool = randomBytes(POOL_BYTES)
  let used = 0
  return {
    bytes: (count) => {
      if (count > POOL_BYTES) return randomBytes(count)
      if (used + count > POOL_BYTES) {
        pool = randomBytes(POOL_BYTES)
        used = 0
      }
      const drawn = Buffer.from(pool.subarray(used, used + count))
      pool.fill(0, used, used + count)
      used += count
      return drawn
    },
  }
}
