import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commitOwn, type Operation, type Realm, ruleOn } from '@rescind/authority'
import { openWorld, START_MS } from '../../../test/kit/realm.ts'
import { openMemory } from '../../../test/kit/test-store.ts'
import { revocationId } from '../../receipts/receipt.ts'
import { EVIDENCE_RECEIPTS_MAX, EVIDENCE_ROWS_MAX, type Incident, selectIncident } from './selection.ts'

const AUDIT = { by: 'control:first', from: 'local', how: 'test', why: 'leak' }
const ROWS_PER_WRITE = 1_000

async function append(realm: Realm, count: number, make: (nth: number) => Operation): Promise<void> {
  for (let done = 0; done < count; done += ROWS_PER_WRITE) {
    const length = Math.min(ROWS_PER_WRITE, count - done)
    await commitOwn(
      realm,
      Array.from({ length }, (_, nth) => make(done + nth)),
    )
  }
}

function revocations(realm: Realm, count: number, why = 'leak'): Promise<void> {
  return append(realm, count, (nth) => {
    const principals = { source: 'oauth', subject: `s${nth}` }
    const rule = ruleOn(realm, { kind: 'cut', shape: 'subject', principals })
    return { kind: 'append', row: realm.row(rule, { ...AUDIT, why }) }
  })
}

function others(realm: Realm, count: number): Promise<void> {
  return append(realm, count, (nth) => ({
    kind: 'append',
    row: realm.row({ kind: 'release', id: `x${nth}` }, { ...AUDIT, why: 'another' }),
  }))
}

async function select(realm: Realm, incident: Incident): Promise<string> {
  const selected = await selectIncident(realm, incident, realm.index.seq)
  if (selected.kind !== 'selected') return selected.kind
  return `${selected.receipts.size} receipts, ${selected.rows.length} rows`
}

test('so many receipts fit, and with one more the file is refused', async () => {
  const { realm } = await openWorld(openMemory(START_MS))
  await revocations(realm, EVIDENCE_RECEIPTS_MAX)
  assert.equal(await select(realm, { reason: 'leak' }), '10000 receipts, 10000 rows')
  await revocations(realm, 1)
  assert.equal(await select(realm, { reason: 'leak' }), 'too-many')
})

test('rows may lie so far apart, and with one more the file is refused', async () => {
  const { realm } = await openWorld(openMemory(START_MS))
  await revocations(realm, 1)
  const first = revocationId(realm.position())
  await others(realm, EVIDENCE_ROWS_MAX - 2)
  await revocations(realm, 1)
  const both = { receipts: [first, revocationId(realm.position())] }
  assert.equal(await select(realm, both), '2 receipts, 2 rows')
  await revocations(realm, 1)
  assert.equal(await select(realm, { receipts: [first, revocationId(realm.position())] }), 'too-many')
})
