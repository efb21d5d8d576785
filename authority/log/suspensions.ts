import type { RealmOrdinal } from '@rescind/core'
import { REALM_ADVICE } from '../realm/disorder.ts'
import type { Write } from './writes.ts'

/** Why a realm takes no writes, with advice for the operator. */
export type Suspension = { readonly kind: 'rolled-back' | 'unreadable'; readonly advice: string }

const ROLLED_BACK =
  'this log was rolled back, so the realm takes no writes until an operator stops the server and runs `rescind epoch new`'

/** Told about realms in which no token is active. */
export type SuspensionsTold = {
  readonly suspended: (realm: RealmOrdinal) => void
  /** From here on nothing tells what the realm's log says. */
  readonly unfollowed: () => void
}

/** Realms whose logs cannot be trusted: they take no writes, and no token in them is active. */
export class Suspensions {
  readonly #told: SuspensionsTold
  readonly #of: Map<RealmOrdinal, Suspension> = new Map()

  constructor(told: SuspensionsTold) {
    this.#told = told
  }

  of(realm: RealmOrdinal): Suspension | undefined {
    return this.#of.get(realm)
  }

  has(realm: RealmOrdinal): boolean {
    return this.#of.has(realm)
  }

  /** The log is proved to be rolled back: until a new epoch begins. */
  rolledBack(realm: RealmOrdinal): void {
    if (!this.#of.has(realm)) this.#set(realm, { kind: 'rolled-back', advice: ROLLED_BACK })
  }

  /** Something that the whole realm depends on cannot be read. */
  unreadable(realm: RealmOrdinal, why: string): void {
    const isNews = this.#of.get(realm)?.kind !== 'unreadable'
    this.#set(realm, { kind: 'unreadable', advice: `${why}; ${REALM_ADVICE}` })
    if (isNews) this.#told.unfollowed()
  }

  /** A new epoch ends a suspension after a rollback. */
  epochBegun(realm: RealmOrdinal): void {
    if (this.#of.get(realm)?.kind === 'rolled-back') this.#of.delete(realm)
  }

  #set(realm: RealmOrdinal, suspension: Suspension): void {
    this.#of.set(realm, suspension)
    this.#told.suspended(realm)
  }
}

/** Whether a write may go into a suspended log: a new epoch continues one that was rolled back. */
export function mendsLog({ kind }: Suspension, { operations }: Write): boolean {
  if (kind !== 'rolled-back') return false
  return operations.some((operation) => operation.kind === 'append' && operation.row.rule.kind === 'epoch')
}
