import type { Realm, Realms, RealmsAct } from '@rescind/authority'
import type { Answer, Scans, Stale, WireRequest } from '@rescind/dialects'
import type { Feed } from '@rescind/feed'
import type { z } from 'zod'
import type { DialectSecrets } from '../../bulk/secrets.ts'
import { isAnswer, problem } from '../../http/problem.ts'
import type { KeySets } from '../../judging/key-sets.ts'
import type { Rotated } from '../../keys/master-key.ts'
import type { Enforcement } from '../../receipts/enforcement.ts'
import type { ControlRole } from '../../records/control-keys.ts'
import type { Sources } from '../../rules/sources.ts'
import type { Once } from '../../rules/write.ts'
import type { By, CallerKind } from './by.ts'
import { credentialIn, withoutTokens } from './free-text.ts'
import { isSafe } from './idempotency.ts'
import { parseBody, parseQuery } from './input.ts'
import type { KeyGuesses } from './key-guesses.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * A share of the rate limit. Revoking and holding have their own, so that nothing else a key does, or is made to do,
 * ever turns a revocation away. What verifiers ask by their instances has no rate, but caps on those (feed/instances.ts).
 */
export type RateClass = 'read' | 'change' | 'revoke' | 'feed'

export function rateClassOf({ rateClass, method }: Pick<EndpointShape, 'rateClass' | 'method'>): RateClass {
  return rateClass ?? (isSafe(method) ? 'read' : 'change')
}

/** What the endpoints work with; the composition root fills it. */
export type ControlParts = {
  readonly realms: Realms
  /** Where the tokens of the server's dialects come from. */
  readonly sources: Sources
  /** What the dialects keep beside tokens. */
  readonly secrets: readonly DialectSecrets[]
  /** How long what has ended can be read. */
  readonly auditRetentionMs: number
  /** Who applies revocations elsewhere, and how far they are. */
  readonly enforcement: Enforcement
  readonly feed: Feed
  readonly rotateMasterKey: (act: RealmsAct) => Promise<Rotated>
  /** Keys of registered issuers. */
  readonly keySets: KeySets
  /** Takes the wall clock as true (model of the floor); @returns the floor, durable. */
  readonly confirmClock: () => Promise<number>
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonicMs: () => number
  /** The OAuth issuer of a realm. */
  readonly issuerOf: (realm: Realm) => string
  /** Room for reads of many records; others of this process share it. */
  readonly scans: Scans
  readonly guesses: KeyGuesses
  /** Whether keys that can be guessed are taken. */
  readonly allowWeakSecrets: boolean
  /** Requests a second of one key in one class; 0: no limit. */
  readonly ratePerSecond: number
}

/** A request of the control API: its body may come as a stream, and its caller may go away. */
export type ControlRequest = WireRequest & {
  /** For endpoints with a streamed body; at most once. Ends with `StreamTooLarge` past the endpoint's cap. */
  readonly stream?: AsyncIterable<Uint8Array> | undefined
  /** Aborted when the client is gone. */
  readonly gone?: AbortSignal | undefined
}

export type Ask<Q = unknown, B = unknown> = {
  readonly parts: ControlParts
  readonly request: ControlRequest
  readonly by: By
  /** The realm that is meant; for an endpoint of the whole store it is `system`. */
  readonly realm: Realm
  /** Decoded values of the template's parameters. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  /** With an `Idempotency-Key`: what may be written in the write that does what is asked. */
  readonly once?: Once | undefined
  /** How the audit names this call: `control.createGrant`. */
  readonly how: string
}

/** One status that an endpoint answers with, other than the problems that every endpoint has. */
export type AnswerShape = {
  readonly what: string
  /** Absent: no body, or one that `type` describes. */
  readonly schema?: z.ZodType
  /** Of the body, when it is no JSON document. */
  readonly type?: 'text/event-stream' | 'application/x-ndjson' | 'application/octet-stream'
}

/** Says again what a call did when its answer was lost by a crash; `id` as in `ask.once`. */
export type Recover = (ask: Pick<Ask, 'realm'>, id: string) => Promise<Answer | undefined>

type Base = {
  readonly method: Method
  /** Segments are literal or `{name}`; below `/control/v1`. */
  readonly path: string
  /** Unique; lower camel case; the audit and OpenAPI name the call by it. */
  readonly operation: string
  readonly summary: string
  /** The least role that may call it. Verifiers, where they are let in, need none. */
  readonly role: ControlRole
  /** Kinds of keys that may call; absent: `['control']`. */
  readonly callers?: readonly CallerKind[]
  /** `store`: about all realms at once; needs a key of all realms and takes no `?realm=`. `realm` when absent. */
  readonly reach?: 'realm' | 'store'
  /** `read` for GET, `change` otherwise, when it is absent. */
  readonly rateClass?: RateClass
  /** It looks at many records: a key has room for some such calls at once, and gets 429 beyond. */
  readonly scans?: true
  /** For what writes `ask.once.mark`. */
  readonly recover?: Recover
  /** `own`: the endpoint itself reads `Idempotency-Key`. Otherwise every unsafe method has it done for it. */
  readonly idempotency?: 'own'
  /** It heeds If-Match (or If-None-Match, for GET) and sends an ETag. */
  readonly conditional?: true
  readonly answers: Readonly<Record<number, AnswerShape>>
  /** Statuses of problems that it answers beside those that every endpoint has. */
  readonly problems?: readonly number[]
}

/** A body that is not buffered: read it from `request.stream`. */
export type StreamBody = { readonly types: readonly string[]; readonly maxBytes: number }

export type EndpointShape = Base & {
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly stream?: StreamBody
}

/** An endpoint as the table has it: what it takes is checked inside `run`. */
export type Endpoint = EndpointShape & {
  readonly run: (ask: Ask) => Promise<Answer | Stale>
}

type Given<Q extends z.ZodObject | undefined, B> = Base & {
  readonly query?: Q
  readonly body?: z.ZodType<B>
  readonly stream?: StreamBody
  readonly handle: (
    ask: Ask<Q extends z.ZodObject ? z.output<Q> : Readonly<Record<string, never>>, B>,
  ) => Promise<Answer | Stale>
}

/** One endpoint: its route, its callers, what it takes and answers, and its handler. */
export function endpoint<Q extends z.ZodObject | undefined = undefined, B = undefined>(
  given: Given<Q, B>,
): Endpoint {
  const { handle, ...rest } = given
  // The type parameter stands for a query schema or for none; both are what a shape holds.
  const shape = rest as EndpointShape
  const run = async (ask: Ask): Promise<Answer | Stale> => {
    const query = parseQuery(ask.request.query, shape)
    if (isAnswer(query)) return query
    const body = parseBody(ask.request, shape)
    if (isAnswer(body)) return body
    // `value` was checked by the schemas that the types are made of.
    const answer = handle as (ask: Ask) => Promise<Answer | Stale>
    const given = { query: query.value, body: body.value }
    // Reading keeps nothing, and most of it is questions about tokens.
    if (rateClassOf(shape) === 'read') return await answer({ ...ask, ...given })
    const realms = shape.reach === 'store' ? ask.parts.realms.all() : [ask.realm]
    const kept = await keptOnly(realms, given)
    return isAnswer(kept) ? kept : answer({ ...ask, ...kept })
  }
  return { ...shape, run }
}

type Texts = { readonly query: unknown; readonly body: unknown }

/** What may be kept of a request, or why nothing of it is. */
async function keptOnly(realms: readonly Realm[], { query, body }: Texts): Promise<Texts | Answer> {
  const at = (await credentialIn(realms, query)) ?? (await credentialIn(realms, body))
  if (at !== undefined)
    return problem(
      422,
      `${at}: holds a credential, which would be kept and shown; name a token by "token" or "handle"`,
    )
  return { query: await withoutTokens(realms, query), body: await withoutTokens(realms, body) }
}
