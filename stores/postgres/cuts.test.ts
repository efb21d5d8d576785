import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LogCheck, type Realm, Realms, revokeToken, type Store } from '@rescind/authority'
import { isOutage, type TokenRecord } from '@rescind/core'
import { actOf, intentOf, say, tryIssue } from '../../test/kit/acts.ts'
import { CuttingProxy } from '../../test/kit/cutting-proxy.ts'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { HandClock, MASTER, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { Connection } from './connection.ts'
import { openPostgres } from './store.ts'

const ROUNDS = 400
const AT_ONCE = 8
const ATTEMPTS = 200

let server: PostgresServer
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
})
after(() => server.stop())

type Node = {
  readonly store: Store
  readonly realms: Realms
  readonly realm: Realm
  readonly proxy: CuttingProxy
  readonly fenced: string[]
}

async function openNode(seed: string): Promise<Node> {
  const { address } = server
  const proxy = await CuttingProxy.open(address.host, address.port)
  const fenced: string[] = []
  const store = await openPostgres(
    { ...address, port: proxy.port },
    { floorMs: START_MS, fenced: (why) => fenced.push(why) },
  )
  const realms = await Realms.open({
    ...{ store, clock: new HandClock(), master: MASTER, random: new SeededRandom(seed) },
    defer: setImmediate,
  })
  return { store, realms, realm: realms.default, proxy, fenced }
}

/** Repeats what had no answer, as a client does. */
async function answered<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  for (let left = ATTEMPTS; left > 0; left -= 1) {
    try {
      const answer = await ask()
      if (isDone(answer)) return answer
    } catch (error) {
      if (!isOutage(error)) throw error
      await turn()
    }
  }
  return assert.fail('no answer in all these attempts')
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** A number below a bound, always the same for a test. */
function drawing(random: SeededRandom): (below: number) => number {
  return (below) => random.bytes(4).readUInt32BE() % below
}

test('[model 3.1, 4.4] two nodes whose connections are cut all the time forget nothing that they acknowledged', async (t) => {
  const nodes = [await openNode('a'), await openNode('b')]
  t.after(async () => {
    for (const { store, proxy } of nodes) {
      await store.close()
      await proxy.close()
    }
  })
  const draw = drawing(new SeededRandom('cuts'))
  const pick = (): Node => nodes[draw(nodes.length)] as Node
  let cuts = 0
  const cut = (): void => {
    const live = pick().proxy.pairs.filter(({ isOver }) => !isOver)
    live[draw(live.length)]?.cutAfter(draw(2) === 0 ? 'client' : 'server', draw(1_500))
    cuts += 1
  }
  const revoked: string[] = []
  const alive: string[] = []
  const play = async (nth: number): Promise<void> => {
    const text = `token ${nth}`
    const [issuer, revoker] = [pick(), pick()]
    let record: TokenRecord | undefined
    const issued = await answered(
      () => tryIssue(issuer.realm, intentOf(issuer.realm, text)),
      ({ kind }) => kind !== 'stale',
    ).catch(() => undefined)
    // An issue without an answer may have been written; then the same text cannot be issued again.
    if (issued?.kind === 'issued') [record] = issued.records
    if (record === undefined) return
    if (nth % 2 === 0) {
      alive.push(text)
      return
    }
    const own = record
    await answered(
      () => revokeToken(revoker.realm, own, actOf(revoker.realm)),
      ({ kind }) => kind === 'revoked',
    )
    revoked.push(text)
    assert.equal(
      await answered(
        () => say(revoker.realm, text),
        () => true,
      ),
      'revoked',
    )
  }
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < ROUNDS) {
      next += 1
      if (next % 3 === 0) cut()
      await play(next)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  assert.ok(cuts >= ROUNDS / 3 - 1 && revoked.length > ROUNDS / 4 && alive.length > ROUNDS / 8)
  for (const { fenced } of nodes) assert.deepEqual(fenced, [])
  assert.ok((await highestFence()) > 5, 'some outcomes had to be looked up')
  await compare(nodes, { revoked, alive })
})

async function highestFence(): Promise<number> {
  const connection = await Connection.open(server.address)
  const [row] = await connection.rows<[number]>('SELECT max(fence) FROM rescind.node')
  connection.drop()
  return row?.[0] ?? 0
}

type Acknowledged = { readonly revoked: readonly string[]; readonly alive: readonly string[] }

/** What a third node reads from the store, and what the two have folded. */
async function compare(nodes: readonly Node[], { revoked, alive }: Acknowledged): Promise<void> {
  const third = await openNode('c')
  const { seq } = await third.store.head(third.realm.ordinal)
  for (const node of [...nodes, third]) {
    while (node.realm.index.seq < seq) await turn()
    for (const text of revoked)
      assert.equal(
        await answered(
          () => say(node.realm, text),
          () => true,
        ),
        'revoked',
        text,
      )
    for (const text of alive)
      assert.equal(
        await answered(
          () => say(node.realm, text),
          () => true,
        ),
        'active',
        text,
      )
  }
  const check = new LogCheck([])
  for (const row of await third.store.chainedRowsAfter(third.realm.ordinal, 0, 10_000))
    assert.equal(check.accept(row), undefined)
  assert.equal(check.seq, seq)
  await third.store.close()
  await third.proxy.close()
}
