import {
  anchorHolds,
  checkpointKeyOf,
  type KnownCheckpoint,
  LogCheck,
  type MasterKey,
  opensKeys,
  readRealmValue,
  type Store,
  unwrapRealmKeys,
} from '@rescind/authority'
import { type RealmName, realmOrdinal, SYSTEM_REALM } from '@rescind/core'
import { parseCheckpoint } from '@rescind/core/log'
import type { Checked } from './export.ts'
import { readStoredCheckpoint, type StoredCheckpoint } from './stored-checkpoints.ts'

const PAGE = 1_000

type LogChecked = Exclude<Checked, { kind: 'unreadable' }>

export type StoreLogChecked = LogChecked & {
  /** `forged`: the stored checkpoint was not made by the store's server. */
  readonly checkpoint: StoredCheckpoint['kind']
  /** How many of the given positions belong to this realm. */
  readonly positions: number
}

/** A realm whose record is unreadable or whose keys do not open, so its log cannot be checked. */
export type RealmUnchecked = { readonly kind: 'unchecked'; readonly realm: string; readonly why: string }

export type StoreCheck = {
  readonly store: Store
  readonly master: MasterKey
  /** Positions that the server gave out, of any realm. */
  readonly positions: readonly string[]
}

/** Checks the logs of all realms of a stopped store, each by its chain, its checkpoint and the given positions. */
export async function* checkStore(check: StoreCheck): AsyncGenerator<StoreLogChecked | RealmUnchecked, void> {
  let after: string | undefined
  do {
    const page = await check.store.records(SYSTEM, { collection: 'realms', after, limit: PAGE })
    for (const { id, body } of page.records) if (body !== undefined) yield checkRealm(check, id, body)
    after = page.next
  } while (after !== undefined)
}

const SYSTEM = realmOrdinal(0)

async function checkRealm(
  { store, master, positions }: StoreCheck,
  realm: string,
  body: string,
): Promise<StoreLogChecked | RealmUnchecked> {
  const value = readRealmValue(body)
  if (value === undefined)
    return { kind: 'unchecked', realm, why: 'its record is damaged or was written by a newer version' }
  // Only the system realm's keys tell whether this is the right master key.
  if (realm !== SYSTEM_REALM && !opensKeys(value.wrappedKeys, realm as RealmName, master))
    return { kind: 'unchecked', realm, why: 'its keys do not open with the master key' }
  const ordinal = realmOrdinal(value.ordinal)
  const { sealKey } = unwrapRealmKeys(value.wrappedKeys, realm as RealmName, master)
  const key = checkpointKeyOf(sealKey)
  // The tag of a position tells its realm.
  const given = positions.flatMap((text) => parseCheckpoint(text, key) ?? [])
  const checkpoint = await readStoredCheckpoint(store, ordinal, sealKey)
  const known = checkpoint.kind === 'checkpoint' ? [...given, checkpoint.checkpoint] : given
  if (!(await anchorHolds(store, ordinal, sealKey))) {
    const { seq } = await store.anchor(ordinal)
    const wrong = { kind: 'wrong', realm, fault: { seq, what: 'anchor-altered' } } as const
    return { ...wrong, checkpoint: checkpoint.kind, positions: given.length }
  }
  const checked = await checkLog(store, { realm, ordinal: value.ordinal }, known)
  return { ...checked, checkpoint: checkpoint.kind, positions: given.length }
}

async function checkLog(
  store: Store,
  { realm, ordinal }: { readonly realm: string; readonly ordinal: number },
  known: readonly KnownCheckpoint[],
): Promise<LogChecked> {
  const anchor = await store.anchor(realmOrdinal(ordinal))
  const check = new LogCheck(known, anchor)
  for (let after = anchor.seq; ; ) {
    const rows = await store.chainedRowsAfter(realmOrdinal(ordinal), after, PAGE)
    for (const row of rows) {
      const fault = check.accept(row)
      if (fault !== undefined) return { kind: 'wrong', realm, fault }
    }
    const last = rows.at(-1)
    if (last === undefined) break
    after = last.seq
  }
  const fault = check.end()
  if (fault !== undefined) return { kind: 'wrong', realm, fault }
  return { kind: 'right', realm, rows: check.seq - anchor.seq, seq: check.seq, chain: check.chain }
}
