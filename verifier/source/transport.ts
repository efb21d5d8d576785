import type { FeedEvent, Verdict } from '@rescind/core'
import type { ForeignIssuer, VerificationKey } from '@rescind/core/tokens'
import type { OnStale } from '../results.ts'
import type { SourceFailed } from './trouble.ts'

/** A registered issuer as a verifier judges its tokens; without keys nobody can say what it has signed. */
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
  /** As it came, for the state file, and to see whether it has changed. */
  readonly text: string
}

export type Hello = {
  readonly instance: string
  readonly position: string
  readonly floorMs: number
  readonly ackEveryMs: number
}

export type StreamListener = {
  readonly hello: (hello: Hello) => void
  readonly rows: (event: FeedEvent) => void
  /** The server ends this stream, and says why. */
  readonly reset: (why: string) => void
  /** The stream is over; nothing more comes of it. Exactly once. */
  readonly ended: (failure: SourceFailed | undefined) => void
}

export type StreamAsk = {
  readonly after: string
  readonly boundMs: number
  readonly onStale: OnStale
  readonly instance: string | undefined
  readonly label: string
}

export type AckAsk = {
  readonly instance: string
  readonly position: string
  readonly bound: number
  readonly used?: readonly string[]
  readonly leaving?: true
}
export type AckAnswer = { readonly position: string; readonly floorMs: number }

/** What the server says of one token; `facts` as it sent them. */
export type AskAnswer = { readonly verdict: Verdict; readonly facts: unknown }

/** The way to the server, whatever it is made of. Everything rejects with SourceFailed. */
export type Transport = {
  readonly config: () => Promise<FeedConfig>
  readonly snapshot: () => Promise<Uint8Array>
  /** @returns what ends the stream. */
  readonly stream: (ask: StreamAsk, listener: StreamListener) => () => void
  readonly acknowledge: (ask: AckAsk, timeoutMs: number) => Promise<AckAnswer>
  readonly ask: (token: string, timeoutMs: number) => Promise<AskAnswer>
  readonly close: () => void
}
