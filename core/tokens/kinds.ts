/** What a kind of token is good for. */
type KindTraits = {
  /** Whether it may be presented with a request; everything else is for one endpoint of its own. */
  readonly isUsable: boolean
  /** One use ends it, so its state is read from the primary every time and it is never cached. */
  readonly isSingleUse: boolean
}

export type TokenKind = 'access' | 'chat' | 'assigned' | 'identity' | 'limited' | 'refresh' | 'code'
type ForeignKind = 'foreign' | 'foreign-other'
export type CredentialKind = TokenKind | ForeignKind

/**
 * Every kind of token that has a record. `assigned` text was chosen by a customer, all other text is minted here.
 * `limited` are Identity tokens for setting up a second factor or for resetting a password: they open nothing but the
 * calls that they were made for.
 */
const RECORD_KINDS: Readonly<Record<TokenKind, KindTraits>> = {
  access: { isUsable: true, isSingleUse: false },
  chat: { isUsable: true, isSingleUse: false },
  assigned: { isUsable: true, isSingleUse: false },
  identity: { isUsable: true, isSingleUse: false },
  limited: { isUsable: false, isSingleUse: false },
  refresh: { isUsable: false, isSingleUse: true },
  code: { isUsable: false, isSingleUse: true },
}

/** What registered issuers sign: access tokens, and everything else that their keys sign as well. */
const FOREIGN_KINDS: Readonly<Record<ForeignKind, KindTraits>> = {
  foreign: { isUsable: true, isSingleUse: false },
  'foreign-other': { isUsable: false, isSingleUse: false },
}

const TRAITS: ReadonlyMap<string, KindTraits> = new Map(Object.entries({ ...RECORD_KINDS, ...FOREIGN_KINDS }))

/** Kinds that one use ends; their records are never cached. */
export const SINGLE_USE: ReadonlySet<string> = new Set(
  [...TRAITS].filter(([, traits]) => traits.isSingleUse).map(([kind]) => kind),
)

/** Every kind that the server can know a credential as: what a test has to try at every door. */
export const CREDENTIAL_KINDS: readonly CredentialKind[] = [...TRAITS.keys()].filter(isCredentialKind)

export function isCredentialKind(kind: string): kind is CredentialKind {
  return TRAITS.has(kind)
}

/** Whether a kind may be presented with a request. A kind that is not in the list may not. */
export function isUsableKind(kind: string): boolean {
  return TRAITS.get(kind)?.isUsable === true
}
