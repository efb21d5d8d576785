import type { FeedEvent, Verdict } from '@rescind/core'
import type { ForeignIssuer, VerificationKey } from '@rescind/core/tokens'
import type { OnStale } from '../results.ts'
import type { SourceFailed } from './trouble.ts'

/** A registered issuer, as a verifier judges its tokens. Without keys its signatures cannot be checked. */
export type KnownIssuer = {
  readonly issuer: ForeignIssuer
  readonly keys: readonly VerificationKey[] | undefined
}

/** What a verifier needs to judge tokens by itself. */
export type FeedConfig = {
  readonly digestKey: string
  readonly floorMs: number
  readonly keys: readonly VerificationKey[]
  readonly issuers: readonly KnownIssuer[]
  /** As received, for the state file and to detect changes. */
  readonly text: string
}

export type Hello = {
  readonly instance: string
  readonly position: string
  readonly floorMs: number
  readonly ackEveryMs: number
  /** How many accepted tokens an acknowledgement may name; undefined: the server only takes handles, as `used`. */
  readonly acceptedMax: number | undefined
}

export type StreamListener = {
  readonly hello: (hello: Hello) => void
  readonly rows: (event: FeedEvent) => void
  /** The server ends this stream, and says why. */
  readonly reset: (why: string) => void
  /** The stream has ended, and sends nothing more. Called exactly once. */
  readonly ended: (failure: SourceFailed | undefined) => void
}

export type StreamAsk = {
  readonly after: string
  readonly boundMs: number
  readonly onStale: OnStale
  readonly instance: string | undefined
  readonly label: string
}

/** A token that was accepted: by its handle, or by its issuer and jti. All times in seconds, relative to the sending. */
export type AcceptedJson = {
  readonly handle?: string
  readonly issuer?: string
  readonly jti?: string
  /** How long ago it was first and last accepted. */
  readonly first: number
  readonly last: number
  /** How long a foreign token lives on. */
  readonly expires?: number
}

export type AckAsk = {
  readonly instance: string
  readonly position: string
  readonly bound: number
  /** Tokens accepted since the last acknowledgement. */
  readonly accepted?: readonly AcceptedJson[]
  /** Acceptances that are not in any report: how many, and since how many seconds ago. */
  readonly dropped?: { readonly count: number; readonly since: number }
  /** For servers that take no `accepted`: handles of tokens that were accepted. */
  readonly used?: readonly string[]
  readonly leaving?: true
}
export type AckAnswer = { readonly position: string; readonly floorMs: number }

/** The server's answer about one token; `facts` as received. */
export type AskAnswer = { readonly verdict: Verdict; readonly facts: unknown }

/** The connection to the server, of every kind. All promises reject with SourceFailed. */
export type Transport = {
  readonly config: () => Promise<FeedConfig>
  readonly snapshot: () => Promise<Uint8Array>
  /** @returns a function that ends the stream. */
  readonly stream: (ask: StreamAsk, listener: StreamListener) => () => void
  readonly acknowledge: (ask: AckAsk, timeoutMs: number) => Promise<AckAnswer>
  readonly ask: (token: string, timeoutMs: number) => Promise<AskAnswer>
  readonly close: () => void
}
