import type { Caller, Cause, Realm } from '@rescind/authority'
import type { Credential, Position, TokenFacts, Verdict } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import type { OauthClient } from './directory.ts'
import type { Lists, Parameters } from './endpoint-body.ts'
import type { Guesses } from './guesses.ts'

/** An event for the operator's log. It never holds token text. */
export type OauthNotice = {
  readonly event: 'grant-ended' | 'loose-assertion-audience'
  readonly realm: string
  readonly client: string
  readonly from: string
  readonly cause?: Cause
}

export type OauthOptions = {
  /**
   * A realm's base URL, `https://host[/realms/name]`. It comes from the configuration, so that no request can choose
   * the issuer.
   */
  readonly baseOf: (realm: Realm) => string
  /** For how long a used refresh token gets its answer repeated. */
  readonly replaySeconds: number
  /** Seconds for which gateways may cache an active answer; 0 leaves `cache_ttl` out. */
  readonly cacheTtlSeconds: number
  /** Refuse a `token_type_hint` other than access_token and refresh_token. */
  readonly strictHints: boolean
  /** URL of the operator's login page, for the metadata. */
  readonly authorizationEndpoint?: string | undefined
  /** Judges a signed token that none of our keys signed, such as one of a registered issuer. */
  readonly judgeForeign?: (realm: Realm, raw: RawToken) => Promise<Judged>
  readonly onNotice?: (notice: OauthNotice) => void
}

export type Judged = {
  readonly verdict: Verdict
  readonly facts?: TokenFacts
  readonly credential?: Credential
}

/** One request to the token, revocation or introspection endpoint. */
export type Call = {
  readonly realm: Realm
  readonly request: WireRequest
  readonly options: OauthOptions
  readonly issuer: string
  /** The endpoint's own URL. */
  readonly url: string
  readonly values: Parameters
  readonly lists: Lists
  /** Limits how often a client is told that a token belongs to another client. */
  readonly foreign: RateLimit
  /** Limits wrong client secrets. */
  readonly guesses: Guesses
  /** State that survives when the request is judged again, so that its assertion is spent only once. */
  readonly once: { assertionSpent: boolean }
}

export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

/** An authenticated client, and the position at which it was judged. */
export type Authenticated = {
  readonly client: OauthClient
  readonly method: AuthMethod
  readonly caller: Caller
  readonly judgedAt: Position
}

/** What an endpoint does for an authenticated client. Endpoints that write may answer 'stale'. */
export type Endpoint<A extends Answer | Stale = Answer | Stale> = (
  call: Call,
  authenticated: Authenticated,
) => Promise<A>
