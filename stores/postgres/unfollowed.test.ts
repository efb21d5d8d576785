import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Realm, Store } from '@rescind/authority'
import { ordinalOf, RealmOutOfOrder } from '@rescind/core'
import { callerOf } from '../../server/control/frame/callers.ts'
import { KeyGuesses } from '../../server/control/frame/key-guesses.ts'
import { createFirstKey } from '../../server/records/control-keys.ts'
import { AUDIT } from '../../test/kit/acts.ts'
import { caughtUp, joinedTo, type SharedNode, sharedNodes, until } from '../../test/kit/shared-nodes.ts'

const { open, openStore, openOn } = sharedNodes()
const KEY = 'a key of an operator'

/** A row as a newer version may write it. */
async function appendStrange(store: Store, system: Realm): Promise<void> {
  const { ordinal: realm, index } = system
  const head = await store.head(realm)
  const rule = { kind: 'change', collection: 'x', id: 'y', version: 1 } as const
  const row = { ...system.row(rule, AUDIT), bytes: Buffer.from('of another version') }
  const folded = new Map([[realm, { ...head, ordinal: ordinalOf(index.head), digestKey: index.digestKey }]])
  const writes = [{ realm, dependsOn: [], expects: [], operations: [{ kind: 'append', row } as const] }]
  const { outcomes } = await store.commit({ writes, floorMs: 0, folded })
  assert.equal(outcomes[0]?.kind, 'applied')
}

function holder({ realms, clock }: SharedNode): ReturnType<typeof callerOf> {
  const guesses = new KeyGuesses(() => clock.monotonicMs())
  return callerOf(realms, { authorization: `Bearer ${KEY}`, from: '127.0.0.1', guesses })
}

async function openJoined(seed: string): Promise<SharedNode> {
  const store = await openStore()
  return await openOn(store, seed, { nodes: await joinedTo(store) })
}

test('a node that cannot read the log of `system` takes no key for good, and ends its streams', async () => {
  const [a, b] = [await open('a'), await openJoined('b')]
  await createFirstKey(a.realms.system, KEY)
  await caughtUp(b, a)
  assert.ok('caller' in ((await holder(b)) ?? {}), 'it is in a cache now')
  let ended = 0
  b.realms.nodes?.onSilent(() => {
    ended += 1
  })
  await appendStrange(a.store, a.realms.system)
  await until(() => b.realms.ledger.isSuspended(b.realms.system.ordinal))
  await assert.rejects(holder(b), RealmOutOfOrder)
  assert.equal(ended, 1)
  await b.realms.nodes?.leave()
})

test('a realm whose log is not the one that was folded answers nothing', async () => {
  const a = await open('a')
  const { ordinal, index } = a.realm
  await until(() => a.realms.ready(undefined) !== undefined)
  await a.realms.ledger.foldedThrough(ordinal, { seq: index.seq, chain: Buffer.alloc(32) })
  assert.equal(a.realms.ready(undefined), undefined)
  await assert.rejects(a.realms.served(undefined), RealmOutOfOrder)
  assert.equal(a.realms.ledger.suspension(ordinal)?.kind, 'unreadable')
})
