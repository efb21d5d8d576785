import type { Collection, Entry, Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import { nextTurn } from '../machine/turns.ts'

/** A person or a program that a dialect has a record of. */
export type Person = {
  /** The dialect's word for it: `user`, `client`. */
  readonly kind: string
  readonly source: Source
  readonly id: string
  readonly name?: string | undefined
  readonly email?: string | undefined
  /** The members that equal the text which was searched for. */
  readonly by: readonly ('id' | 'name' | 'email')[]
  readonly isDisabled: boolean
  /** How rules name it within its source. */
  readonly named: { readonly subject: string } | { readonly client: string }
  /** Its record in the control API. */
  readonly path?: string
}

/** Records that were not compared with the text. */
export type Missed = { readonly source?: Source; readonly what: string; readonly why: string }

export type PeopleFound = {
  readonly people: readonly Person[]
  /** The sources that were searched. */
  readonly sources: readonly Source[]
  readonly missed: readonly Missed[]
}

export type PeopleAsk = {
  /** Well-formed text without NUL, no longer than a name. */
  readonly text: string
  /** Whether there is no time left. */
  readonly isOver: () => boolean
}

/** Finds who is called so in the sources of a dialect: by id, and by name or e-mail address in any case. */
export type FindPeople = (realm: Realm, ask: PeopleAsk) => Promise<PeopleFound>

/** The most records of one collection that are compared one by one. */
const COMPARED_MAX = 20_000
const PAGE = 500
/** The most people of one name that are reported. */
const NAMESAKES_MAX = 100

export type Compared<T> = { readonly entries: readonly Entry<T>[]; readonly isWhole: boolean }

/**
 * Compares the records of a collection one by one. Records that earlier versions wrote are not in the list by name, and
 * are found only by this.
 */
export async function compareAll<T>(
  realm: Realm,
  collection: Collection<T>,
  { fits, isOver }: { readonly fits: (value: T) => boolean; readonly isOver: () => boolean },
): Promise<Compared<T>> {
  const entries: Entry<T>[] = []
  let after: string | undefined
  for (let compared = 0; compared < COMPARED_MAX && entries.length < NAMESAKES_MAX && !isOver(); ) {
    const page = await realm.directory.page(collection, { after, limit: PAGE })
    entries.push(...page.entries.filter(({ value }) => fits(value)))
    if (page.next === undefined) return { entries, isWhole: true }
    after = page.next
    compared += page.entries.length
    await nextTurn()
  }
  return { entries, isWhole: false }
}

/** Up to `NAMESAKES_MAX` records that are listed under a name and value. */
export async function listedUpTo<T>(
  realm: Realm,
  collection: Collection<T>,
  listed: { readonly name: string; readonly value: string },
): Promise<readonly Entry<T>[]> {
  const page = await realm.directory.page(collection, { listed, after: undefined, limit: NAMESAKES_MAX })
  return page.entries
}
