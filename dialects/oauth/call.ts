import type { Caller, Cause, Realm } from '@rescind/authority'
import type { Credential, Position, TokenFacts, Verdict } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import type { OauthClient } from './directory.ts'
import type { Lists, Parameters } from './endpoint-body.ts'
import type { Guesses } from './guesses.ts'

/** Something that an operator wants to see in the log; never holds token text. */
export type OauthNotice = {
  readonly event: 'grant-ended' | 'loose-assertion-audience'
  readonly realm: string
  readonly client: string
  readonly from: string
  readonly cause?: Cause
}

export type OauthOptions = {
  /** A realm's base URL, `https://host[/realms/name]`: fixed by configuration, so that nobody can dictate an issuer. */
  readonly baseOf: (realm: Realm) => string
  /** For how long a rotated refresh token gets the same answer again. */
  readonly replaySeconds: number
  /** Seconds for which gateways are told to keep an active answer; 0 says nothing. */
  readonly cacheTtlSeconds: number
  /** Refuse a `token_type_hint` that is neither of the two that are known. */
  readonly strictHints: boolean
  /** Where the operator's own login lives, for the metadata. */
  readonly authorizationEndpoint?: string | undefined
  /** Judges a signed token that none of our keys has signed: one of a registered issuer, perhaps. */
  readonly judgeForeign?: (realm: Realm, raw: RawToken) => Promise<Judged>
  readonly onNotice?: (notice: OauthNotice) => void
}

export type Judged = {
  readonly verdict: Verdict
  readonly facts?: TokenFacts
  readonly credential?: Credential
}

/** One request to one of the three endpoints. */
export type Call = {
  readonly realm: Realm
  readonly request: WireRequest
  readonly options: OauthOptions
  readonly issuer: string
  /** The endpoint's own URL. */
  readonly url: string
  readonly values: Parameters
  readonly lists: Lists
  /** How often a client may be told that a token is somebody else's. */
  readonly foreign: RateLimit
  /** How often a wrong secret may be sent. */
  readonly guesses: Guesses
  /** What a request does once, however often it is judged again. */
  readonly once: { assertionSpent: boolean }
}

export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

/** A client that has proved itself, and the position at which it was judged. */
export type Authenticated = {
  readonly client: OauthClient
  readonly method: AuthMethod
  readonly caller: Caller
  readonly judgedAt: Position
}

/** What one path does for a client that has proved itself. What writes may answer that it has to be judged again. */
export type Endpoint<A extends Answer | Stale = Answer | Stale> = (
  call: Call,
  authenticated: Authenticated,
) => Promise<A>
