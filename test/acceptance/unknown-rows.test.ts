import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PublishedRow } from '@rescind/authority'
import { ContractBroken } from '@rescind/core'
import { type ChainedLogRow, ROW_KIND_NAMES, ROW_KINDS } from '@rescind/core/log'
import { MemoryStore } from '@rescind/stores'
import { liveEvent } from '../../dialects/chat/live/events.ts'
import { RecentRows } from '../../dialects/chat/live/recent-rows.ts'
import { eventsAfter } from '../../dialects/identity/v3/tokens/revocation-events.ts'
import { Forks } from '../../feed/forks.ts'
import { exportRealm } from '../../server/audit/export-realm.ts'
import { exportLine, readExportLine } from '../../server/audit/row-json.ts'
import { headCheckpoint } from '../../server/judging/checkpoints.ts'
import { BlockDraft } from '../../server/receipts/draft.ts'
import { writtenOf } from '../../server/receipts/receipt.ts'
import { openWorld, START_MS, type World } from '../kit/realm.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }
const KEY = { kind: 'key', keyId: 'k' } as const
const UNKNOWN = Math.max(...ROW_KIND_NAMES.map((kind) => ROW_KINDS[kind].code)) + 1
const SOURCE = 'chat/acme'

/** A realm whose last row reads as a revocation of a kind that a newer version would write. */
async function worldWithUnknownRow(): Promise<World & { readonly row: ChainedLogRow }> {
  const store = new MemoryStore(START_MS)
  const world = await openWorld(store)
  const { realm } = world
  const rule = { kind: 'revoke', target: KEY, keepUntilMs: 9e12 } as const
  const operations = [{ kind: 'append', row: realm.row(rule, AUDIT) }] as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  const strange = <T extends { readonly kind: number }>(row: T): T =>
    row.kind === ROW_KINDS.revoke.code ? { ...row, kind: UNKNOWN } : row
  const { rowsAfter, chainedRowsAfter } = store
  store.rowsAfter = async (...asked) => (await rowsAfter.apply(store, asked)).map(strange)
  store.chainedRowsAfter = async (...asked) => (await chainedRowsAfter.apply(store, asked)).map(strange)
  const row = (await store.chainedRowsAfter(realm.ordinal, realm.index.seq - 1, 1))[0]
  assert.equal(row?.kind, UNKNOWN)
  return { ...world, row }
}

async function readAll(values: AsyncIterable<unknown>): Promise<void> {
  for await (const value of values) assert.ok(value)
}

/** Everything that picks rows of some kinds from the log. None may take an unknown row for another kind. */
const READERS: Readonly<
  Record<string, (world: World & { readonly row: ChainedLogRow }) => Promise<unknown>>
> = {
  'the live stream of chat': ({ realm, row }) => liveEvent(realm, row, SOURCE),
  'what a live stream looks up of changes': async ({ realm, row }) => new RecentRows(realm).changeIn(row),
  'the revocation events of Identity v3': async ({ realm }) => readAll(eventsAfter(realm, 0)),
  'what ends a fork': ({ realms, realm, row }) => new Forks(realms, () => {}).ended(realm, row),
  'the index of receipts': async ({ row }) => {
    const audit = row.audit ?? ''
    const published: PublishedRow = { ...row, audit, means: { kind: 'release', id: 'x' } }
    new BlockDraft().published({ prev: row.seq - 1, rows: [published] })
  },
  'a receipt': async ({ row }) => writtenOf([row], 1),
}

for (const [reader, read] of Object.entries(READERS)) {
  test(`a row of an unknown kind stops ${reader}, and is never skipped`, async () => {
    const world = await worldWithUnknownRow()
    await assert.rejects(read(world), ContractBroken)
  })
}

test('[H18] a row of an unknown kind is marked in an export, which still verifies', async () => {
  const { realm, row } = await worldWithUnknownRow()
  const line = exportLine(row)
  const { kind, rule } = JSON.parse(line) as { kind: string; rule: Readonly<Record<string, unknown>> }
  assert.deepEqual([kind, rule['code']], ['unreadable', UNKNOWN])
  assert.deepEqual(readExportLine(line), row)
  for (const code of [ROW_KINDS.revoke.code, 256, -1, 1.5])
    assert.equal(readExportLine(line.replace(`"code":${UNKNOWN}`, `"code":${code}`)), undefined, String(code))
  const head = await headCheckpoint(realm)
  await readAll(exportRealm(realm, { after: 0, chain: Buffer.alloc(32), head }))
})

test('a line of an export with an unknown kind is not a row', async () => {
  const { realm } = await openWorld()
  const [row] = await realm.store.chainedRowsAfter(realm.ordinal, 0, 1)
  assert.ok(row)
  const line = exportLine(row)
  const read = readExportLine(line)
  assert.ok(read)
  // Stores give bytes as different kinds of array.
  assert.deepEqual(bytesOf(read), bytesOf(row))
  for (const kind of ['"suspend"', '"toString"', '"__proto__"', '5', 'null', '["epoch"]'])
    assert.equal(readExportLine(line.replace('"kind":"epoch"', `"kind":${kind}`)), undefined, kind)
})

function bytesOf({ rule, chain, ...row }: ChainedLogRow): unknown {
  return { ...row, rule: Buffer.from(rule), chain: Buffer.from(chain) }
}
