import { type Realm, tokensByIds } from '@rescind/authority'
import { isSuspended, isWholeRecord, type TokenIds, type TokenRecord } from '@rescind/core'
import { SINGLE_USE } from '@rescind/core/tokens'
import { nextTurn } from '../../../machine/turns.ts'
import type { CountJson } from './find-json.ts'

const PAGE = 1_000
/** Tokens that are judged in one turn of the event loop, which takes a millisecond or two. */
const TOKENS_PER_TURN = 50

const ROLES = ['subject', 'client', 'session', 'grant'] as const
export type Role = (typeof ROLES)[number]

/** Names that tokens bear, by the role in which they bear them. */
export type Names = { readonly [role in Role]?: ReadonlySet<string> }

export type Bearer = { readonly role: Role; readonly source: string; readonly name: string }

/** Tokens by the names that they bear. `complete`: every token was examined. */
export class Tallies {
  readonly #counts: Map<string, { readonly bearer: Bearer; live: number }> = new Map()
  complete = false

  get bearers(): readonly Bearer[] {
    return [...this.#counts.values()].map(({ bearer }) => bearer)
  }

  of({ role, source, name }: Bearer): CountJson {
    const counted = this.#counts.get(JSON.stringify([role, source, name]))
    return { count: counted?.live ?? 0, complete: this.complete }
  }

  add(bearer: Bearer, isLive: boolean): void {
    const key = JSON.stringify([bearer.role, bearer.source, bearer.name])
    const known = this.#counts.get(key) ?? { bearer, live: 0 }
    if (isLive) known.live += 1
    this.#counts.set(key, known)
  }
}

/** Counts the live tokens that bear any of these names, until there is no time left. */
export async function tallied(realm: Realm, names: Names, isOver: () => boolean): Promise<Tallies> {
  const tallies = new Tallies()
  const oneOf = ROLES.flatMap((role) => [...(names[role] ?? [])].map((name): TokenIds => idsOf(role, name)))
  const pages = await tokensByIds(realm, oneOf)
  let after: number | undefined
  for (let isFirst = true; isFirst || after !== undefined; isFirst = false) {
    if (isOver()) return tallies
    const page = await pages({ after, limit: PAGE })
    for (const [at, record] of page.records.entries()) {
      if (at % TOKENS_PER_TURN === 0) await nextTurn()
      await tally(realm, tallies, { names, record })
    }
    after = page.next
  }
  tallies.complete = true
  return tallies
}

function idsOf(role: Role, name: string): TokenIds {
  return { [role]: name }
}

type Tallying = { readonly names: Names; readonly record: TokenRecord }

async function tally(realm: Realm, tallies: Tallies, { names, record }: Tallying): Promise<void> {
  const { source } = record
  const borne = ROLES.flatMap((role) => {
    const name = record[role]
    return name !== undefined && names[role]?.has(name) === true ? [{ role, source, name }] : []
  })
  if (borne.length === 0) return
  const live = await isLive(realm, record)
  for (const bearer of borne) tallies.add(bearer, live)
}

/** Whether its bearer could lose it. A held token may be released. */
async function isLive(realm: Realm, stored: TokenRecord): Promise<boolean> {
  const record = isWholeRecord(stored) ? stored : await realm.whole(stored)
  const verdict = realm.judge(record)
  if (verdict.kind !== 'active' && !isSuspended(verdict)) return false
  if (!SINGLE_USE.has(record.kind)) return true
  return (await realm.store.consumption(realm.ordinal, record.handle)) === undefined
}
