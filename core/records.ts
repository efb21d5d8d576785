import type { GrantId, Handle, TokenDigest } from './ids.ts'
import type { Position } from './position.ts'
import type { TokenKind } from './tokens/kinds.ts'

/** Where a token's nouns come from: `chat/{app}`, `identity`, `oauth`, `control`, or `iss:{issuer URL}`. */
export type Source = string

/** Who or what a token, a caller or a rule is about; ids belong to the source beside them. */
export type Principals = {
  readonly source: Source
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
}

/**
 * What only a token of a registered foreign issuer has. Its time is the issuer's, so cutoffs go by `issuedAtMs`
 * instead of its place in our log.
 */
export type ForeignFacts = {
  /** Its `jti`, or `sha256:` and the hash of its signing input when it has none. */
  readonly jti: string
  /** How far the issuer's clock may be from ours. */
  readonly skewMs: number
  /** When its bearer last logged in, which may be long before this token was issued. */
  readonly authenticatedAtMs?: number
}

/** Everything by which a rule or a hold can name a token: what is known of the token itself, and of each ancestor. */
type Nameable = Principals & {
  readonly handle?: Handle
  readonly grant?: GrantId
  readonly session?: string
  /** The key that signed it, if one did. */
  readonly keyId?: string
  readonly position: Position
  /** Absent only in foreign tokens without `iat`. */
  readonly issuedAtMs?: number
  readonly expiresAtMs: number
  /** Of tokens of foreign issuers only; their position is BEYOND_LOGS. */
  readonly foreign?: ForeignFacts
}

/**
 * A token whose end must end another one: enough of it that every rule and hold that hits it is recognised. What
 * descends from it expires no later, so that a rule on it may go when it could not live any more.
 */
export type Ancestor = Nameable

/** At most this many ancestors; a derivation that would need more is refused. */
export const ANCESTORS_MAX = 8

/** What a verdict is made from. */
export type TokenFacts = Nameable & {
  readonly digest?: TokenDigest
  /** Nearest first. */
  readonly ancestors: readonly Ancestor[]
  readonly notBeforeMs?: number
}

/** Ids that a token may be asked to bear; those that are absent do not matter. */
export type TokenIds = {
  readonly source?: Source
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
  readonly grant?: string
  readonly session?: string
  readonly keyId?: string
  readonly handle?: string
}

/** Whether a token bears all of these ids. */
function bearsIds(facts: TokenFacts, ids: TokenIds): boolean {
  const { source, subject, client, tenant, grant, session, keyId, handle } = ids
  return (
    (source === undefined || facts.source === source) &&
    (subject === undefined || facts.subject === subject) &&
    (client === undefined || facts.client === client) &&
    (tenant === undefined || facts.tenant === tenant) &&
    (grant === undefined || facts.grant === grant) &&
    (session === undefined || facts.session === session) &&
    (keyId === undefined || facts.keyId === keyId) &&
    (handle === undefined || facts.handle === handle)
  )
}

/** Which tokens are looked for: those that bear all the ids, and fit one of `oneOf` if it is there. */
export type TokensSought = TokenIds & {
  /** They bear all ids of one of these; or they have ancestors, which may bear them. */
  readonly oneOf?: readonly TokenIds[]
}

export function isSought(facts: TokenFacts, { oneOf, ...ids }: TokensSought): boolean {
  if (!bearsIds(facts, ids)) return false
  return oneOf === undefined || facts.ancestors.length > 0 || oneOf.some((one) => bearsIds(facts, one))
}

/** How a token came to act for somebody: what it may not do because of that, `core/verdict/delegation.ts` says. */
export type Delegation = 'impersonation' | 'app-credential' | 'exchange'

/** Everything that is stored about a token. Inserted once; only an assigned token's expiry can move. */
export type TokenRecord = TokenFacts & {
  readonly digest: TokenDigest
  readonly handle: Handle
  readonly kind: TokenKind
  readonly grant: GrantId
  readonly issuedAtMs: number
  /** When an assigned token's expiry was last moved. */
  readonly extendedAtMs?: number
  /** Of a JWS that is known by its name (`RawToken.knownBy`): the digest of the one text of it that is let in. */
  readonly spelling?: TokenDigest
  /** Space-separated, RFC 6749 §3.3. */
  readonly scope?: string
  readonly audience?: readonly string[]
  readonly authenticatedBy?: readonly string[]
  /** Who had it minted for its subject, as the audit names callers; absent: its client or subject itself. */
  readonly mintedBy?: string
  /** On whose behalf somebody or something else acts with it, or how; absent: its bearer acts as itself. */
  readonly delegated?: Delegation
  /** What the dialect wants to find again; JSON values only. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The text itself, sealed, where the dialect has to give it back. */
  readonly sealed?: Uint8Array
}
