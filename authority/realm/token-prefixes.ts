import { putRecord } from '../directory/change.ts'
import type { Collection } from '../directory/directory.ts'
import { isMembers } from '../directory/stored-json.ts'
import type { Audit, Caller, Realm } from './realm.ts'
import { type Prefixes, prefixProblem } from './token-text.ts'

export type PrefixesValue = {
  /** The prefixes that differ from the usual ones. */
  readonly own: Partial<Prefixes>
  /** Earlier prefixes, recognised for good, so that tokens with them can still be found and revoked. */
  readonly former: readonly string[]
}

/** One record in each realm with its own prefixes. */
export const TOKEN_PREFIXES: Collection<PrefixesValue> = {
  name: 'tokenPrefixes',
  keys: () => [],
  isValue: ({ own, former }) => isMembers(own) && areTexts(Object.values(own)) && areTexts(former),
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

export const TOKEN_PREFIXES_ID = 'own'

/** Maximum former prefixes of a realm. */
const FORMER_MAX = 32

/** Loads the realm's prefixes; until then, and without any, it uses the usual ones. */
export async function loadGrammar(realm: Realm): Promise<void> {
  const entry = await realm.directory.get(TOKEN_PREFIXES, TOKEN_PREFIXES_ID)
  if (entry !== undefined) realm.usePrefixes(entry.value.own, entry.value.former)
}

export type PrefixChange =
  | { readonly kind: 'changed' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'stale' }

/** The realm mints with these from now on; earlier ones are still recognised. */
export async function changePrefixes(
  realm: Realm,
  own: Partial<Prefixes>,
  { caller, audit }: { readonly caller?: Caller; readonly audit: Audit },
): Promise<PrefixChange> {
  const { version, entry } = await realm.directory.state(TOKEN_PREFIXES, TOKEN_PREFIXES_ID)
  const before = entry?.value ?? { own: {}, former: [] }
  const kept = new Set([...before.former, ...Object.values(before.own)])
  for (const prefix of Object.values(own)) kept.delete(prefix)
  const former = [...kept]
  const why =
    former.length > FORMER_MAX
      ? `the realm already has ${FORMER_MAX} former prefixes, which is the most`
      : prefixProblem(own, [...former, ...realm.minting.prefixes])
  if (why !== undefined) return { kind: 'refused', why }
  const put = {
    collection: TOKEN_PREFIXES,
    id: TOKEN_PREFIXES_ID,
    value: { own, former },
    fromVersion: version,
  }
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: caller === undefined ? [] : [caller.dependency],
    expects: [],
    operations: putRecord(realm, put, audit),
  })
  if (outcome.kind !== 'applied') return { kind: 'stale' }
  realm.usePrefixes(own, former)
  return { kind: 'changed' }
}
