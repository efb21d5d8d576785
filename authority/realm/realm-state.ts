import { putRecord } from '../directory/change.ts'
import type { Entry } from '../directory/directory.ts'
import type { RealmsAct } from './master-keys.ts'
import type { Realm } from './realm.ts'
import { REALMS, type RealmValue } from './realm-record.ts'
import { ruleOn } from './revoke.ts'

export type RealmState = 'enabled' | 'disabled' | 'deleted'

export type StateChange = {
  readonly realm: Realm
  readonly entry: Entry<RealmValue>
  readonly state: RealmState
  readonly act: RealmsAct
}

/**
 * Disables, enables or deletes a realm. Before it counts as closed, everything issued in it is cut off and minting has
 * stopped; enabling it later revives none of that.
 * @returns `stale` when the caller's right ended meanwhile.
 */
export function changeState(system: Realm, change: StateChange): Promise<'done' | 'stale'> {
  return system.store.isShared ? changeShared(system, change) : changeOwn(system, change)
}

async function changeOwn(system: Realm, change: StateChange): Promise<'done' | 'stale'> {
  const { realm, entry, state } = change
  const wasClosed = entry.value.state !== undefined
  if (state !== 'enabled') {
    realm.setClosed(true)
    // Minting has stopped, so this cutoff ends every token, and none remains when the realm is enabled again.
    if ((await endAll(change)) === 'stale') {
      realm.setClosed(wasClosed)
      return 'stale'
    }
  }
  const written = await writeState(system, change)
  if (written === 'done') realm.setClosed(state !== 'enabled')
  return written
}

/**
 * Other processes go on minting until they know, so the record comes first. Whoever folds the cutoff reads the record again
 * before minting anything, and whatever was minted before that is cut off. The cutoff before a realm is enabled makes up for
 * one that was never written.
 */
async function changeShared(system: Realm, change: StateChange): Promise<'done' | 'stale'> {
  const { realm, entry, state } = change
  const isClosed = entry.value.state !== undefined
  if (state === 'enabled' && isClosed && (await endAll(change)) === 'stale') return 'stale'
  if ((await writeState(system, change)) === 'stale') return 'stale'
  realm.setClosed(state !== 'enabled')
  return state === 'enabled' ? 'done' : endAll(change)
}

async function writeState(system: Realm, { entry, state, act }: StateChange): Promise<'done' | 'stale'> {
  const { state: _before, ...rest } = entry.value
  const value = state === 'enabled' ? rest : { ...rest, state }
  const put = { collection: REALMS, id: entry.id, value, fromVersion: entry.version }
  const outcome = await system.commit({
    realm: system.ordinal,
    dependsOn: [act.caller.dependency],
    expects: [],
    operations: putRecord(system, put, act.audit),
  })
  return outcome.kind === 'applied' ? 'done' : 'stale'
}

async function endAll({ realm, act: { caller, audit } }: StateChange): Promise<'done' | 'stale'> {
  const rule = ruleOn(realm, { kind: 'cut', shape: 'realm', principals: { source: '' } })
  const operations = [{ kind: 'append', row: realm.row(rule, audit) } as const]
  const write = { realm: realm.ordinal, dependsOn: [caller.dependency], expects: [], operations }
  return (await realm.commit(write)).kind === 'applied' ? 'done' : 'stale'
}
