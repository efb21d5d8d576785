import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { EXPIRING_KINDS, type Operation, type Store } from '@rescind/authority'
import { append, bareToken, commit, consume, NOW_MS, put, putRecord, write } from '../contract/samples.ts'
import { Checkpoints } from './checkpoints.ts'
import { openSqlite } from './store.ts'

const MIB = 2 ** 20
/** 32 MiB, and the megabyte or so by which a group exceeds it on a busy machine. */
const LOG_MAX_BYTES = 36 * MIB
const GROUP_WRITES = 64
const GROUPS = 60

type Site = { readonly store: Store; readonly path: string; readonly logBytes: () => number }

async function siteOf(t: TestContext): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-checkpoints-'))
  const path = join(folder, 'rescind.db')
  const store = await openSqlite(path, 1_000)
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  return { store, path, logBytes: () => statSync(`${path}-wal`).size }
}

/** Ways to make a group large; sixty groups of each write about 60 MB. */
const LARGE: Readonly<Record<string, (at: number) => Operation>> = {
  'long token texts that are kept sealed': (at) =>
    put({ ...bareToken(at), kind: 'assigned', sealed: Buffer.alloc(16_384, at) }),
  'tokens of as many clients and ends as there are tokens': (at) =>
    put({
      ...bareToken(at),
      client: `client ${(at * 7_919) % 1_000_003}`,
      expiresAtMs: NOW_MS + ((at * 104_729) % 1_000_003),
      claims: { note: 'x'.repeat(12_000) },
    }),
  'large records of the directory': (at) => putRecord(`record ${at}`, { body: `"${'b'.repeat(16_000)}"` }),
  'rows of the log with a long audit': () => append({ audit: `"${'a'.repeat(16_000)}"` }),
  'sealed answers of what was used up': (at) => consume(at, Buffer.alloc(16_000)),
  'kept answers': (at) => ({
    kind: 'put-expiring',
    entry: {
      kind: EXPIRING_KINDS.idempotency,
      id: `memo ${at}`,
      value: Buffer.alloc(16_000),
      expiresAtMs: NOW_MS,
    },
  }),
}

describe('[W70] the write-ahead log is bounded by bytes, whatever is written:', () => {
  for (const [what, operation] of Object.entries(LARGE)) {
    it(what, async (t) => {
      const { store, logBytes } = await siteOf(t)
      let largest = 0
      for (let group = 0; group < GROUPS; group += 1) {
        const writes = Array.from({ length: GROUP_WRITES }, (_, at) =>
          write(operation(group * GROUP_WRITES + at)),
        )
        const { outcomes } = await commit(store, ...writes)
        assert.ok(outcomes.every(({ kind }) => kind === 'applied'))
        largest = Math.max(largest, logBytes())
      }
      t.diagnostic(`${Math.round(largest / MIB)} MB at most`)
      assert.ok(largest < LOG_MAX_BYTES, `${largest} bytes`)
    })
  }

  it('its file becomes small again after a long read of one state', async (t) => {
    const { store, path, logBytes } = await siteOf(t)
    await commit(store, write(append()))
    const reader = new DatabaseSync(path, { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM log').get()
    const fill = async (groups: number): Promise<void> => {
      for (let group = 0; group < groups; group += 1) {
        const large = (): Operation => append({ audit: `"${'a'.repeat(16_000)}"` })
        await commit(store, ...Array.from({ length: GROUP_WRITES }, () => write(large())))
      }
    }
    await fill(60)
    assert.ok(logBytes() > LOG_MAX_BYTES, 'nothing that is read can be given up')
    reader.close()
    await fill(60)
    assert.ok(logBytes() < LOG_MAX_BYTES, `${logBytes()} bytes`)
  })
})

describe('[W70] a checkpoint', () => {
  it('begins in the background at its page count, not one before, and once', () => {
    const checkpoints = new Checkpoints()
    assert.equal(checkpoints.committed(4_095, false), false)
    assert.equal(checkpoints.committed(4_096, false), true)
    assert.equal(checkpoints.committed(5_000, false), false)
    assert.equal(checkpoints.mustFinish, false)
    checkpoints.ended(true)
    assert.equal(checkpoints.mustFinish, true)
  })

  it('is left to the writer at the bound, not one page before, while the reader has no time', () => {
    const checkpoints = new Checkpoints()
    checkpoints.committed(4_096, false)
    checkpoints.committed(6_143, false)
    assert.equal(checkpoints.mustFinish, false)
    checkpoints.committed(6_144, false)
    assert.equal(checkpoints.mustFinish, true)
    checkpoints.committed(6_200, true)
    // Everything is written back: the next group restarted the log.
    checkpoints.committed(4, false)
    assert.equal(checkpoints.mustFinish, false)
  })

  it('that cannot free the log waits for as many pages again, and is not tried with every group', () => {
    const checkpoints = new Checkpoints()
    checkpoints.committed(4_096, false)
    checkpoints.ended(true)
    assert.equal(checkpoints.committed(4_200, true), false)
    assert.equal(checkpoints.committed(8_295, false), false)
    assert.equal(checkpoints.committed(8_296, false), true)
  })

  it('that could not run is retried with the next group', () => {
    const checkpoints = new Checkpoints()
    assert.equal(checkpoints.committed(4_096, false), true)
    checkpoints.ended(false)
    assert.equal(checkpoints.mustFinish, false)
    assert.equal(checkpoints.committed(4_097, false), true)
  })
})
