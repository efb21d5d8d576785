import { isSought, type TokenIds } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { idsNamed } from '../log/covers.ts'
import { namesOfIds, namesOfTargets } from '../log/sought-names.ts'
import type { SoughtNames } from '../log/token-names.ts'
import type { TokenPage } from '../ports.ts'
import type { Realm } from './realm.ts'

/** Names that are looked up at once: each id under each source that it may be of. */
const NAMES_MAX = 2_000

type Place = { readonly after: number | undefined; readonly limit: number }
type TokenPages = (place: Place) => Promise<TokenPage>

/**
 * Reads tokens that have all ids of one of these entries, oldest first, with all that `Store.tokens` promises of pages: by the
 * index of names where it finds them, else by reading all.
 */
export async function tokensByIds(realm: Realm, oneOf: readonly TokenIds[]): Promise<TokenPages> {
  const { store, ordinal } = realm
  const sought = await soughtNames(realm, oneOf)
  const [only = {}] = oneOf
  const scanned = oneOf.length === 1 ? only : { oneOf }
  return async (place) => {
    const named = sought === undefined ? undefined : await store.tokensNamed(ordinal, { ...sought, ...place })
    const { records, next } = named ?? (await store.tokens(ordinal, { ...scanned, ...place }))
    return { records: records.filter((record) => oneOf.some((ids) => isSought(record, ids))), next }
  }
}

/** The same for tokens that these targets may cover, themselves or through an ancestor. */
export function tokensOfTargets({ store, ordinal }: Realm, targets: readonly Target[]): TokenPages {
  const sought = namesOfTargets(targets)
  const oneOf = targets.map(idsNamed)
  return async (place) => {
    const named = sought === undefined ? undefined : await store.tokensNamed(ordinal, { ...sought, ...place })
    return named ?? store.tokens(ordinal, { oneOf, ...place })
  }
}

async function soughtNames(
  { store, ordinal }: Realm,
  oneOf: readonly TokenIds[],
): Promise<SoughtNames | undefined> {
  // Every source that ever had a token here.
  const sources = [...(await store.highestExpiries(ordinal)).keys()]
  if (sources.length * oneOf.length > NAMES_MAX) return undefined
  const anyOf: SoughtNames['anyOf'][number][] = []
  const handles: string[] = []
  for (const ids of oneOf) {
    const names = namesOfIds(ids.source === undefined ? sources : [ids.source], ids)
    if (names === undefined) return undefined
    anyOf.push(...names.anyOf)
    handles.push(...names.handles)
  }
  return { anyOf, handles }
}
