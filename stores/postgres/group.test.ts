import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { LogCheck, type LogHead } from '@rescind/authority'
import { keptPast, LAST_INSTANT_MS, ORIGIN, type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { decodeRule, keepInBytes, type Rule, type Target } from '@rescind/core/log'
import { CuttingProxy } from '../../test/kit/cutting-proxy.ts'
import {
  appended,
  dependent,
  EMPTY_LOG,
  emptyStore,
  HandNode,
  judgedAt,
  REALM,
} from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { DAY_MS, factsAt, grantAt, NOW_MS, revoking, SOURCE, tokenTarget } from '../../test/kit/samples.ts'
import { bareToken, put, putRecord, write, writeIn } from '../contract/samples.ts'

const STALE = { kind: 'stale' } as const
const OTHER = realmOrdinal(2)
const SYSTEM = realmOrdinal(0)

let server: PostgresServer
let place = ''
let a: HandNode
let b: HandNode
before(async () => {
  server = await startPostgres()
})
after(async () => {
  a.connection.drop()
  b.connection.drop()
  await server.stop()
})
beforeEach(async () => {
  a?.connection.drop()
  b?.connection.drop()
  place = await emptyStore(server.address)
  a = await HandNode.open(server.address, 1, place)
  b = await HandNode.open(server.address, 2, place)
})

function revoke(target: Target, keepUntilMs?: number) {
  return dependent([], appended(revoking(target, keepUntilMs)))
}

async function headOf(node: HandNode, realm: RealmOrdinal = REALM): Promise<LogHead> {
  const [row] = await node.connection.rows<readonly [number, Buffer]>(
    'SELECT seq, chain FROM rescind.head WHERE realm = $1',
    [realm],
  )
  return row === undefined ? EMPTY_LOG : { seq: row[0], chain: row[1] }
}

/** Whether the server has this many sessions that wait for a lock. */
async function untilWaiting(node: HandNode, count: number): Promise<void> {
  for (;;) {
    const [row] = await node.connection.rows<[number]>(
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    )
    if (row?.[0] === count) return
  }
}

test('[model 4.3] a write that waited for the lock of a revocation sees that revocation, and is stale', async () => {
  await a.connection.run('BEGIN')
  await a.commit(judgedAt(EMPTY_LOG, revoke(tokenTarget(1))))
  const issue = dependent([factsAt(1)], put(bareToken(7)))
  const waiting = b.commit(judgedAt(EMPTY_LOG, issue))
  await untilWaiting(a, 1)
  await a.connection.run('COMMIT')
  const { outcomes, missed, heads } = await waiting
  assert.deepEqual(outcomes, [STALE])
  assert.deepEqual(
    missed?.get(REALM)?.map(({ seq }) => seq),
    [1],
  )
  assert.deepEqual(heads.get(REALM), await headOf(a))
  const [tokens] = await a.connection.rows<[number]>('SELECT count(*) FROM rescind.token')
  assert.equal(tokens?.[0], 0)
  // Judged again with what it missed, it is what it is: the caller's verdict decides.
  const again = await b.commit(judgedAt(await headOf(a), issue))
  assert.deepEqual(again.outcomes, [{ kind: 'applied', firstSeq: 1 }])
})

test('only the writes of a group that a newer row names are stale', async () => {
  await a.commit(judgedAt(EMPTY_LOG, revoke({ kind: 'grant', source: SOURCE, grant: grantAt(1) })))
  const { outcomes } = await b.commit(
    judgedAt(
      EMPTY_LOG,
      dependent([factsAt(2)], put(bareToken(2))),
      dependent([factsAt(2), factsAt(1)], put(bareToken(3))),
      dependent([factsAt(3, { ancestors: [factsAt(1)] })], put(bareToken(4))),
      dependent([], appended({ kind: 'release', id: 'h' })),
    ),
  )
  assert.deepEqual(outcomes, [
    { kind: 'applied', firstSeq: 1 },
    STALE,
    STALE,
    { kind: 'applied', firstSeq: 2 },
  ])
})

test('a hold on what a write depends on makes it stale; a release, or a change of a record, does not', async () => {
  const hold: Rule = { kind: 'hold', id: 'h', target: tokenTarget(1) }
  const issue = (nth: number) => dependent([factsAt(1)], put(bareToken(nth)))
  await a.commit(judgedAt(EMPTY_LOG, dependent([], appended(hold))))
  assert.deepEqual((await b.commit(judgedAt(EMPTY_LOG, issue(1)))).outcomes, [STALE])
  const held = await headOf(a)
  const change: Rule = { kind: 'change', collection: 'users', id: 'u', version: 1 }
  await a.commit(judgedAt(held, dependent([], appended({ kind: 'release', id: 'h' }), appended(change))))
  assert.deepEqual((await b.commit(judgedAt(held, issue(2)))).outcomes, [{ kind: 'applied', firstSeq: 3 }])
})

test('a new epoch makes every write stale, also one that depends on nothing', async () => {
  const epoch: Rule = { kind: 'epoch', ordinal: 1, epochId: 'e'.repeat(22), lostBelow: ORIGIN }
  await a.commit(judgedAt(EMPTY_LOG, dependent([], appended(epoch))))
  const elsewhere = writeIn(OTHER, put(bareToken(2)))
  const heads = new Map([
    [REALM, EMPTY_LOG],
    [OTHER, EMPTY_LOG],
  ])
  const { outcomes, missed } = await b.commit(judgedAt(heads, write(put(bareToken(1))), elsewhere))
  assert.deepEqual(outcomes, [STALE, { kind: 'applied', firstSeq: 0 }])
  assert.equal(missed?.get(REALM)?.length, 1)
})

test('a caller of the realm `system` who was revoked there makes a write elsewhere stale', async () => {
  const key = factsAt(1, { source: 'control' })
  const row = appended(revoking(tokenTarget(1, 'control')))
  await a.commit(judgedAt(new Map([[SYSTEM, EMPTY_LOG]]), { ...dependent([], row), realm: SYSTEM }))
  const heads = new Map([
    [SYSTEM, EMPTY_LOG],
    [REALM, EMPTY_LOG],
  ])
  const act = { ...dependent([], put(bareToken(1))), dependsOn: [{ realm: SYSTEM, facts: key }] }
  assert.deepEqual((await b.commit(judgedAt(heads, act))).outcomes, [STALE])
})

test('more than 1,000 rows behind is stale, and 1,000 are compared', async () => {
  const rows = Array.from({ length: 250 }, () => appended({ kind: 'release', id: 'h' }))
  for (let group = 0; group < 4; group += 1) await a.commit(judgedAt(await headOf(a), dependent([], ...rows)))
  const issue = (nth: number) => dependent([factsAt(1)], put(bareToken(nth)))
  assert.deepEqual((await b.commit(judgedAt(EMPTY_LOG, issue(1)))).outcomes, [
    { kind: 'applied', firstSeq: 1_000 },
  ])
  await a.commit(judgedAt(await headOf(a), dependent([], ...rows.slice(0, 1))))
  const { outcomes, missed } = await b.commit(judgedAt(EMPTY_LOG, issue(2)))
  assert.deepEqual(outcomes, [STALE])
  assert.equal(missed?.get(REALM)?.[0]?.seq, 1)
})

test('a reply brings along 256 KB of missed rows, the first ones', async () => {
  const audit = JSON.stringify({ why: 'x'.repeat(10_000) })
  const row = appended({ kind: 'release', id: 'h' }, audit)
  await a.commit(judgedAt(EMPTY_LOG, dependent([], ...Array.from({ length: 50 }, () => row))))
  const { missed } = await b.commit(judgedAt(EMPTY_LOG, write()))
  const rows = missed?.get(REALM) ?? []
  assert.ok(rows.length >= 10 && rows.length <= 13, `${rows.length} rows`)
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    rows.map((_, nth) => nth + 1),
  )
  const check = new LogCheck([])
  for (const one of rows) assert.equal(check.accept(one), undefined)
})

test('a node that stops while its reply is sent holds no lock', async (t) => {
  const row = appended({ kind: 'release', id: 'h' }, JSON.stringify({ why: 'x'.repeat(16_000) }))
  const rows = Array.from({ length: 250 }, () => row)
  for (let group = 0; group < 4; group += 1) await a.commit(judgedAt(await headOf(a), dependent([], ...rows)))
  const proxy = await CuttingProxy.open(server.address.host, server.address.port)
  const stopped = await HandNode.open({ ...server.address, port: proxy.port }, 4, place)
  t.after(async () => {
    stopped.connection.drop()
    await proxy.close()
  })
  proxy.pairs[0]?.stopReading()
  const unread = stopped.commit(judgedAt(EMPTY_LOG, write(put(bareToken(1))))).catch(() => undefined)
  // It is committed by then, or holds its locks while it sends.
  while ((await tokensOf(a)) === 0 && !(await isSending(a))) continue
  await assert.doesNotReject(b.commit(judgedAt(await headOf(a), dependent([], row))))
  stopped.connection.drop()
  await unread
})

async function tokensOf(node: HandNode): Promise<number> {
  const [row] = await node.connection.rows<[number]>('SELECT count(*) FROM rescind.token')
  return row?.[0] ?? 0
}

/** Whether a backend waits for its client to take what it sends. */
async function isSending(node: HandNode): Promise<boolean> {
  const rows = await node.connection.rows(
    "SELECT FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND query LIKE '%group_1%'",
  )
  return rows.length > 0
}

test('[model 3.2] another chain, a log that ends earlier, and a marked fork refuse the realm, and no other', async () => {
  await a.commit(judgedAt(EMPTY_LOG, revoke(tokenTarget(1)), revoke(tokenTarget(2))))
  const head = await headOf(a)
  const altered = { seq: 1, chain: Buffer.alloc(32, 7) }
  const beyond = { seq: 9, chain: head.chain }
  for (const wrong of [altered, beyond, { ...head, chain: altered.chain }]) {
    const heads = new Map([
      [REALM, wrong],
      [OTHER, EMPTY_LOG],
    ])
    const group = judgedAt(
      heads,
      write(put(bareToken(1))),
      writeIn(OTHER, appended({ kind: 'release', id: 'h' })),
    )
    const { outcomes, forked } = await b.commit(group)
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['stale', 'applied'],
    )
    assert.deepEqual(forked, [REALM])
    // The other realm's log has moved by now.
    await b.connection.run(
      "UPDATE rescind.head SET seq = 0, chain = decode(repeat('00', 32), 'hex') WHERE realm = 2",
    )
    await b.connection.run('DELETE FROM rescind.log WHERE realm = 2')
  }
  await a.connection.run('UPDATE rescind.head SET forked = true WHERE realm = 1')
  assert.deepEqual((await b.commit(judgedAt(head, write(put(bareToken(1)))))).outcomes, [STALE])
})

test('the group that begins a new epoch takes off the mark of a fork; no other one does, nor one that fails', async () => {
  const marked = async (): Promise<boolean | undefined> =>
    (await a.connection.rows<[boolean]>('SELECT forked FROM rescind.head WHERE realm = 1'))[0]?.[0]
  const epoch = appended({ kind: 'epoch', ordinal: 1, epochId: 'AAAAAAAAAAAAAAAAAAAAAA', lostBelow: ORIGIN })
  await a.commit(judgedAt(EMPTY_LOG, write(put(bareToken(1)))))
  await a.connection.run('UPDATE rescind.head SET forked = true')
  assert.deepEqual((await a.commit(judgedAt(EMPTY_LOG, write(put(bareToken(2)))))).outcomes, [STALE])
  assert.equal(await marked(), true)
  const taken = await a.commit(judgedAt(EMPTY_LOG, write(put(bareToken(1)), epoch)))
  assert.equal(taken.outcomes[0]?.kind, 'conflict')
  assert.equal(await marked(), true)
  const { outcomes, forked } = await a.commit(judgedAt(EMPTY_LOG, write(epoch)))
  assert.deepEqual([outcomes[0]?.kind, forked], ['applied', []])
  assert.equal(await marked(), false)
})

test('nodes that name realms in different orders never deadlock', async () => {
  const heads = new Map([
    [REALM, EMPTY_LOG],
    [OTHER, EMPTY_LOG],
    [SYSTEM, EMPTY_LOG],
  ])
  const row = appended({ kind: 'release', id: 'h' })
  const caller = { realm: SYSTEM, facts: factsAt(1) }
  for (let round = 0; round < 20; round += 1) {
    const there = [writeIn(REALM, row), { ...writeIn(OTHER, row), dependsOn: [caller] }]
    const back = [writeIn(OTHER, row), writeIn(SYSTEM, row), writeIn(REALM, row)]
    const done = await Promise.all([a.commit(judgedAt(heads, ...there)), b.commit(judgedAt(heads, ...back))])
    assert.ok(done.every(({ outcomes }) => outcomes.every(({ kind }) => kind === 'applied')))
  }
  assert.equal((await headOf(a)).seq, 40)
})

test('groups that only depend on a realm do not wait for each other; one that writes to it waits for both', async () => {
  const heads = new Map([
    [REALM, EMPTY_LOG],
    [OTHER, EMPTY_LOG],
    [SYSTEM, EMPTY_LOG],
  ])
  const caller = { realm: SYSTEM, facts: factsAt(1) }
  const c = await HandNode.open(server.address, 3, place)
  await a.connection.run('BEGIN')
  await a.commit(judgedAt(heads, { ...writeIn(REALM, put(bareToken(1))), dependsOn: [caller] }))
  const other = await b.commit(judgedAt(heads, { ...writeIn(OTHER, put(bareToken(1))), dependsOn: [caller] }))
  assert.equal(other.outcomes[0]?.kind, 'applied')
  const revoked = c.commit(judgedAt(heads, { ...revoke(tokenTarget(1)), realm: SYSTEM }))
  await untilWaiting(b, 1)
  // A sharer that comes later waits behind the one that waits for it all.
  const late = b.commit(judgedAt(heads, { ...writeIn(OTHER, put(bareToken(2))), dependsOn: [caller] }))
  await untilWaiting(a, 2)
  await a.connection.run('COMMIT')
  assert.equal((await revoked).outcomes[0]?.kind, 'applied')
  assert.deepEqual((await late).outcomes, [STALE])
  c.connection.drop()
})

test('a group is refused when its fence was raised, its number was used, or its row is gone', async () => {
  const group = judgedAt(EMPTY_LOG, write(put(bareToken(1))))
  const fenced = { code: 'RS002' }
  await a.commit(group)
  a.no -= 1
  await assert.rejects(a.commit(group), fenced)
  await b.connection.rows('SELECT rescind.fence_1($1, $2, $3, $4)', [a.id, 1, 2, place])
  await assert.rejects(a.commit(group), fenced)
  await b.connection.rows('DELETE FROM rescind.node WHERE id = $1', [a.id])
  a.fence = 2
  await assert.rejects(a.commit(group), fenced)
})

test('raising the fence waits for the group in flight, says what it did, and is never undone by a late one', async () => {
  const raise = async (from: number, to: number, at = place) =>
    b.connection.rows<readonly [number, { codes: readonly number[] } | null]>(
      'SELECT group_no, reply FROM rescind.fence_1($1, $2, $3, $4)',
      [a.id, from, to, at],
    )
  await a.connection.run('BEGIN')
  await a.commit(judgedAt(EMPTY_LOG, revoke(tokenTarget(1))))
  await assert.rejects(raise(1, 2), { code: '55P03' })
  const raised = raise(1, 3)
  await a.connection.run('COMMIT')
  assert.deepEqual(
    (await raised).map(([no, reply]) => [no, reply?.codes]),
    [[1, [1]]],
  )
  assert.deepEqual(await raise(1, 2), [], 'it came late')
  assert.equal((await raise(3, 4)).length, 1)
  assert.deepEqual(await raise(3, 4), [])
  await assert.rejects(raise(4, 5, `${place.slice(0, -1)}9`), { code: 'RS004' })
  assert.equal((await raise(4, 5)).length, 1, 'another server raises nothing')
})

test('a rule is kept past the expiry that another node gave out a moment ago', async () => {
  const far = NOW_MS + 500 * DAY_MS
  const [source, realm, session]: readonly Target[] = [
    { kind: 'cut', shape: 'source', principals: { source: SOURCE } },
    { kind: 'cut', shape: 'realm', principals: { source: SOURCE } },
    { kind: 'session', source: 'identity', session: 's' },
  ]
  await a.commit(judgedAt(EMPTY_LOG, write(put(bareToken(1, { source: SOURCE, expiresAtMs: far })))))
  const writes = [source, realm, session].map((target) => revoke(target as Target, NOW_MS))
  const { outcomes, timesMs } = await b.commit(judgedAt(EMPTY_LOG, ...writes))
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['applied', 'applied', 'applied'],
  )
  const rows = await b.connection.rows<readonly [Buffer, number]>(
    'SELECT rule, at FROM rescind.log ORDER BY seq',
  )
  const ceiling = Math.ceil(far / DAY_MS) * DAY_MS
  const keeps = [keptPast(ceiling), keptPast(ceiling), NOW_MS]
  assert.deepEqual(
    rows.map(([rule]) => keepInBytes(rule)),
    keeps,
  )
  assert.deepEqual(
    rows.map(([, at]) => at),
    rows.map(() => timesMs?.get(REALM)),
  )
  const given = writes.map(({ operations: [row] }) =>
    row?.kind === 'append' ? row.row.bytes : Buffer.alloc(0),
  )
  assert.deepEqual(given.map(keepInBytes), keeps, 'the node learns it')
  assert.equal(decodeRule({ kind: 1, rule: rows[0]?.[0] ?? Buffer.alloc(0) }).kind, 'revoke')
})

test('a rule whose source outlives every date is kept for good', async () => {
  const source: Target = { kind: 'cut', shape: 'source', principals: { source: SOURCE } }
  await a.commit(
    judgedAt(EMPTY_LOG, write(put(bareToken(1, { source: SOURCE, expiresAtMs: LAST_INSTANT_MS })))),
  )
  const own = revoke(source, NOW_MS)
  // Doubles are rounded then.
  await b.connection.rows("SELECT set_config('extra_float_digits', '0', false)")
  await b.commit(judgedAt(EMPTY_LOG, own))
  const [row] = await b.connection.rows<readonly [Buffer]>('SELECT rule FROM rescind.log')
  assert.equal(keepInBytes(row?.[0] ?? Buffer.alloc(9)), Number.MAX_SAFE_INTEGER)
  const [given] = own.operations
  assert.ok(given?.kind === 'append')
  assert.equal(keepInBytes(given.row.bytes), Number.MAX_SAFE_INTEGER, 'the node learns it exactly')
})

test('a rule that was computed by older terms of an issuer is stale; one on a token needs no terms', async () => {
  const change: Rule = { kind: 'change', collection: 'issuerTerms', id: 'i', version: 1 }
  await a.commit(judgedAt(EMPTY_LOG, dependent([], appended(change))))
  const realm: Target = { kind: 'cut', shape: 'realm', principals: { source: SOURCE } }
  const { outcomes } = await b.commit(judgedAt(EMPTY_LOG, revoke(realm), revoke(tokenTarget(1))))
  assert.deepEqual(outcomes, [STALE, { kind: 'applied', firstSeq: 2 }])
})

test('a group is refused under another isolation, with a statement timeout, and on another server', async () => {
  const group = judgedAt(EMPTY_LOG, write(put(bareToken(1))))
  await a.connection.run('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await assert.rejects(a.commit(group), { code: 'RS003' })
  await a.connection.run('ROLLBACK')
  await a.connection.run("SET statement_timeout = '10s'")
  await assert.rejects(a.commit(group), { code: 'RS003' })
  await a.connection.run('RESET statement_timeout')
  await assert.rejects(a.commit(group, `${place.slice(0, -1)}9`), { code: 'RS004' })
  await b.connection.run("UPDATE rescind.store SET moved_to = 'sqlite:x'")
  await assert.rejects(a.commit(group), { code: 'RS005', message: 'this store was moved to sqlite:x' })
  await b.connection.run('UPDATE rescind.store SET moved_to = NULL')
})

test('a write that conflicts halfway undoes its realm’s part alone, and the other writes apply', async () => {
  const release = appended({ kind: 'release', id: 'h' })
  const heads = new Map([
    [REALM, EMPTY_LOG],
    [OTHER, EMPTY_LOG],
  ])
  const halfway = write(release, putRecord('r'), put(bareToken(1)))
  const { outcomes } = await a.commit(
    judgedAt(heads, write(put(bareToken(1)), release), halfway, write(release), writeIn(OTHER, release)),
  )
  const applied = (firstSeq: number) => ({ kind: 'applied', firstSeq })
  assert.deepEqual(outcomes, [applied(1), { kind: 'conflict', what: 'token-exists' }, applied(2), applied(1)])
  const rows = await a.connection.rows<readonly [number]>(
    'SELECT seq FROM rescind.log WHERE realm = 1 ORDER BY seq',
  )
  assert.deepEqual(
    rows.map(([seq]) => seq),
    [1, 2],
  )
})

test('a function commits durably even where the session asked for less', async () => {
  await a.connection.run('SET synchronous_commit = off')
  await a.connection.run('BEGIN')
  await a.commit(judgedAt(EMPTY_LOG, write(put(bareToken(1)))))
  const [row] = await a.connection.rows<[string]>("SELECT current_setting('synchronous_commit')")
  assert.equal(row?.[0], 'on')
  await a.connection.run('COMMIT')
})
