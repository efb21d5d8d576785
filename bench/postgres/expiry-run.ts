/** `npm run bench:expiry -- --rows 10000000`: what expiry does to revocations in PostgreSQL, and to the size of its table. */
import { parseArgs } from 'node:util'
import { startPostgres } from '../../test/kit/postgres-server.ts'
import { type Latencies, measureExpiry } from './expiry.ts'

const { values: flags } = parseArgs({
  options: { rows: { type: 'string', default: '10000000' }, rounds: { type: 'string', default: '5' } },
})
const server = await startPostgres({ isOnDisk: true })
const { quiet, during, sizesMb, left, rowsPerSecond } = await measureExpiry(server.address, {
  ...{
    rows: Number(flags.rows),
    rounds: Number(flags.rounds),
    revocationsPerSecond: 500,
    quietMs: 20_000,
    vacuum: false,
  },
})
await server.stop()

const said = ({ groups, p50Ms, p99Ms }: Latencies): string =>
  `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms (${groups} groups)`
console.log(`500 revocations/s, quiet:         ${said(quiet)}`)
console.log(`while ${flags.rows} rows expire: ${said(during)}; ${rowsPerSecond} rows/s, ${left} left`)
console.log(`p99 during / quiet: ${(during.p99Ms / quiet.p99Ms).toFixed(2)}, aim ≤ 1.5`)
console.log(`size of the table after each round: ${sizesMb.join(', ')} MB`)
