/** What a kind of token can be used for. */
type KindTraits = {
  /** What it is, for the manual. */
  readonly what: string
  /** Whether it may be presented with a request; other kinds serve one endpoint each. */
  readonly isUsable: boolean
  /** One use ends it, so its state is read from the primary every time and never cached. */
  readonly isSingleUse: boolean
}

export type TokenKind = 'access' | 'chat' | 'assigned' | 'identity' | 'limited' | 'refresh' | 'code'
type ForeignKind = 'foreign' | 'foreign-other'
export type CredentialKind = TokenKind | ForeignKind

/**
 * Every kind of token that has a record. A customer chose the text of `assigned` ones; all other text is minted here.
 * `limited` ones are Identity tokens for setting up a second factor or resetting a password: they open only the calls
 * that they were made for.
 */
export const RECORD_KINDS: Readonly<Record<TokenKind, KindTraits>> = {
  access: { what: 'OAuth access token, opaque or a JWT', isUsable: true, isSingleUse: false },
  chat: { what: 'chat token that was minted here, a JWT', isUsable: true, isSingleUse: false },
  assigned: {
    what: 'text of another system that was bound to a chat client',
    isUsable: true,
    isSingleUse: false,
  },
  identity: { what: 'Identity token', isUsable: true, isSingleUse: false },
  limited: {
    what: 'Identity token for one purpose only: to set up a second factor or to reset a password',
    isUsable: false,
    isSingleUse: false,
  },
  refresh: { what: 'OAuth refresh token', isUsable: false, isSingleUse: true },
  code: { what: 'OAuth authorization code', isUsable: false, isSingleUse: true },
}

/** What registered issuers sign: access tokens, and everything else. */
export const FOREIGN_KINDS: Readonly<Record<ForeignKind, KindTraits>> = {
  foreign: { what: 'access token of a registered issuer', isUsable: true, isSingleUse: false },
  'foreign-other': {
    what: 'anything else that a registered issuer signs: an ID token, say',
    isUsable: false,
    isSingleUse: false,
  },
}

const TRAITS: ReadonlyMap<string, KindTraits> = new Map(Object.entries({ ...RECORD_KINDS, ...FOREIGN_KINDS }))

/** Kinds that end with one use; their records are never cached. */
export const SINGLE_USE: ReadonlySet<string> = new Set(
  [...TRAITS].filter(([, traits]) => traits.isSingleUse).map(([kind]) => kind),
)

/** Every kind of credential that the server knows, so that tests can try each one at every endpoint. */
export const CREDENTIAL_KINDS: readonly CredentialKind[] = [...TRAITS.keys()].filter(isCredentialKind)

export function isCredentialKind(kind: string): kind is CredentialKind {
  return TRAITS.has(kind)
}

/** Whether a kind may be presented with a request; an unknown kind may not. */
export function isUsableKind(kind: string): boolean {
  return TRAITS.get(kind)?.isUsable === true
}
