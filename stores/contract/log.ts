import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { LogHead, Operation, Store } from '@rescind/authority'
import { LAST_INSTANT_MS, position, realmOrdinal } from '@rescind/core'
import { type ChainedLogRow, type Rule, traitsOf } from '@rescind/core/log'
import type { Clause } from './clause.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  digestAt,
  handleAt,
  hex,
  NOW_MS,
  OTHER_REALM,
  put,
  REALM,
  SOURCE,
  write,
  writeIn,
} from './samples.ts'

/** One rule of every kind. */
const RULES: readonly Rule[] = [
  {
    kind: 'revoke',
    target: { kind: 'token', source: SOURCE, digest: digestAt(1), handle: handleAt(1) },
    keepUntilMs: LAST_INSTANT_MS,
  },
  {
    kind: 'hold',
    id: 'hold é',
    target: { kind: 'cut', shape: 'client', principals: { source: SOURCE, client: 'c' } },
  },
  { kind: 'release', id: 'hold é' },
  { kind: 'change', collection: 'things', id: 'one', version: 3 },
  { kind: 'epoch', ordinal: 2, epochId: 'x'.repeat(22), lostBelow: position(1, 5) },
]

const AUDITS = ['', '{"by":"test"}', '{"by":"Zoë \u{1f511}","why":"\\u0000"}', 'x'.repeat(5_000), '{}']

const ROWS: readonly Operation[] = RULES.map((rule, at) =>
  append({ rule, audit: AUDITS[at] ?? '', atMs: at === 0 ? LAST_INSTANT_MS : NOW_MS + at }),
)

/**
 * Model §3.1, computed here independently of core: SHA-256(previous ‖ u64be seq ‖ u64be at ‖ u8 kind ‖ SHA-256(rule) ‖
 * SHA-256(audit)).
 */
function headAfter(operations: readonly Operation[]): LogHead {
  const hash = (...parts: readonly (Uint8Array | string)[]): Buffer => {
    const sum = createHash('sha256')
    for (const part of parts) sum.update(part)
    return sum.digest()
  }
  let chain: Buffer = Buffer.alloc(32)
  let seq = 0
  for (const operation of operations) {
    if (operation.kind !== 'append') continue
    const { atMs, rule, bytes, audit } = operation.row
    seq += 1
    const numbers = `${seq.toString(16).padStart(16, '0')}${atMs.toString(16).padStart(16, '0')}`
    const kind = traitsOf(rule).code.toString(16).padStart(2, '0')
    chain = hash(chain, Buffer.from(numbers + kind, 'hex'), hash(bytes), hash(audit))
  }
  return { seq, chain }
}

/** The operations with the times that their rows have, because a store may have a clock of its own. */
async function asStored(
  store: Store,
  operations: readonly Operation[],
  realm = REALM,
): Promise<readonly Operation[]> {
  const rows = await store.rowsAfter(realm, 0, 1_000)
  return operations.map((operation, at) => {
    const atMs = rows[at]?.atMs
    return operation.kind !== 'append' || atMs === undefined
      ? operation
      : { ...operation, row: { ...operation.row, atMs } }
  })
}

async function assertHead(store: Store, operations: readonly Operation[], realm = REALM): Promise<void> {
  const head = await store.head(realm)
  const expected = headAfter(await asStored(store, operations, realm))
  assert.deepEqual([head.seq, hex(head.chain)], [expected.seq, hex(expected.chain)])
}

function comparableRow(row: Omit<ChainedLogRow, 'audit'>): unknown {
  return { ...row, rule: hex(row.rule), auditHash: hex(row.auditHash), chain: hex(row.chain) }
}

export function logContract(clause: Clause, ownTimes: boolean): void {
  chains(clause)
  numbering(clause)
  reading(clause, ownTimes)
}

function chains(clause: Clause): void {
  clause(
    'the head of an empty log is seq 0 and 32 zero bytes, also when another realm has rows',
    async ({ store }) => {
      await assertHead(store, [])
      await commit(store, writeIn(OTHER_REALM, ...ROWS))
      await assertHead(store, [])
      assert.deepEqual(await store.rowsAfter(REALM, 0, 10), [])
    },
  )

  clause(
    'every row is chained to all earlier ones, within writes, across writes, groups and conflicts',
    async ({ store }) => {
      await commit(store, write(put(bareToken(1))))
      const { heads } = await commit(
        store,
        write(...ROWS),
        write(put(bareToken(1)), append()),
        write(append()),
      )
      const first = [...ROWS, append()]
      await assertHead(store, first)
      assert.deepEqual(hex(heads.get(REALM)?.chain), hex(headAfter(await asStored(store, first)).chain))
      await commit(store, write(append({ audit: 'later' })))
      await assertHead(store, [...first, append({ audit: 'later' })])
    },
  )

  clause('the chain covers the audit bytes: another text gives another head', async ({ store }) => {
    await commit(store, write(append({ audit: 'a' })), writeIn(OTHER_REALM, append({ audit: 'b' })))
    await assertHead(store, [append({ audit: 'a' })])
    await assertHead(store, [append({ audit: 'b' })], OTHER_REALM)
    assert.notDeepEqual(hex((await store.head(REALM)).chain), hex((await store.head(OTHER_REALM)).chain))
  })
}

function numbering(clause: Clause): void {
  clause('each realm counts its own rows, without a gap, from 1', async ({ store }) => {
    const [low, mid, high] = [realmOrdinal(0), realmOrdinal(1), realmOrdinal(8_000)]
    const { outcomes, heads } = await commit(
      store,
      writeIn(mid, append(), append()),
      writeIn(low, append()),
      writeIn(high, append()),
      writeIn(mid, append()),
      writeIn(high, append(), append(), append()),
    )
    assert.deepEqual(outcomes, [applied(1), applied(1), applied(1), applied(3), applied(2)])
    assert.deepEqual(
      [low, mid, high].map((realm) => heads.get(realm)?.seq),
      [1, 3, 4],
    )
    const next = await commit(store, writeIn(low, append()), writeIn(high, append()), writeIn(mid, append()))
    assert.deepEqual(next.outcomes, [applied(2), applied(5), applied(4)])
    for (const [realm, count] of [
      [low, 2],
      [mid, 4],
      [high, 5],
    ] as const) {
      const rows = await store.rowsAfter(realm, 0, 100)
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        Array.from({ length: count }, (_, at) => at + 1),
      )
    }
  })

  clause(
    'a write without rows gets the head’s seq, a write with rows that of its first one',
    async ({ store }) => {
      await commit(store, write(append(), append()))
      const { outcomes } = await commit(store, write(put(bareToken(1))), write(append(), append(), append()))
      assert.deepEqual(outcomes, [applied(2), applied(3)])
    },
  )
}

function reading(clause: Clause, ownTimes: boolean): void {
  clause('rows come back byte by byte, in order, after a seq and up to a limit', async ({ store }) => {
    await commit(store, write(...ROWS))
    const all = await store.rowsAfter(REALM, 0, 100)
    for (const [at, operation] of ROWS.entries()) {
      if (operation.kind !== 'append') continue
      const { atMs, rule, bytes } = operation.row
      const row = all[at]
      assert.deepEqual([row?.seq, row?.kind], [at + 1, traitsOf(rule).code])
      if (ownTimes) assert.ok((row?.atMs ?? 0) >= (all[at - 1]?.atMs ?? 1), 'times never fall')
      else assert.equal(row?.atMs, atMs)
      assert.equal(hex(row?.rule), hex(bytes))
    }
    const seqs = async (after: number, limit: number): Promise<number[]> =>
      (await store.rowsAfter(REALM, after, limit)).map(({ seq }) => seq)
    assert.deepEqual(await seqs(0, 2), [1, 2])
    assert.deepEqual(await seqs(2, 2), [3, 4])
    assert.deepEqual(await seqs(4, 2), [5])
    assert.deepEqual(await seqs(5, 2), [])
    assert.deepEqual(await seqs(99, 2), [])
  })

  clause('rows come with the hash of their audit and the chain after them', async ({ store }) => {
    await commit(store, write(...ROWS))
    const rows = await store.chainedRowsAfter(REALM, 0, 100)
    assert.equal(rows.length, ROWS.length)
    const stored = await asStored(store, ROWS)
    for (const [at, operation] of ROWS.entries()) {
      if (operation.kind !== 'append') continue
      const { audit, bytes } = operation.row
      assert.equal(hex(rows[at]?.rule), hex(bytes))
      assert.equal(hex(rows[at]?.auditHash), createHash('sha256').update(audit).digest('hex'))
      assert.equal(hex(rows[at]?.chain), hex(headAfter(stored.slice(0, at + 1)).chain))
      assert.equal(rows[at]?.audit, audit)
    }
    const page = await store.chainedRowsAfter(REALM, 2, 2)
    assert.deepEqual(
      page.map(({ seq }) => seq),
      [3, 4],
    )
    assert.deepEqual(await store.chainedRowsAfter(REALM, 99, 2), [])
  })

  clause(
    'forgetting an audit keeps its hash and the chain, and changes no other realm',
    async ({ store, reopen }) => {
      await commit(store, write(...ROWS), writeIn(OTHER_REALM, ...ROWS))
      const before = await store.chainedRowsAfter(REALM, 0, 100)
      const forget = { kind: 'forget-audit', fromSeq: 2, throughSeq: 3 } as const
      await commit(store, write(forget))
      const check = async (opened: Store): Promise<void> => {
        const rows = await opened.chainedRowsAfter(REALM, 0, 100)
        for (const [at, { audit: left, ...kept }] of rows.entries()) {
          const { audit, ...rest } = before[at] as ChainedLogRow
          assert.deepEqual(comparableRow(kept), comparableRow(rest))
          assert.equal(left, at === 1 || at === 2 ? undefined : audit)
        }
        const others = await opened.chainedRowsAfter(OTHER_REALM, 0, 100)
        assert.ok(others.every(({ audit }) => audit !== undefined))
      }
      await check(store)
      const again = await reopen()
      await check(again)
      // Repeating it changes nothing, nor does forgetting audits of rows that do not exist.
      const beyond = { ...forget, fromSeq: 90, throughSeq: 99 }
      const { outcomes } = await commit(again, write(forget), write(beyond))
      assert.ok(outcomes.every(({ kind }) => kind === 'applied'))
      await check(again)
    },
  )

  clause('2,500 rows are read in pages without a gap or a repetition', async ({ store }) => {
    for (let group = 0; group < 5; group += 1) {
      const writes = Array.from({ length: 250 }, () => write(append(), append()))
      await commit(store, ...writes)
    }
    const seqs: number[] = []
    for (let after = 0; ; after = seqs.length) {
      const page = await store.rowsAfter(REALM, after, 1_000)
      seqs.push(...page.map(({ seq }) => seq))
      if (page.length < 1_000) break
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: 2_500 }, (_, at) => at + 1),
    )
  })
}
