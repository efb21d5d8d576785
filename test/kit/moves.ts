import { type Realm, Realms, revokePrincipals, type Store, storedKind } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import {
  append,
  bareToken,
  commit,
  consume,
  deleteRecord,
  forget,
  put,
  putRecord,
  writeIn,
} from '../../stores/contract/samples.ts'
import { actOf, issue } from './acts.ts'
import { HandClock, MASTER } from './realm.ts'
import { SeededRandom } from './seeded-random.ts'

/** A realm that no server knows, for rows that a server writes only after months. */
export const HAND_REALM: RealmOrdinal = realmOrdinal(40)

export async function realmsOf(store: Store): Promise<Realms> {
  return Realms.open({
    ...{ store, clock: new HandClock(), master: MASTER, random: new SeededRandom() },
    defer: (task) => queueMicrotask(task),
  })
}

/** Fills every table of a store. */
export async function fillStore(store: Store, tokens = 12): Promise<void> {
  const realms = await realmsOf(store)
  const other = await realms.create('other', { by: 'test', from: 'local', how: 'test' })
  for (let nth = 0; nth < tokens; nth += 1) await issueIn(nth % 3 === 0 ? other : realms.default, nth)
  await realms.ledger.close()
  await fillByHand(store)
}

async function issueIn(realm: Realm, nth: number): Promise<void> {
  const subject = `user ${nth} é`
  await issue(realm, `token ${nth} in the clear`, { subject })
  if (nth % 4 === 1)
    await revokePrincipals(
      realm,
      { shape: 'subject', principals: { source: 'oauth', subject } },
      actOf(realm),
    )
}

async function fillByHand(store: Store): Promise<void> {
  const inHand = (...operations: Parameters<typeof writeIn>[1][]): Promise<unknown> =>
    commit(store, writeIn(HAND_REALM, ...operations))
  await inHand(
    ...Array.from({ length: 9 }, (_, nth) => append({ audit: `{"by":"row ${nth}"}` })),
    ...[1, 2, 3, 4].map((nth) => put(bareToken(nth, nth === 4 ? {} : { client: `client ${nth}` }))),
    consume(1, Buffer.from([0, 255, 7])),
    consume(2),
  )
  await inHand(
    { kind: 'extend-token', digest: bareToken(2).digest, source: 'chat/acme', expiresAtMs: 2e12, atMs: 5 },
    { kind: 'forget-audit', fromSeq: 4, throughSeq: 5 },
    putRecord('a', { keys: [{ name: 'login', value: 'ann' }], lists: [{ name: 'group', value: 'g1' }] }),
    putRecord('b', { body: '{"text":"\\u0000 and ü"}' }),
    {
      kind: 'put-expiring',
      entry: { kind: storedKind('memo'), id: 'one', value: Buffer.from([1, 0]), expiresAtMs: 9e12 },
    },
  )
  await inHand(forget(3, { tombstone: true }), deleteRecord('b', 1))
  await inHand(forget(4, { tombstone: false }))
  await inHand({ kind: 'trim-log', throughSeq: 3, keep: [2], forget: [] })
  await store.commit({ writes: [], floorMs: 1_772_000_000_000 })
}
