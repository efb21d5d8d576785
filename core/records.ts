import type { GrantId, Handle, TokenDigest } from './ids.ts'
import type { Position } from './position.ts'
import type { TokenKind } from './tokens/kinds.ts'

/** The namespace of a token's ids: `chat/{app}`, `identity`, `oauth`, `control`, or `iss:{issuer URL}`. */
export type Source = string

/** Prefix of the sources of chat apps, `chat/{app}`. It is in stored records, rows and rules. */
export const CHAT_SOURCES = 'chat/'

/** The principals of a token, a caller or a rule. Their ids belong to the source beside them. */
export type Principals = {
  readonly source: Source
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
}

/** What only a token of a foreign issuer has. The issuer sets its time, so cutoffs compare `issuedAtMs`, not the position. */
export type ForeignFacts = {
  /** Its `jti`, or `sha256:` and the hash of its signing input if it has none. */
  readonly jti: string
  /** How far the issuer's clock may differ from ours. */
  readonly skewMs: number
  /** When its bearer last logged in, possibly long before this token was issued. */
  readonly authenticatedAtMs?: number
}

/** Everything by which a rule or a hold can name a token; known of the token itself and of each ancestor. */
type Nameable = Principals & {
  readonly handle?: Handle
  readonly grant?: GrantId
  readonly session?: string
  /** The key that signed it, if it is signed. */
  readonly keyId?: string
  readonly position: Position
  /** Absent only for foreign tokens without `iat`. */
  readonly issuedAtMs?: number
  readonly expiresAtMs: number
  /** Only for tokens of foreign issuers; their position is BEYOND_LOGS. */
  readonly foreign?: ForeignFacts
}

/**
 * A token whose end must end its descendants, with all the ids by which a rule or a hold can hit it. Descendants expire no
 * later, so a rule on it may be dropped once it would have expired.
 */
export type Ancestor = Nameable

/** Maximum ancestors of a token; a derivation that needs more is refused. */
export const ANCESTORS_MAX = 8

/** What a verdict is based on. */
export type TokenFacts = Nameable & {
  readonly digest?: TokenDigest
  /** Nearest first. */
  readonly ancestors: readonly Ancestor[]
  readonly notBeforeMs?: number
}

/** Ids that a token must have; absent ones do not matter. */
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

/** Whether a token has all of these ids. */
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

/** A search for tokens that have all the ids and, if `oneOf` is given, match one of its entries. */
export type TokensSought = TokenIds & {
  /** A token matches by having all ids of one entry, or by having ancestors, because those may have them. */
  readonly oneOf?: readonly TokenIds[]
}

export function isSought(facts: TokenFacts, { oneOf, ...ids }: TokensSought): boolean {
  if (!bearsIds(facts, ids)) return false
  return oneOf === undefined || facts.ancestors.length > 0 || oneOf.some((one) => bearsIds(facts, one))
}

/** How a token came to act for another subject; `core/verdict/delegation.ts` says what it may therefore not do. */
export type Delegation = 'impersonation' | 'app-credential' | 'exchange'

/** Everything stored about a token. Inserted once; only an assigned token's expiry can move. */
export type TokenRecord = TokenFacts & {
  readonly digest: TokenDigest
  readonly handle: Handle
  readonly kind: TokenKind
  readonly grant: GrantId
  readonly issuedAtMs: number
  /** When the expiry of an assigned token was last moved. */
  readonly extendedAtMs?: number
  /** For a JWS that is known by its name (`RawToken.knownBy`): the digest of its one accepted text. */
  readonly spelling?: TokenDigest
  /** Space-separated, RFC 6749 §3.3. */
  readonly scope?: string
  readonly audience?: readonly string[]
  readonly authenticatedBy?: readonly string[]
  /** The caller that had it minted for its subject, as the audit names callers; absent: its client or subject itself. */
  readonly mintedBy?: string
  /** How it acts for another subject; absent: its bearer acts as itself. */
  readonly delegated?: Delegation
  /** What the dialect needs to find again; JSON values only. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The text itself, sealed, if the dialect has to return it. */
  readonly sealed?: Uint8Array
}
