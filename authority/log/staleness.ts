import { isHeld, isRevoked, ordinalOf, type RealmOrdinal, type RevocationIndex } from '@rescind/core'
import { GroupRules } from './group-rules.ts'
import type { Write } from './writes.ts'

export type StalenessParts = {
  readonly indexOf: (realm: RealmOrdinal) => RevocationIndex
  /** The last folded row that changed a record of a collection; 0: none since the realm was opened. */
  readonly changedAt: (realm: RealmOrdinal, collection: string) => number
  /** Other processes write to the store, too. */
  readonly isShared: boolean
}

/**
 * The writes of a group without those that something newer concerns. Groups are flushed one at a time, so the index has
 * everything that this process has committed before. Only what the group itself writes is missing from it.
 */
export function withoutStale(
  writes: readonly Write[],
  { indexOf, changedAt, isShared }: StalenessParts,
): readonly Write[] {
  const rules = new GroupRules()
  const fresh: Write[] = []
  for (const write of writes) {
    if (hasLostToken(write, indexOf, rules)) continue
    if (hasReadOther(write, changedAt, fresh) || (isShared && beginsEpochAgain(write, indexOf))) continue
    rules.add(write)
    fresh.push(write)
  }
  return fresh
}

function hasLostToken(
  { realm: own, dependsOn, unlessRevoked = NONE }: Write,
  indexOf: StalenessParts['indexOf'],
  rules: GroupRules,
): boolean {
  for (const { realm, facts } of dependsOn) {
    const index = indexOf(realm)
    if (facts.position < index.lostBelow || isRevoked(facts, index) || isHeld(facts, index)) return true
    if (rules.cover(realm, facts)) return true
  }
  return unlessRevoked.some((facts) => isRevoked(facts, indexOf(own)) || rules.cover(own, facts))
}

const NONE: NonNullable<Write['unlessRevoked']> = []

/** Whether a collection that the write was decided by has changed since. */
function hasReadOther(
  { realm, reads }: Write,
  changedAt: StalenessParts['changedAt'],
  earlier: readonly Write[],
): boolean {
  return (
    reads?.collections.some(
      (one) => changedAt(realm, one) > reads.afterSeq || earlier.some((write) => changes(write, realm, one)),
    ) ?? false
  )
}

/** Whether another process has begun the same epoch: two nodes may open a new realm at once. */
function beginsEpochAgain({ realm, operations }: Write, indexOf: StalenessParts['indexOf']): boolean {
  return operations.some(
    (operation) =>
      operation.kind === 'append' &&
      operation.row.rule.kind === 'epoch' &&
      operation.row.rule.ordinal <= ordinalOf(indexOf(realm).head),
  )
}

function changes(write: Write, realm: RealmOrdinal, collection: string): boolean {
  return (
    write.realm === realm &&
    write.operations.some(
      (operation) =>
        operation.kind === 'append' &&
        operation.row.rule.kind === 'change' &&
        operation.row.rule.collection === collection,
    )
  )
}
