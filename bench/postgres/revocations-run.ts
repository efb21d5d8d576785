/**
 * `npm run bench:postgres`: revocations through the ledger on PostgreSQL, beside a bare loop that calls the same function with
 * the same rows from one process. Both run in turns on one server, so that their ratio counts.
 */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Group, Realms, revokeToken, type Store } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { encodeGroup, type GroupJson } from '../../stores/postgres/group-json.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { actOf, issue } from '../../test/kit/acts.ts'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { startPostgres } from '../../test/kit/postgres-server.ts'
import { HandClock, MASTER, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'

const { values: flags } = parseArgs({
  options: { tokens: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '3' } },
})
const TOKENS = Number(flags.tokens)
/** Requests that wait at a time: two groups, so that one is judged while the store writes the other. */
const CALLERS = 512
const AIM = 0.6
const CALL = 'SELECT reply, missed FROM rescind.group_1($1, 1, $2, $3, 0, $4, $5, $6, NULL)'

const server = await startPostgres({ isOnDisk: true })
const ratios: number[] = []
for (let round = 0; round < Number(flags.rounds); round += 1) {
  const { perSecond, groups } = await throughLedger(server.address)
  const bare = await bareLoop(server.address, groups)
  ratios.push(perSecond / bare)
  console.log(
    `ledger ${Math.round(perSecond)}/s in ${groups.length} groups, bare ${Math.round(bare)}/s: ${(perSecond / bare).toFixed(2)}`,
  )
}
await server.stop()
const median = ratios.toSorted((left, right) => left - right)[Math.floor(ratios.length / 2)] ?? 0
console.log(`median ${median.toFixed(2)}, aim ≥ ${AIM}`)

type Ledgered = { readonly perSecond: number; readonly groups: readonly GroupJson[] }

async function throughLedger(address: PostgresAddress): Promise<Ledgered> {
  await emptyStore(address)
  const groups: Group[] = []
  let isNoting = false
  const store = noting(await openPostgres(address, { floorMs: START_MS }), (group) => {
    if (isNoting) groups.push(group)
  })
  const { default: realm } = await Realms.open({
    ...{ store, clock: new HandClock(), master: MASTER, random: new SeededRandom('bench') },
    ...{ defer: setImmediate, lazily: true },
  })
  const records: TokenRecord[] = []
  await inTurns(TOKENS, async (nth) => {
    records.push(await issue(realm, `bench token number ${nth}`))
  })
  isNoting = true
  const startMs = performance.now()
  await inTurns(TOKENS, async (nth) => {
    const record = records[nth]
    if (record !== undefined) await revokeToken(realm, record, actOf(realm))
  })
  const seconds = (performance.now() - startMs) / 1_000
  await store.close()
  return { perSecond: TOKENS / seconds, groups: groups.map((group) => encodeGroup(group)) }
}

/** Calls a task with 0, 1, …, with so many under way at a time. */
async function inTurns(times: number, task: (nth: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const caller = async (): Promise<void> => {
    for (let nth = next++; nth < times; nth = next++) await task(nth)
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
}

function noting(store: Store, note: (group: Group) => void): Store {
  return new Proxy(store, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'commit')
        return (group: Group) => {
          note(group)
          return target.commit(group)
        }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Rows per second. The log begins anew, so the groups do not say what they were judged by. */
async function bareLoop(address: PostgresAddress, groups: readonly GroupJson[]): Promise<number> {
  const place = await emptyStore(address)
  const connection = await Connection.open(address)
  const id = randomUUID()
  await connection.rows('INSERT INTO rescind.node (id, fence, group_no, since) VALUES ($1, 1, 0, now())', [
    id,
  ])
  const bare = groups.map(({ realms, deps, writes }) => {
    const known = JSON.parse(realms) as { readonly r: number; readonly own: boolean }[]
    return { realms: JSON.stringify(known.map(({ r, own }) => ({ r, own }))), deps, writes }
  })
  const startMs = performance.now()
  let no = 0
  for (const { realms, deps, writes } of bare) {
    no += 1
    await connection.rows(CALL, [id, no, place, realms, deps, writes])
  }
  const seconds = (performance.now() - startMs) / 1_000
  connection.drop()
  return TOKENS / seconds
}
