import assert from 'node:assert/strict'
import type { Store, Watched, Write } from '@rescind/authority'
import type { ChainedLogRow } from '@rescind/core/log'
import type { Clause } from './clause.ts'
import {
  append,
  bareToken,
  commit,
  deleteRecord,
  OTHER_REALM,
  put,
  REALM,
  write,
  writeIn,
} from './samples.ts'

/** A reader that records what it is told. */
class Reader {
  readonly told: Watched[] = []
  readonly stop: () => void
  #seen = (): void => {}

  constructor(store: Store, after: number, slowly: () => Promise<void> = async () => {}) {
    this.stop = store.watch(REALM, after, async (watched) => {
      this.told.push(watched)
      this.#seen()
      await slowly()
    })
  }

  get rows(): readonly ChainedLogRow[] {
    return this.told.flatMap((watched) => (watched.kind === 'rows' ? watched.rows : []))
  }

  /** Resolves once it was told that many rows, or that the watch ended. Returns their seqs. */
  async until(count: number): Promise<readonly number[]> {
    while (this.rows.length < count && this.told.every(({ kind }) => kind === 'rows'))
      await new Promise<void>((resolve) => {
        this.#seen = resolve
      })
    return this.rows.map(({ seq }) => seq)
  }
}

function rows(count: number): readonly Write[] {
  return Array.from({ length: count }, () => write(append()))
}

async function turns(): Promise<void> {
  for (let left = 20; left > 0; left -= 1)
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
}

export function watchContract(clause: Clause): void {
  clause(
    'a watch reports existing rows after its place, then new ones, with their chain',
    async ({ store }) => {
      await commit(store, ...rows(3))
      const reader = new Reader(store, 1)
      assert.deepEqual(await reader.until(2), [2, 3])
      await commit(store, ...rows(2))
      assert.deepEqual(await reader.until(4), [2, 3, 4, 5])
      assert.deepEqual(reader.rows, await store.chainedRowsAfter(REALM, 1, 10))
      reader.stop()
    },
  )

  clause('a watch reports no other realm, and no refused write', async ({ store }) => {
    const reader = new Reader(store, 0)
    await commit(store, writeIn(OTHER_REALM, append()), write(put(bareToken(1))))
    await commit(store, write(append(), deleteRecord('none', 1)))
    await turns()
    assert.deepEqual(reader.told, [])
    await commit(store, write(append()))
    assert.deepEqual(await reader.until(1), [1])
    reader.stop()
  })

  clause('each of several readers of a realm gets everything', async ({ store }) => {
    const readers = [new Reader(store, 0), new Reader(store, 0)]
    await commit(store, ...rows(2))
    for (const reader of readers) assert.deepEqual(await reader.until(2), [1, 2])
    for (const reader of readers) reader.stop()
  })

  clause('a watch that was stopped reports nothing more', async ({ store }) => {
    const reader = new Reader(store, 0)
    await commit(store, write(append()))
    await reader.until(1)
    reader.stop()
    await commit(store, write(append()))
    await turns()
    assert.deepEqual(await reader.until(1), [1])
  })

  clause('a slow reader gets 1,000 rows at most, one batch at a time', async ({ store }) => {
    await commit(store, ...rows(1_001))
    let telling = 0
    const committed = Promise.withResolvers<void>()
    const reader = new Reader(store, 0, async () => {
      telling += 1
      assert.equal(telling, 1)
      await committed.promise
      telling -= 1
    })
    await reader.until(1_000)
    await commit(store, ...rows(2))
    await turns()
    committed.resolve()
    assert.equal((await reader.until(1_003)).at(-1), 1_003)
    assert.deepEqual(
      reader.told.map((watched) => (watched.kind === 'rows' ? watched.rows.length : watched.kind)),
      [1_000, 3],
    )
    reader.stop()
  })

  clause('a watch whose next row was trimmed reports that and ends', async ({ store }) => {
    await commit(store, ...rows(4))
    await commit(store, write({ kind: 'trim-log', throughSeq: 2, keep: [], forget: [] }))
    const reader = new Reader(store, 1)
    await reader.until(1)
    await commit(store, write(append()))
    await turns()
    assert.deepEqual(reader.told, [{ kind: 'trimmed', anchor: await store.anchor(REALM) }])
    const next = new Reader(store, 2)
    assert.deepEqual(await next.until(3), [3, 4, 5])
    next.stop()
  })
}
