import type { Caller, Realm } from '@rescind/authority'
import type { Position, Source } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { WireRequest } from '../wire/request.ts'
import type { ChatApp } from './directory.ts'

/** Handles one method of one route. `client` is the decoded id in the path, empty without one. */
export type Handler = (realm: Realm, request: WireRequest, client: string) => Promise<Answer | Stale>

/** The holder of an app's API key. `judgedAt` is the realm's position before anything was read for the request. */
export type Admin = {
  readonly kind: 'admin'
  readonly app: ChatApp
  readonly source: Source
  readonly caller: Caller
  readonly judgedAt: Position
  /** The caller used the client key of a sandbox, which is public. */
  readonly isPublic: boolean
  /** Digest of the API key that was used, if any. */
  readonly keyDigest?: string
}

export type AdminAsk = { readonly admin: Admin; readonly request: WireRequest; readonly client: string }
export type AdminAct = (realm: Realm, ask: AdminAsk) => Promise<Answer | Stale>

export type AppFound = { readonly kind: 'app'; readonly app: ChatApp }

/** The app that a caller of a client route speaks for, and which of its keys was used. */
export type ClientCaller = AppFound & { readonly byApiKey: boolean }

/** A user's token as presented, and the caller's app. */
export type Presented = { readonly who: ClientCaller; readonly request: WireRequest; readonly raw: RawToken }
