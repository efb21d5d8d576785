import type { Caller, Realm } from '@rescind/authority'
import type { Position, Source } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { WireRequest } from '../wire/request.ts'
import type { ChatApp } from './directory.ts'

/** What answers one method of one route; `client` is the id in the path, decoded, or empty without one. */
export type Handler = (realm: Realm, request: WireRequest, client: string) => Promise<Answer | Stale>

/** The holder of an app's API key. `judgedAt`: the position of the realm before anything was read for it. */
export type Admin = {
  readonly kind: 'admin'
  readonly app: ChatApp
  readonly source: Source
  readonly caller: Caller
  readonly judgedAt: Position
  /** By the client key of a sandbox, which everybody may know. */
  readonly isPublic: boolean
  /** Of the API key that was shown, where one was. */
  readonly keyDigest?: string
}

export type AdminAsk = { readonly admin: Admin; readonly request: WireRequest; readonly client: string }
export type AdminAct = (realm: Realm, ask: AdminAsk) => Promise<Answer | Stale>

export type AppFound = { readonly kind: 'app'; readonly app: ChatApp }

/** Who speaks for an app on a client route, and by which of its keys. */
export type ClientCaller = AppFound & { readonly byApiKey: boolean }

/** A user's token as it came, and who named its app. */
export type Presented = { readonly who: ClientCaller; readonly request: WireRequest; readonly raw: RawToken }
