/**
 * `npm run test:nodes -- --events N [--seed S] [--bound MS] [--pause MS] [--only FAULT,…] [-- FLAGS]`: three nodes and a
 * PostgreSQL under load, with random faults. Exit code 1 when any answer was wrong. FLAGS go to every node.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type DrillReport, runDrill } from './nodes/drill.ts'

const SEED_MAX = 2 ** 31
/** Of each kind. */
const SHOWN = 3

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(randomInt(SEED_MAX)) },
    bound: { type: 'string', default: '1000' },
    pause: { type: 'string', default: '700' },
    only: { type: 'string', default: '' },
    'looked-at': { type: 'string', default: '3000' },
    'show-faults': { type: 'boolean', default: false },
  },
})
const startedMs = performance.now()
const [events, seed] = [Number(values.events), Number(values.seed)]
console.log(`drill of several nodes: ${events} faults, seed ${seed}`)
let struck = 0
const report = await runDrill({
  ...{ events, seed, pauseMs: Number(values.pause), boundMs: Number(values.bound) },
  flags: positionals,
  lookedAt: Number(values['looked-at']),
  only: values.only === '' ? [] : values.only.split(','),
  onStrike: (name, what) => {
    struck += 1
    if (values['show-faults']) console.log(`${Math.round(performance.now())} ${name}: ${what}`)
    else if (struck % 25 === 0) console.log(`${struck} faults, ${seconds()} s`)
  },
})
print(report)
process.exitCode = report.violations.length > 0 ? 1 : 0

function print({ violations, counts, faults, ...rest }: DrillReport): void {
  console.log(`faults: ${JSON.stringify(faults)}`)
  console.log(`answers: ${JSON.stringify(counts)}`)
  console.log(`done: ${JSON.stringify({ ...rest, seed, violations: violations.length, seconds: seconds() })}`)
  for (const [kind, all] of Map.groupBy(violations, (one) => one.split(':')[0] ?? ''))
    for (const violation of all.slice(0, SHOWN))
      console.log(`violation, one of ${all.length} "${kind}": ${violation}`)
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1_000)
}
