import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changePrefixes, putRecord, SYSTEM_ORDINAL, TOKEN_PREFIXES } from '@rescind/authority'
import { type RealmOrdinal, RealmOutOfOrder, realmOrdinal } from '@rescind/core'
import { REALMS } from '../../authority/realm/realm-record.ts'
import { AUDIT } from '../../test/kit/acts.ts'
import { caughtUp, sharedNodes, until } from '../../test/kit/shared-nodes.ts'
import { type Around, wrappedStore } from '../../test/kit/wrapped-store.ts'

const { open, openStore, openOn } = sharedNodes()
const FIRST = realmOrdinal(1)

/** Runs this once, after the prefixes of a realm were read and before the reader has them. */
function onceRead(of: RealmOrdinal, then: () => Promise<unknown>): Around {
  let isDone = false
  return (name, call, [realm, collection]) => {
    const isIt = name === 'record' && realm === of && collection === TOKEN_PREFIXES.name
    if (!isIt || isDone) return call()
    isDone = true
    const later = async (): Promise<unknown> => {
      const read = await call()
      await then()
      return read
    }
    return later()
  }
}

test('token prefixes that another node changes while a realm is opened are used at once', async () => {
  const a = await open('a')
  const onA = await a.realms.create('acme', AUDIT)
  const change = async (): Promise<void> => {
    assert.equal((await changePrefixes(onA, { access: 'acme_' }, { audit: AUDIT })).kind, 'changed')
    await until(() => b.realms.ledger.foldedSeq(onA.ordinal) === onA.index.seq)
  }
  const b = await openOn(wrappedStore(await openStore(), onceRead(onA.ordinal, change)), 'b')
  const onB = await b.realms.served('acme')
  assert.deepEqual(onB?.grammar.known.toSorted(), onA.grammar.known.toSorted())
  assert.ok(onB?.grammar.known.includes('acme_'))
})

test('a node that has made the store knows what others made and changed before it followed them', async () => {
  const store = await openStore()
  let seen = 0
  const meanwhile = async (): Promise<void> => {
    const b = await open('b')
    await b.realms.make('acme', AUDIT)
    assert.equal((await changePrefixes(b.realm, { access: 'acme_' }, { audit: AUDIT })).kind, 'changed')
    await until(() => seen >= b.realms.system.index.seq)
  }
  const read = onceRead(FIRST, meanwhile)
  const around: Around = (name, call, given) => {
    const [realm, from, told] = given as Parameters<typeof store.watch>
    if (name !== 'watch' || realm !== SYSTEM_ORDINAL) return read(name, call, given)
    return store.watch(realm, from, async (watched) => {
      await told(watched)
      if (watched.kind === 'rows') seen = watched.rows.at(-1)?.seq ?? seen
    })
  }
  const a = await openOn(wrappedStore(store, around), 'a')
  assert.ok((await a.realms.served('acme')) !== undefined)
  await a.realms.served(undefined)
  assert.ok(a.realm.grammar.known.includes('acme_'))
})

test('an open realm whose record another node has left unreadable answers nothing', async () => {
  const [a, b] = [await open('a'), await open('b')]
  await a.realms.create('acme', AUDIT)
  await caughtUp(b, a)
  assert.ok((await b.realms.served('acme')) !== undefined)
  const { system } = a.realms
  const { entry, version } = await system.directory.state(REALMS, 'acme')
  assert.ok(entry !== undefined)
  const value = { ...entry.value, state: 'a newer one' as 'disabled' }
  const operations = putRecord(system, { collection: REALMS, id: 'acme', value, fromVersion: version }, AUDIT)
  await system.commit({ realm: system.ordinal, dependsOn: [], expects: [], operations })
  await caughtUp(b, a)
  await assert.rejects(b.realms.served('acme'), RealmOutOfOrder)
  assert.equal(b.realms.ready('acme'), undefined)
})
