/**
 * `npm run bench:feed`: the cost of a check, the size of snapshots, the time until a revocation has reached every
 * verifier, and the delivery of a group to many readers, beside nats-server where it is installed. `-- --quick` takes
 * about a minute; `-- --only busy` runs one part; `-- --before PATH` adds an older tree to the parts with many
 * processes.
 */

import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measureBusy } from './feed/busy.ts'
import { measureFanOut } from './feed/fan-out.ts'
import { measureCheck, measureSnapshot } from './feed/in-process.ts'
import { measureSpread } from './feed/spread.ts'
import { THIS_TREE } from './feed/verifiers.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    revokes: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string' },
    others: { type: 'string' },
    before: { type: 'string' },
  },
})
const QUICK = flags.quick
const REVOKES = Number(flags.revokes ?? (QUICK ? 200 : 2_000))
const SECONDS = Number(flags.seconds ?? (QUICK ? 20 : 60))
const OTHERS = Number(flags.others ?? cpus().length)

function say(text: string): void {
  console.log(text)
}

function isAsked(part: string): boolean {
  return flags.only === undefined || flags.only === part
}

/** A figure of this tree beside that of an older one. A measurement that fails reports why. */
async function besides(measure: (tree: string) => Promise<string>): Promise<void> {
  say(`this tree    ${await measure(THIS_TREE)}`)
  if (flags.before === undefined) return
  const older = measure(resolve(flags.before)).catch((error: unknown) => `did not end: ${String(error)}`)
  say(`older tree   ${await older}`)
}

if (isAsked('check')) {
  say('\ncheck, ns (aim: ≤ 1,000, flat)\nentries      seen opaque   seen, 800 chars   unseen')
  for (const entries of QUICK ? [0, 1_000_000] : [0, 1_000_000, 10_000_000]) {
    const { seenNs, jwtNs, revokedNs } = await measureCheck(entries)
    const cells = [seenNs, jwtNs, revokedNs].map((ns) => ns.toFixed(0).padStart(12))
    say(`${String(entries).padEnd(10)}${cells.join('   ')}`)
  }
}
if (isAsked('snapshot')) {
  const { megabytes, encodeMs, loadMs, bytesPerEntryInMemory } = measureSnapshot(1_000_000)
  say(
    `\nsnapshot of 1,000,000 entries: ${megabytes.toFixed(1)} MB (aim ≤ 20), written in ${encodeMs.toFixed(0)} ms, loaded in ` +
      `${loadMs.toFixed(0)} ms (aim < 1,000), ${bytesPerEntryInMemory.toFixed(1)} bytes an entry in memory (aim ≤ 40)`,
  )
}
if (isAsked('spread')) {
  say(
    `\nrevoke → refused at the last of 100 verifiers in 4 other processes (aims: p50 < 10 ms, p99.9 < 100, max < 1,000)`,
  )
  await besides(async (tree) => {
    const spread = await measureSpread({ tree, revokes: REVOKES, processes: 4, each: 25 })
    const { p50Ms, p999Ms, maxMs, revokes } = spread
    return `${revokes} revokes: p50 ${p50Ms.toFixed(1)} ms, p99.9 ${p999Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms`
  })
}
if (isAsked('busy')) {
  say('\n100 verifiers in 4 processes, each with its own key, all cores full of other work (aim: none stale)')
  await besides(async (tree) => {
    const busy = await measureBusy({ tree, processes: 4, each: 25, seconds: SECONDS, others: OTHERS })
    const { checks, stale, answered, unanswered, worstLagMs, blockedMs, slowestMs } = busy
    return (
      `${SECONDS} s beside ${OTHERS} busy threads: ${stale} stale of ${checks} checks, ${unanswered} of ${answered + unanswered} ` +
      `questions unanswered; at most ${worstLagMs.toFixed(0)} ms behind, event loops held ${blockedMs.toFixed(0)} ms, ` +
      `slowest revocation ${slowestMs.toFixed(0)} ms`
    )
  })
}
if (isAsked('fan-out')) {
  const rows = await measureFanOut({
    readers: 1_000,
    singles: QUICK ? 50 : 500,
    burst: QUICK ? 3_000 : 20_000,
  })
  say('\nfan-out to 1,000 readers   deliveries/s   last reader, ms (p50)   resident, MB')
  for (const { name, perSecond, lastMs, residentMb } of rows)
    say(
      `${name.padEnd(26)} ${perSecond.toFixed(0).padStart(12)} ${lastMs.toFixed(1).padStart(23)} ${residentMb.toFixed(0).padStart(14)}`,
    )
  say('aims: ≥ 100,000 deliveries/s, last of 1,000 ≤ 15 ms and ahead of nats-server, < 200 MB')
}
process.exit(0)
