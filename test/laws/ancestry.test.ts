import assert from 'node:assert/strict'
import { type Realm, revokeGrant } from '@rescind/authority'
import { type Ancestor, ancestorsFrom, type TokenRecord } from '@rescind/core'
import { actOf, intentOf, issue, say, tryIssue } from '../kit/acts.ts'
import { openWorld } from '../kit/realm.ts'
import { handleAt } from '../kit/samples.ts'
import { onBothStores } from '../kit/stores.ts'

// A record from before ancestors carried grants and sessions. The records of its ancestors decide, and nothing else.

/** As an older version wrote it. */
function asBefore({ grant: _grant, session: _session, ...rest }: Ancestor): Ancestor {
  return rest
}

/** A token made by an older version with the help of another grant's token. */
async function oldChild(realm: Realm, more: { readonly actor?: TokenRecord } = {}) {
  const own = await issue(realm, 'own')
  const actor = more.actor ?? (await issue(realm, 'actor', { session: 'ses' }))
  const ancestors = ancestorsFrom([own, actor]).map(asBefore)
  const child = await issue(realm, 'child', { grant: own.grant, ancestors })
  return { own, actor, child }
}

onBothStores('[H15] a token of before ends with the grant of its actor', async (store) => {
  const { realm } = await openWorld(store)
  const { actor } = await oldChild(realm)
  // An issued token is remembered as it was given. A restarted server reads it from the store.
  const again = await reopened(store)
  assert.equal(await say(again, 'child'), 'active')
  await revokeGrant(again, actor, actOf(again))
  assert.equal(await say(again, 'child'), 'revoked')
  assert.equal(await say(again, 'own'), 'active')
})

onBothStores('[H15] a token of before is held with the session of its actor', async (store) => {
  const { realm } = await openWorld(store)
  await oldChild(realm)
  const again = await reopened(store)
  const target = { kind: 'session', source: 'oauth', session: 'ses' } as const
  const audit = { by: 'test', from: 'local', how: 'test' }
  const row = again.row({ kind: 'hold', id: 'h', target }, audit)
  const { dependency } = actOf(again).caller
  const write = { realm: again.ordinal, dependsOn: [dependency], expects: [] }
  await again.commit({ ...write, operations: [{ kind: 'append', row }] })
  assert.equal(await say(again, 'child'), 'held')
})

onBothStores('[H15] a token of before whose actor has no record is never active', async (store) => {
  const { realm } = await openWorld(store)
  const actor = await issue(realm, 'actor')
  await oldChild(realm, { actor: { ...actor, handle: handleAt(1) } })
  const again = await reopened(store)
  assert.equal(await say(again, 'child'), 'unknown')
})

onBothStores('[H15] what is made of a token of before names all that its ancestors are', async (store) => {
  const { realm } = await openWorld(store)
  const { actor, child } = await oldChild(realm)
  const again = await reopened(store)
  const whole = await again.whole(child)
  assert.deepEqual(
    whole.ancestors.map(({ session }) => session),
    [undefined, 'ses'],
  )
  const intent = intentOf(again, 'grandchild', { grant: child.grant, ancestors: ancestorsFrom([whole]) })
  assert.equal((await tryIssue(again, intent)).kind, 'issued')
  await revokeGrant(again, actor, actOf(again))
  assert.equal(await say(again, 'grandchild'), 'revoked')
})

onBothStores('[H15] every ancestor stands once in a line, nearest first', async (store) => {
  const { realm } = await openWorld(store)
  const first = await issue(realm, 'first')
  const second = await issue(realm, 'second', { ancestors: ancestorsFrom([first]) })
  const third = await issue(realm, 'third', { ancestors: ancestorsFrom([first]) })
  const names = ancestorsFrom([second, third]).map(({ handle }) => handle)
  assert.deepEqual(names, [second.handle, third.handle, first.handle])
})

async function reopened(store: Parameters<typeof openWorld>[0]): Promise<Realm> {
  return (await openWorld(store)).realm
}
