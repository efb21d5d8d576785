import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AUDIT } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import type { Outcome } from '../log/ledger-parts.ts'
import type { Operation } from '../log/writes.ts'
import type { DirectoryRecord, Store } from '../ports.ts'
import type { Realm } from '../realm/realm.ts'
import { deleteRecord, putRecord } from './change.ts'
import type { Collection } from './directory.ts'

type Person = { readonly mail: string; readonly nick?: string }

const PEOPLE: Collection<Person> = {
  name: 'people',
  keys: ({ mail, nick }) => [
    { name: 'mail', value: mail },
    ...(nick === undefined ? [] : [{ name: 'nick', value: nick }]),
  ],
}
const BY_MAIL = (value: string): { name: string; value: string } => ({ name: 'mail', value })

/** Counts reads, and lets a test act between a read and its answer. */
class CountingStore extends FaultyStore {
  reads = 0
  delay: Promise<void> | undefined

  override get keyed(): undefined {
    return undefined
  }

  override record(...ask: Parameters<Store['record']>): Promise<DirectoryRecord | undefined> {
    this.reads += 1
    return this.#late(super.record(...ask))
  }

  override recordByKey(...ask: Parameters<Store['recordByKey']>): Promise<DirectoryRecord | undefined> {
    this.reads += 1
    return this.#late(super.recordByKey(...ask))
  }

  /** Reads now, answers later. */
  async #late(read: Promise<DirectoryRecord | undefined>): Promise<DirectoryRecord | undefined> {
    const { delay } = this
    const found = await read
    await delay
    return found
  }
}

async function open(): Promise<{ realm: Realm; store: CountingStore }> {
  const store = new CountingStore(START_MS)
  const { realm } = await openWorld(store)
  return { realm, store }
}

function commit(realm: Realm, ...operations: readonly Operation[]): Promise<Outcome> {
  return realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

function put(realm: Realm, id: string, value: Person, fromVersion = 0): Promise<Outcome> {
  return commit(realm, ...putRecord(realm, { collection: PEOPLE, id, value, fromVersion }, AUDIT))
}

function remove(realm: Realm, id: string, fromVersion: number): Promise<Outcome> {
  return commit(realm, ...deleteRecord(realm, { collection: PEOPLE.name, id, fromVersion }, AUDIT))
}

test('a record is read once, then served from the cache by id and by each key that found it', async () => {
  const { realm, store } = await open()
  const { directory } = realm
  const value = { mail: 'a@x', nick: 'a' }
  await put(realm, 'a', value)
  const before = store.reads
  assert.deepEqual(await directory.get(PEOPLE, 'a'), { id: 'a', version: 1, value })
  assert.deepEqual(await directory.get(PEOPLE, 'a'), { id: 'a', version: 1, value })
  assert.equal(store.reads, before + 1)
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await directory.find(PEOPLE, BY_MAIL('a@x')))?.id, 'a')
    assert.equal((await directory.find(PEOPLE, { name: 'nick', value: 'a' }))?.id, 'a')
  }
  assert.equal(store.reads, before + 3)
})

test('every change is a log row, and the row drops what was cached (model §3.3)', async () => {
  const { realm } = await open()
  const { directory } = realm
  const start = realm.index.seq
  await put(realm, 'a', { mail: 'a@x' })
  await directory.get(PEOPLE, 'a')
  await put(realm, 'a', { mail: 'b@x' }, 1)
  assert.deepEqual(await directory.get(PEOPLE, 'a'), { id: 'a', version: 2, value: { mail: 'b@x' } })
  await remove(realm, 'a', 2)
  assert.equal(await directory.get(PEOPLE, 'a'), undefined)
  assert.equal(realm.index.seq, start + 3)
})

test('a key that moved to another record finds that record, even while the first one is cached', async () => {
  const { realm } = await open()
  const { directory } = realm
  await put(realm, 'a', { mail: 'one@x' })
  assert.equal((await directory.find(PEOPLE, BY_MAIL('one@x')))?.id, 'a')
  await put(realm, 'a', { mail: 'two@x' }, 1)
  await put(realm, 'b', { mail: 'one@x' })
  assert.equal((await directory.get(PEOPLE, 'a'))?.version, 2, 'cached again, without the key')
  assert.equal((await directory.find(PEOPLE, BY_MAIL('one@x')))?.id, 'b')
  assert.equal((await directory.find(PEOPLE, BY_MAIL('two@x')))?.id, 'a')
  await remove(realm, 'b', 1)
  assert.equal(await directory.find(PEOPLE, BY_MAIL('one@x')), undefined)
})

test('a value of one key is not found by another key of the same record', async () => {
  const { realm } = await open()
  await put(realm, 'a', { mail: 'same', nick: 'other' })
  assert.equal((await realm.directory.find(PEOPLE, BY_MAIL('same')))?.id, 'a')
  assert.equal(await realm.directory.find(PEOPLE, { name: 'nick', value: 'same' }), undefined)
})

test('a record read before a change is not cached after it, by id or by key', async () => {
  for (const read of [
    (realm: Realm) => realm.directory.get(PEOPLE, 'a'),
    (realm: Realm) => realm.directory.find(PEOPLE, BY_MAIL('a@x')),
  ]) {
    const { realm, store } = await open()
    await put(realm, 'a', { mail: 'a@x' })
    let answer = (): void => {}
    store.delay = new Promise((resolve) => {
      answer = resolve
    })
    const slow = read(realm)
    store.delay = undefined
    await put(realm, 'a', { mail: 'a@x', nick: 'new' }, 1)
    answer()
    assert.equal((await slow)?.version, 1, 'it answers with what it read')
    assert.equal((await read(realm))?.version, 2, 'the next one reads again')
  }
})

test('the state of a deleted record has its version, that of an unknown one 0, that of a live one the record', async () => {
  const { realm } = await open()
  const { directory } = realm
  assert.deepEqual(await directory.state(PEOPLE, 'a'), { version: 0, entry: undefined })
  await put(realm, 'a', { mail: 'a@x' })
  const entry = { id: 'a', version: 1, value: { mail: 'a@x' } }
  assert.deepEqual(await directory.state(PEOPLE, 'a'), { version: 1, entry })
  await remove(realm, 'a', 1)
  assert.deepEqual(await directory.state(PEOPLE, 'a'), { version: 2, entry: undefined })
  assert.deepEqual(await put(realm, 'a', { mail: 'a@x' }), { kind: 'conflict', what: 'record-changed' })
  await put(realm, 'a', { mail: 'a@x' }, 2)
  assert.equal((await directory.get(PEOPLE, 'a'))?.version, 3)
})

test('the state is read from the store each time, even if the record is cached', async () => {
  const { realm, store } = await open()
  await put(realm, 'a', { mail: 'a@x' })
  await realm.directory.get(PEOPLE, 'a')
  const before = store.reads
  await realm.directory.state(PEOPLE, 'a')
  assert.equal(store.reads, before + 1)
})

test('two writers of one version: one wins, the other conflicts and leaves no row', async () => {
  const { realm } = await open()
  const start = realm.index.seq
  const outcomes = await Promise.all([put(realm, 'a', { mail: 'a@x' }), put(realm, 'a', { mail: 'b@x' })])
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['applied', 'conflict'],
  )
  assert.equal(realm.index.seq, start + 1)
  assert.deepEqual(await put(realm, 'b', { mail: 'a@x' }), { kind: 'conflict', what: 'key-taken' })
})

test('a listing yields all live records of a collection, over several pages, and no others', async () => {
  const { realm } = await open()
  const ids = Array.from({ length: 1_001 }, (_, at) => `p${String(at).padStart(4, '0')}`)
  const puts = ids.flatMap((id) =>
    putRecord(realm, { collection: PEOPLE, id, value: { mail: id }, fromVersion: 0 }, AUDIT),
  )
  await commit(realm, ...puts)
  await remove(realm, 'p0500', 1)
  const seen: string[] = []
  for await (const { id } of realm.directory.all(PEOPLE)) seen.push(id)
  assert.deepEqual(
    seen,
    ids.filter((id) => id !== 'p0500'),
  )
})

test('the same id in two collections or two realms names different records', async () => {
  const { realm } = await open()
  const others: Collection<Person> = { ...PEOPLE, name: 'others' }
  await put(realm, 'a', { mail: 'a@x' })
  assert.notEqual(await realm.directory.get(PEOPLE, 'a'), undefined)
  assert.equal(await realm.directory.get(others, 'a'), undefined)
  assert.equal(await realm.directory.find(others, BY_MAIL('a@x')), undefined)
  const { realms, realm: own } = await openWorld()
  await put(own, 'a', { mail: 'a@x' })
  const other = await realms.create('other', AUDIT)
  assert.equal(await other.directory.get(PEOPLE, 'a'), undefined)
  await put(other, 'a', { mail: 'b@x' })
  assert.equal((await own.directory.get(PEOPLE, 'a'))?.value.mail, 'a@x')
})
