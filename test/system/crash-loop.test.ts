import { test } from 'node:test'
import { CYCLE_TIMEOUT_MS, losesNothing } from '../faults/crash/lose-nothing.ts'

/** `npm test` has a few cycles, `npm run test:crash` a thousand. */
const CYCLES = 40

test(
  `[G05] [G11] nothing that was acknowledged is lost when the server is killed ${CYCLES} times while it works`,
  {
    timeout: CYCLES * CYCLE_TIMEOUT_MS,
  },
  (t) => losesNothing(t, CYCLES),
)
