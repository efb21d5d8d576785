import { StoreUnavailable } from '@rescind/core'
import { putRecord } from '../directory/change.ts'
import type { Entry } from '../directory/directory.ts'
import type { Write } from '../log/writes.ts'
import type { RealmsAct } from './master-keys.ts'
import type { Realm } from './realm.ts'
import { REALMS, type RealmValue } from './realm-record.ts'
import { ruleOn } from './revoke.ts'

const ATTEMPTS_MAX = 8

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
    if ((await endAll(change, rightOf(change))) === 'stale') {
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
  if (state === 'enabled' && isClosed && (await endAll(change, rightOf(change))) === 'stale') return 'stale'
  if ((await writeState(system, change)) === 'stale') return 'stale'
  realm.setClosed(state !== 'enabled')
  if (state !== 'enabled') await endAllClosed(change)
  return 'done'
}

/**
 * Cuts off what was issued in a realm whose record says already that it is closed: the right to do so was checked with that.
 * @throws StoreUnavailable when it is not written.
 */
export async function endAllClosed(change: Pick<StateChange, 'realm' | 'act'>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1)
    if ((await endAll(change, [])) === 'done') return
  throw new StoreUnavailable('the realm is closed, but its tokens could not be cut off now; try again')
}

function rightOf({ act: { caller } }: StateChange): Write['dependsOn'] {
  return [caller.dependency]
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

async function endAll(
  { realm, act: { audit } }: Pick<StateChange, 'realm' | 'act'>,
  dependsOn: Write['dependsOn'],
): Promise<'done' | 'stale'> {
  const rule = ruleOn(realm, { kind: 'cut', shape: 'realm', principals: { source: '' } })
  const operations = [{ kind: 'append', row: realm.row(rule, audit) } as const]
  const write = { realm: realm.ordinal, dependsOn, expects: [], operations }
  return (await realm.commit(write)).kind === 'applied' ? 'done' : 'stale'
}
