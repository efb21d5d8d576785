import assert from 'node:assert/strict'
import { RealmOutOfOrder, StoreRefused } from '@rescind/core'
import { AUDIT, actOf, issue, say } from '../../test/kit/acts.ts'
import { HandClock, MASTER, openWorld } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import type { DirectoryRecord, Store } from '../ports.ts'
import { Realms } from './realms.ts'
import { revokeToken } from './revoke.ts'

// A missing or wrong record of a realm must not create another realm over an existing log: the system realm's record, the
// default one's, a count of realms that is too low, and a first start cut off at each step.

/** The store, with the records of realms that `changed` names replaced by those it gives. */
function withRecords(
  store: Store,
  changed: Readonly<Record<string, (record: DirectoryRecord) => DirectoryRecord | undefined>>,
): Store {
  const record: Store['record'] = async (realm, collection, id) => {
    const change = changed[id]
    const found = await store.record(realm, collection, id)
    return change === undefined || found === undefined ? found : change(found)
  }
  const records: Store['records'] = async (realm, ask) => {
    const page = await store.records(realm, ask)
    return {
      ...page,
      records: page.records.flatMap((one) => {
        const change = changed[one.id]
        return change === undefined ? one : (change(one) ?? [])
      }),
    }
  }
  return new Proxy(store, {
    get: (of, name) => {
      if (name === 'record') return record
      if (name === 'records') return records
      if (name === 'keyed') return undefined
      const value: unknown = Reflect.get(of, name)
      return typeof value === 'function' ? (value.bind(of) as unknown) : value
    },
  })
}

function open(store: Store): Promise<Realms> {
  const random = new SeededRandom('again')
  return Realms.open({ store, clock: new HandClock(), master: MASTER, random, defer: queueMicrotask })
}

const gone = (): undefined => undefined

onBothStores(
  'a store without its system realm’s record is never taken for a new one, under any master key',
  async (store) => {
    await openWorld(store)
    const damaged = withRecords(store, { system: gone })
    assert.equal(await Realms.isNew(damaged), false)
    await assert.rejects(open(damaged), (error) => {
      assert.ok(error instanceof StoreRefused)
      assert.match(error.message, /the realm system: its record is gone/)
      return true
    })
  },
)

onBothStores('a default realm without its record is out of order, not created again', async (store) => {
  const { realms: first, realm } = await openWorld(store)
  await revokeToken(realm, await issue(realm, 'revoked'), actOf(realm))
  const other = await first.create('other', AUDIT)
  await issue(other, 'live')
  const realms = await open(withRecords(store, { default: gone }))
  assert.equal(await realms.get('default'), undefined)
  assert.match(realms.whyNot('default') ?? '', /its record is gone.*backup/)
  await assert.rejects(async () => realms.served(undefined), RealmOutOfOrder)
  await assert.rejects(realms.make('default', AUDIT), StoreRefused)
  const served = await realms.get('other')
  assert.ok(served !== undefined)
  assert.equal(await say(served, 'live'), 'active')
})

for (const count of [undefined, 1, 2])
  onBothStores(
    `a count of realms of ${count} that is too low never gives a realm the log of another one`,
    async (store) => {
      const { realms: first } = await openWorld(store)
      await first.create('other', AUDIT)
      const low = (record: DirectoryRecord): DirectoryRecord => {
        const body = { ...(JSON.parse(record.body ?? '') as object), nextOrdinal: count }
        return { ...record, body: JSON.stringify(body) }
      }
      const realms = await open(withRecords(store, { system: low }))
      await assert.rejects(realms.make('third', AUDIT), StoreRefused)
      assert.equal(realms.isKnown('third'), false)
    },
  )
