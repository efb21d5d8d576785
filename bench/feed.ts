/**
 * `npm run bench:feed`: what a check costs, what snapshots weigh, how fast a revocation is everywhere, and how a group
 * is carried to many, beside nats-server where it is installed. `-- --quick` takes about half a minute.
 */
import { parseArgs } from 'node:util'
import { measureFanOut } from './feed/fan-out.ts'
import { measureCheck, measureSnapshot } from './feed/in-process.ts'
import { measureSpread } from './feed/spread.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    revokes: { type: 'string' },
    only: { type: 'string' },
  },
})
const QUICK = flags.quick
const REVOKES = Number(flags.revokes ?? (QUICK ? 200 : 10_000))

function say(text: string): void {
  console.log(text)
}

function isAsked(part: string): boolean {
  return flags.only === undefined || flags.only === part
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
  const { p50Ms, p999Ms, maxMs, revokes, instances } = await measureSpread({
    revokes: REVOKES,
    processes: 4,
    each: 25,
  })
  say(
    `\nrevoke → refused at the last of ${instances} verifiers in other processes, ${revokes} revokes: ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99.9 ${p999Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms (aims < 10, < 100, < 1,000)`,
  )
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
