import assert from 'node:assert/strict'
import { LogCheck, type Operation, type Store, type TrimLog } from '@rescind/authority'
import { CHAIN_START, type ChainedLogRow } from '@rescind/core/log'
import type { Clause } from './clause.ts'
import {
  append,
  bareToken,
  commit,
  conflict,
  hex,
  OTHER_REALM,
  put,
  REALM,
  write,
  writeIn,
} from './samples.ts'

const ROWS: readonly Operation[] = Array.from({ length: 10 }, (_, nth) => append({ audit: `${nth}` }))

function trim(throughSeq: number, rows: Partial<TrimLog> = {}): TrimLog {
  return { kind: 'trim-log', throughSeq, keep: [], forget: [], ...rows }
}

async function seqsOf(store: Store, realm = REALM): Promise<readonly number[]> {
  return (await store.rowsAfter(realm, 0, 1_000)).map(({ seq }) => seq)
}

async function keptOf(store: Store, after = 0, limit = 100): Promise<readonly unknown[]> {
  const rows = await store.keptRows(REALM, after, limit)
  return rows.map(({ seq, atMs, kind, rule }) => [seq, atMs, kind, hex(rule)])
}

function plain({ seq, atMs, kind, rule }: ChainedLogRow): unknown {
  return [seq, atMs, kind, hex(rule)]
}

async function anchorOf(store: Store, realm = REALM): Promise<unknown> {
  const { seq, chain } = await store.anchor(realm)
  return [seq, hex(chain)]
}

export function trimContract(clause: Clause): void {
  clause('a log that was never trimmed begins at seq 0, with 32 zero bytes', async ({ store }) => {
    assert.deepEqual(await anchorOf(store), [0, hex(CHAIN_START)])
    assert.deepEqual(await keptOf(store), [])
  })

  clause('trimmed rows leave the position of the last one, and the rules to be kept', async (opened) => {
    await commit(opened.store, write(...ROWS), writeIn(OTHER_REALM, ...ROWS))
    const before = await opened.store.chainedRowsAfter(REALM, 0, 100)
    await commit(opened.store, write(trim(4, { keep: [1, 3] })), write(append()))
    const check = async (store: Store): Promise<void> => {
      assert.deepEqual(await anchorOf(store), [4, hex(before[3]?.chain)])
      assert.deepEqual(await seqsOf(store), [5, 6, 7, 8, 9, 10, 11])
      assert.deepEqual(
        await keptOf(store),
        [before[0], before[2]].map((row) => plain(row as ChainedLogRow)),
      )
      assert.deepEqual(await keptOf(store, 1, 1), [plain(before[2] as ChainedLogRow)])
      assert.equal((await store.head(REALM)).seq, 11)
      const chained = await store.chainedRowsAfter(REALM, 2, 3)
      assert.deepEqual(
        chained.map(({ seq }) => seq),
        [5, 6, 7],
      )
      const log = new LogCheck([], await store.anchor(REALM))
      for (const row of await store.chainedRowsAfter(REALM, 4, 100)) assert.equal(log.accept(row), undefined)
      assert.deepEqual(
        await seqsOf(store, OTHER_REALM),
        Array.from({ length: 10 }, (_, at) => at + 1),
      )
      assert.deepEqual(await anchorOf(store, OTHER_REALM), [0, hex(CHAIN_START)])
    }
    await check(opened.store)
    await check(await opened.reopen())
  })

  clause(
    'trimming again changes nothing, trimming can continue, and kept rules can be forgotten',
    async ({ store }) => {
      await commit(store, write(...ROWS))
      await commit(store, write(trim(4, { keep: [1, 2] })))
      await commit(store, write(trim(4, { keep: [1, 2] })), write(trim(2, { keep: [1] })))
      assert.equal((await store.anchor(REALM)).seq, 4)
      await commit(store, write(trim(7, { keep: [6], forget: [1] })))
      assert.deepEqual(
        (await store.keptRows(REALM, 0, 9)).map(({ seq }) => seq),
        [2, 6],
      )
      assert.deepEqual(await seqsOf(store), [8, 9, 10])
      await commit(store, write({ kind: 'forget-audit', fromSeq: 1, throughSeq: 9 }))
      const audits = (await store.chainedRowsAfter(REALM, 0, 9)).map(({ audit }) => audit)
      assert.deepEqual(audits, [undefined, undefined, '9'])
    },
  )

  clause('a log keeps its last row, even if asked to drop it', async ({ store }) => {
    await commit(store, write(...ROWS))
    const { outcomes } = await commit(store, write(trim(10)), write(trim(99)), write(trim(9)))
    assert.deepEqual(outcomes.slice(0, 2), [conflict('record-changed'), conflict('record-changed')])
    assert.deepEqual(await seqsOf(store), [10])
  })

  clause('a write that trims and then conflicts trims nothing', async ({ store }) => {
    await commit(store, write(...ROWS), write(put(bareToken(1))))
    await commit(store, write(trim(3, { keep: [2], forget: [] }), put(bareToken(1))))
    assert.deepEqual(
      await seqsOf(store),
      Array.from({ length: 10 }, (_, at) => at + 1),
    )
    assert.deepEqual([await keptOf(store), await anchorOf(store)], [[], [0, hex(CHAIN_START)]])
  })
}
