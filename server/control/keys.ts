import {
  type Awaitable,
  after,
  type Caller,
  type Collection,
  callerFacts,
  commitOwn,
  type Position,
  putRecord,
  type Realm,
  sameDigest,
} from '@rescind/core'

export type ControlRole = 'viewer' | 'responder' | 'admin'

/** A key of the control API, kept in the system realm. `realm` absent: all realms. */
export type ControlKey = {
  readonly name: string
  readonly role: ControlRole
  readonly realm?: string
  readonly keyDigest: string
}

const CONTROL_KEYS: Collection<ControlKey> = {
  name: 'controlKeys',
  keys: ({ keyDigest }) => [{ name: 'digest', value: keyDigest }],
}

/** The key that a store is made with. What is under this id, live or deleted, says that the store has had one. */
const FIRST_KEY_ID = 'first'

export async function hasHadControlKey(system: Realm): Promise<boolean> {
  return (await system.directory.standing(CONTROL_KEYS, FIRST_KEY_ID)).version > 0
}

export async function createFirstKey(system: Realm, key: string): Promise<void> {
  const value: ControlKey = { name: FIRST_KEY_ID, role: 'admin', keyDigest: system.secretDigest(key) }
  const put = { collection: CONTROL_KEYS, id: FIRST_KEY_ID, value, fromVersion: 0 }
  const audit = { by: 'server', from: 'local', how: 'control.firstKey' }
  await commitOwn(system, putRecord(system, put, audit))
}

export type ControlCaller = { readonly key: ControlKey; readonly caller: Caller }

/** Who a bearer key speaks for; undefined for none of ours. */
export function controlCaller(
  system: Realm,
  authorization: string | undefined,
  from: string,
): Awaitable<ControlCaller | undefined> {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const digest = system.secretDigest(authorization.slice(7))
  const basis = system.basis()
  return after(system.directory.find(CONTROL_KEYS, { name: 'digest', value: digest }), (entry) => {
    if (entry === undefined || !sameDigest(entry.value.keyDigest, digest)) return undefined
    return { key: entry.value, caller: callerOf(system, { id: entry.id, from, basis }) }
  })
}

function callerOf(system: Realm, { id, from, basis }: { id: string; from: string; basis: Position }): Caller {
  const facts = callerFacts({ source: 'control', client: id }, basis)
  return { id: `control:${id}`, from, standing: { realm: system.ordinal, facts } }
}
