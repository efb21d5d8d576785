/**
 * `npm run test:crash -- --cycles N [--seed S]`: kills the server N times during its work, and checks every answer that
 * it gave. Exit code 1 when an acknowledged revocation or a live token was lost.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { makeHome } from '../kit/server.ts'
import { type CrashReport, crashLoop } from './crash/loop.ts'

const CYCLES = '1000'
const SEED_MAX = 2 ** 31
/** Cycles between two lines of progress. */
const PROGRESS_CYCLES = 25

const { values } = parseArgs({ options: { cycles: { type: 'string' }, seed: { type: 'string' } } })
const cycles = wholeNumber('cycles', values.cycles ?? CYCLES)
const seed = wholeNumber('seed', values.seed ?? String(randomInt(SEED_MAX)))
const startedMs = performance.now()
const home = makeHome()

console.log(`crash loop: ${cycles} cycles, seed ${seed}`)
const report = await crashLoop({
  home,
  cycles,
  seed,
  onCycle: (so) => {
    if (so.cycles % PROGRESS_CYCLES === 0) console.log(line(so))
  },
})
console.log(`done: ${line(report)}, seed ${seed}`)
for (const violation of report.violations) console.log(`violation: ${violation}`)
// A store with violations is kept for inspection.
if (report.violations.length > 0) console.log(`the store: ${home.folder}`)
else home.remove()
process.exitCode = report.violations.length > 0 ? 1 : 0

function line(so: CrashReport): string {
  const seconds = Math.round((performance.now() - startedMs) / 1_000)
  return [
    `${so.cycles} cycles`,
    `${so.revokes} acknowledged revokes`,
    `${so.issues} acknowledged issues`,
    `${so.cutOff} requests cut off`,
    `${so.reads} reads`,
    `slowest start ${so.slowestStartMs} ms`,
    `${so.violations.length} violations`,
    `${seconds} s`,
  ].join(', ')
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new Error(`--${name} takes a whole number`)
}
