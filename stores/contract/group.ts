import assert from 'node:assert/strict'
import type { Operation, Store, Write, WriteOutcome } from '@rescind/authority'
import type { Clause } from './clause.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  comparable,
  conflict,
  consume,
  deleteRecord,
  digestAt,
  forget,
  handleAt,
  NOW_MS,
  OTHER_REALM,
  put,
  putRecord,
  REALM,
  write,
  writeIn,
} from './samples.ts'

export function groupContract(clause: Clause): void {
  atomicity(clause)
  neighbours(clause)
  expectations(clause)
  largeGroup(clause)
}

/** One of each operation; all of them would succeed. */
const ALL: readonly Operation[] = [
  append(),
  put(bareToken(1)),
  { kind: 'extend-token', digest: digestAt(50), source: 'oauth', expiresAtMs: NOW_MS, atMs: NOW_MS },
  consume(1),
  putRecord('new', { keys: [{ name: 'name', value: 'new' }] }),
  putRecord('held', { fromVersion: 1, body: '{"moved":true}', keys: [{ name: 'name', value: 'moved' }] }),
  deleteRecord('doomed', 1),
  forget(51, { tombstone: true }),
  append(),
]

/** Operations that conflict after `prepare`, each for another reason. */
const CONFLICTS: readonly (readonly [Operation, WriteOutcome])[] = [
  [put(bareToken(50)), conflict('token-exists')],
  [
    { kind: 'extend-token', digest: digestAt(99), source: 'oauth', expiresAtMs: 1, atMs: 1 },
    conflict('token-missing'),
  ],
  [consume(52), conflict('consumed')],
  [putRecord('held', { fromVersion: 7 }), conflict('record-changed')],
  [putRecord('newer', { keys: [{ name: 'name', value: 'taken' }] }), conflict('key-taken')],
  [deleteRecord('absent', 0), conflict('record-changed')],
  [forget(99, { tombstone: true }), conflict('token-missing')],
]

async function prepare(store: Store): Promise<void> {
  await commit(
    store,
    write(append()),
    write(put(bareToken(50)), put(bareToken(51)), put(bareToken(52)), consume(51), consume(52)),
    write(putRecord('held', { keys: [{ name: 'name', value: 'held' }] }), putRecord('doomed')),
    write(putRecord('taker', { keys: [{ name: 'name', value: 'taken' }] })),
  )
}

/** Everything that this file's writes can touch, as read from the store. */
async function state(store: Store): Promise<unknown> {
  const numbers = [1, 50, 51, 52, 99]
  const ids = ['new', 'newer', 'held', 'doomed', 'absent', 'taker']
  const keys = ['new', 'held', 'moved', 'taken']
  const client = { source: 'chat/acme', client: 'c', after: undefined, limit: 100 }
  return {
    tokens: await each(numbers, async (number) =>
      comparable(await store.tokenByDigest(REALM, digestAt(number))),
    ),
    handles: await each(
      numbers,
      async (number) => (await store.tokenByHandle(REALM, handleAt(number)))?.digest,
    ),
    consumed: await each(numbers, (number) => store.consumption(REALM, handleAt(number))),
    tombstones: await each(numbers, (number) => store.isTombstone(REALM, digestAt(number))),
    records: await each(ids, (id) => store.record(REALM, 'things', id)),
    byKey: await each(keys, (value) =>
      store.recordByKey(REALM, { collection: 'things', name: 'name', value }),
    ),
    head: await store.head(REALM),
    rows: (await store.rowsAfter(REALM, 0, 100)).length,
    ofClient: await store.tokensOfClient(REALM, client),
  }
}

async function each<T, R>(items: readonly T[], read: (item: T) => R | Promise<R>): Promise<Awaited<R>[]> {
  const results: Awaited<R>[] = []
  for (const item of items) results.push(await read(item))
  return results
}

function atomicity(clause: Clause): void {
  for (const [operation, outcome] of CONFLICTS) {
    const what = outcome.kind === 'conflict' ? outcome.what : outcome.kind
    clause(
      `a write whose last operation conflicts leaves nothing behind (${operation.kind}: ${what})`,
      async ({ store }) => {
        await prepare(store)
        const before = await state(store)
        assert.deepEqual((await commit(store, write(...ALL, operation))).outcomes, [outcome])
        assert.deepEqual(await state(store), before)
        assert.deepEqual(
          (await commit(store, write(...ALL))).outcomes,
          [applied(2)],
          'all of it was possible',
        )
      },
    )

    clause(
      `a write of one operation that conflicts leaves nothing behind (${operation.kind}: ${what})`,
      async ({ store }) => {
        await prepare(store)
        const before = await state(store)
        assert.deepEqual((await commit(store, write(operation))).outcomes, [outcome])
        assert.deepEqual(await state(store), before)
      },
    )
  }

  clause(
    'a record whose new key is taken keeps its version, its body and its old keys',
    async ({ store }) => {
      await prepare(store)
      const before = await state(store)
      const keys = [
        { name: 'name', value: 'fresh' },
        { name: 'name', value: 'taken' },
      ]
      const stolen = putRecord('held', { fromVersion: 1, body: '{"stolen":true}', keys })
      assert.deepEqual((await commit(store, write(stolen))).outcomes, [conflict('key-taken')])
      assert.deepEqual(await state(store), before)
    },
  )

  clause('tokens keep their order after a write that forgot one and then conflicted', async ({ store }) => {
    const tokens = [1, 2, 3].map((number) => ({ ...bareToken(number), client: 'c' }))
    await commit(store, ...tokens.map((record) => write(put(record))))
    await commit(store, write(forget(1, { tombstone: false }), consume(5), consume(5)))
    const ask = { source: 'chat/acme', client: 'c', after: undefined, limit: 10 }
    const { records } = await store.tokensOfClient(REALM, ask)
    assert.deepEqual(
      records.map(({ handle }) => handle),
      [1, 2, 3].map(handleAt),
    )
  })
}

function neighbours(clause: Clause): void {
  clause('a write that conflicts takes no seq and affects no other write of its group', async ({ store }) => {
    const { outcomes, heads } = await commit(
      store,
      write(append(), put(bareToken(1)), append()),
      write(append(), put(bareToken(1)), append()),
      write(put(bareToken(2)), append()),
      write(append(), consume(1), consume(1)),
      write(put(bareToken(3))),
      write(append()),
    )
    assert.deepEqual(outcomes, [
      applied(1),
      conflict('token-exists'),
      applied(3),
      conflict('consumed'),
      applied(3),
      applied(4),
    ])
    assert.equal(heads.get(REALM)?.seq, 4)
    const rows = await store.rowsAfter(REALM, 0, 100)
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [1, 2, 3, 4],
    )
    assert.equal(await store.consumption(REALM, handleAt(1)), undefined)
    for (const number of [1, 2, 3]) {
      assert.notEqual(await store.tokenByDigest(REALM, digestAt(number)), undefined)
    }
  })

  clause('a write sees what earlier writes of its group did, in their order', async ({ store }) => {
    const named = (id: string): Operation => putRecord(id, { keys: [{ name: 'name', value: 'one' }] })
    const { outcomes } = await commit(
      store,
      write(named('first')),
      write(named('second')),
      write(deleteRecord('first', 1)),
      write(named('second')),
      write(put(bareToken(1))),
      write({
        kind: 'extend-token',
        digest: digestAt(1),
        source: 'oauth',
        expiresAtMs: NOW_MS,
        atMs: NOW_MS,
      }),
      write(forget(1, { tombstone: false })),
      write(put(bareToken(1))),
    )
    assert.deepEqual(outcomes, [
      applied(0),
      conflict('key-taken'),
      ...[applied(0), applied(0), applied(0), applied(0), applied(0), applied(0)],
    ])
  })
}

function expectations(clause: Clause): void {
  clause('a write whose expectation fails is a conflict, and is not applied', async ({ store }) => {
    await commit(store, write(putRecord('held')), write(putRecord('gone')), write(deleteRecord('gone', 1)))
    const expecting = (id: string, version: number): Write => ({
      ...write(append()),
      expects: [
        { collection: 'things', id: 'held', version: 1 },
        { collection: 'things', id, version },
      ],
    })
    const { outcomes } = await commit(
      store,
      expecting('held', 1),
      expecting('held', 2),
      expecting('held', 0),
      expecting('never', 0),
      expecting('never', 1),
      expecting('gone', 2),
      expecting('gone', 0),
    )
    const changed = conflict('record-changed')
    assert.deepEqual(outcomes, [applied(1), changed, changed, applied(2), changed, applied(3), changed])
    assert.equal((await store.head(REALM)).seq, 3)
  })

  clause(
    'expectations are checked before the operations of the write, and in its own realm',
    async ({ store }) => {
      const expects = [{ collection: 'things', id: 'held', version: 0 }]
      const { outcomes } = await commit(
        store,
        { ...write(putRecord('held')), expects },
        { ...write(append()), expects },
        { ...writeIn(OTHER_REALM, append()), expects },
      )
      assert.deepEqual(outcomes, [applied(0), conflict('record-changed'), applied(1)])
    },
  )
}

/** The n-th write of a large group, and its expected outcome; `seqs` counts rows by realm. */
function mixed(at: number, seqs: number[]): readonly [Write, WriteOutcome] {
  const side = at % 2
  const realm = side === 0 ? REALM : OTHER_REALM
  const rows = (count: number): WriteOutcome => {
    const first = (seqs[side] ?? 0) + 1
    seqs[side] = first + count - 1
    return applied(count === 0 ? first - 1 : first)
  }
  switch (Math.floor(at / 2) % 8) {
    case 0:
      return [writeIn(realm, put(bareToken(at)), append()), rows(1)]
    case 1:
      return [writeIn(realm, append(), append(), put(bareToken(at - 2))), conflict('token-exists')]
    case 2:
      return [writeIn(realm, consume(at - 4)), rows(0)]
    case 3:
      return [writeIn(realm, append(), consume(at - 6)), conflict('consumed')]
    case 4:
      return [writeIn(realm, append(), putRecord(`r${at}`), append(), append()), rows(3)]
    case 5:
      return [writeIn(realm, putRecord(`r${at - 2}`), append()), conflict('record-changed')]
    case 6:
      return [writeIn(realm, append(), deleteRecord(`r${at - 4}`, 1)), rows(1)]
    default:
      return [writeIn(realm, forget(at - 14, { tombstone: true })), rows(0)]
  }
}

function largeGroup(clause: Clause): void {
  clause(
    'a group of 256 mixed writes of two realms: each has its own outcome, in the order of the writes',
    async ({ store }) => {
      const seqs = [0, 0]
      const asked = Array.from({ length: 256 }, (_, at) => mixed(at, seqs))
      const { outcomes, heads } = await commit(store, ...asked.map(([one]) => one))
      assert.deepEqual(
        outcomes,
        asked.map(([, outcome]) => outcome),
      )
      for (const [side, realm] of [REALM, OTHER_REALM].entries()) {
        const head = await store.head(realm)
        assert.equal(head.seq, seqs[side])
        assert.deepEqual(heads.get(realm), head)
        const rows = await store.rowsAfter(realm, 0, 1_000)
        assert.deepEqual(
          rows.map(({ seq }) => seq),
          Array.from({ length: head.seq }, (_, row) => row + 1),
        )
      }
      assert.equal(await store.isTombstone(REALM, digestAt(0)), true)
    },
  )
}
