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
    if (up.grant !== undefined) names.push(tokenName('grant', up.source, up.grant))
    if (up.handle !== undefined) names.push(tokenName('handle', up.source, up.handle))
    if (up.foreign !== undefined) names.push(tokenName('jti', up.source, up.foreign.jti))
    if (!isWhole(up)) names.push(NAMES_UNKNOWN)
  }
  return [...new Set(names)]
}

function addNames(names: TokenName[], { source, subject, client, tenant, session }: NamedFacts): void {
  if (subject !== undefined) names.push(tokenName('subject', source, subject))
  if (client !== undefined) names.push(tokenName('client', source, client))
  if (tenant !== undefined) names.push(tokenName('tenant', source, tenant))
  if (session !== undefined) names.push(tokenName('session', source, session))
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
