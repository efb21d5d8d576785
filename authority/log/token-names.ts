import {
  type Ancestor,
  type Brand,
  type GrantId,
  grantOf,
  type Handle,
  isWhole,
  type Principals,
  type Source,
} from '@rescind/core'

/**
 * A text by which tokens are found: what it names, the source, the value. Different names may share a text, so a token that is
 * found is a candidate, and its record decides. Stores index names, and know nothing of what they mean.
 */
export type TokenName = Brand<string, 'TokenName'>

type Named = 'subject' | 'client' | 'tenant' | 'session' | 'grant' | 'handle' | 'jti'

/** Borne by tokens some of whose names cannot be known. Every search by an ancestor's names includes it. */
export const NAMES_UNKNOWN: TokenName = '?' as TokenName

export function tokenName(what: Named, source: Source, value: string): TokenName {
  return `${what} ${source} ${value}` as TokenName
}

/** What names a token, as its record or a store's facts hold it. */
export type NamedFacts = Principals & {
  readonly session?: string
  /** May be absent for the token that began its grant. */
  readonly grant?: GrantId
  readonly handle?: Handle
  readonly ancestors?: readonly Ancestor[]
}

/**
 * Every name by which a rule may cover the token: its own and those of its ancestors. Its handle is none of them, and so is a
 * grant that it began: both are found by the handle (`SoughtNames`).
 */
export function namesOfToken(facts: NamedFacts): readonly TokenName[] {
  const { grant, handle, ancestors } = facts
  const names: TokenName[] = []
  addNames(names, facts)
  if (grant !== undefined && (handle === undefined || grant !== grantOf(handle)))
    names.push(tokenName('grant', facts.source, grant))
  if (ancestors === undefined || ancestors.length === 0) return names
  for (const up of ancestors) {
    addNames(names, up)
    if (up.grant !== undefined) addName(names, tokenName('grant', up.source, up.grant))
    if (up.handle !== undefined) addName(names, tokenName('handle', up.source, up.handle))
    if (up.foreign !== undefined) addName(names, tokenName('jti', up.source, up.foreign.jti))
    if (!isWhole(up)) addName(names, NAMES_UNKNOWN)
  }
  return names
}

function addNames(names: TokenName[], { source, subject, client, tenant, session }: NamedFacts): void {
  if (subject !== undefined) addName(names, tokenName('subject', source, subject))
  if (client !== undefined) addName(names, tokenName('client', source, client))
  if (tenant !== undefined) addName(names, tokenName('tenant', source, tenant))
  if (session !== undefined) addName(names, tokenName('session', source, session))
}

/** Each once: most ancestors have the token's own. The few names of a token need no set. */
function addName(names: TokenName[], name: TokenName): void {
  if (!names.includes(name)) names.push(name)
}

/** A search by names. A token matches by bearing all names of one set, or by its handle. */
export type SoughtNames = {
  readonly anyOf: readonly (readonly TokenName[])[]
  readonly handles: readonly string[]
}

export function bearsNames(token: NamedFacts & { readonly handle: Handle }, sought: SoughtNames): boolean {
  if (sought.handles.includes(token.handle)) return true
  const names = namesOfToken(token)
  return sought.anyOf.some((set) => set.every((name) => names.includes(name)))
}
