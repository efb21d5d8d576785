import type { Realm, Realms, RealmsAct } from '@rescind/authority'
import { type Answer, isSafe, type Scans, type Stale, type WireRequest } from '@rescind/dialects'
import type { Feed } from '@rescind/feed'
import type { z } from 'zod'
import type { DialectSecrets } from '../../bulk/secrets.ts'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import type { KeySets } from '../../judging/key-sets.ts'
import type { Rotated } from '../../keys/master-key.ts'
import type { Enforcement } from '../../receipts/enforcement.ts'
import { type ControlRole, reaches } from '../../records/control-keys.ts'
import type { FindPeople } from '../../records/people.ts'
import type { Sources } from '../../rules/sources.ts'
import type { Once } from '../../rules/write.ts'
import type { Stats } from '../resources/stats/stats.ts'
import type { By, CallerKind } from './by.ts'
import { credentialIn, withoutTokens } from './free-text.ts'
import { parseBody, parseQuery } from './input.ts'
import type { KeyGuesses } from './key-guesses.ts'
import { NARROWING, roleFor } from './narrowing.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * A share of the rate limit. Revoking and holding have a class of their own, so no other calls of a key can use up its
 * revocations. Calls of verifiers' instances have no rate limit: the number of instances is capped instead
 * (feed/instances.ts).
 */
export type RateClass = 'read' | 'change' | 'revoke' | 'feed'

export function rateClassOf({ rateClass, method }: Pick<EndpointShape, 'rateClass' | 'method'>): RateClass {
  return rateClass ?? (isSafe(method) ? 'read' : 'change')
}

/** What the endpoints work with; the composition root fills it. */
export type ControlParts = {
  readonly realms: Realms
  /** The sources of the tokens of the server's dialects. */
  readonly sources: Sources
  /** The secrets that dialects store beside tokens. */
  readonly secrets: readonly DialectSecrets[]
  /** Where dialects' people and programs are found. */
  readonly people: readonly FindPeople[]
  /** How long ended records stay readable. */
  readonly auditRetentionMs: number
  /** Which verifiers apply revocations, and how far each of them is. */
  readonly enforcement: Enforcement
  readonly feed: Feed
  readonly stats: Stats
  readonly rotateMasterKey: (act: RealmsAct) => Promise<Rotated>
  /** The keys of registered issuers. */
  readonly keySets: KeySets
  /** Trusts the wall clock as it reads now. @returns the floor, durable. */
  readonly confirmClock: () => Promise<number>
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonicMs: () => number
  /** The URL by which clients reach this server, without a slash at its end. */
  readonly baseUrl: () => string
  /** The OAuth issuer of a realm. */
  readonly issuerOf: (realm: Realm) => string
  /** Bounds reads of many records; all parts of this process share it. */
  readonly scans: Scans
  readonly guesses: KeyGuesses
  /** Whether guessable keys are accepted. */
  readonly allowWeakSecrets: boolean
  /** Requests a second of one key in one class; 0: no limit. */
  readonly ratePerSecond: number
}

/** A request of the control API. Its body may be a stream, and its caller may go away. */
export type ControlRequest = WireRequest & {
  /** For endpoints with a streamed body; read it at most once. Ends with `StreamTooLarge` past the endpoint's cap. */
  readonly stream?: AsyncIterable<Uint8Array> | undefined
  /** Aborted when the client has gone. */
  readonly gone?: AbortSignal | undefined
}

export type Ask<Q = unknown, B = unknown> = {
  readonly parts: ControlParts
  readonly request: ControlRequest
  readonly by: By
  /** The realm that the request is for; for an endpoint of the whole store it is `system`. */
  readonly realm: Realm
  /** Decoded values of the template's parameters. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  /** Set with an `Idempotency-Key`: a mark to write in the same write as the change itself. */
  readonly once?: Once | undefined
  /** The name of this call in the audit: `control.createGrant`. */
  readonly how: string
}

/** One status that an endpoint answers with, besides the problems that every endpoint has. */
export type AnswerShape = {
  readonly what: string
  /** Absent: no body, or one that `type` describes. */
  readonly schema?: z.ZodType
  /** The body's media type, when it is not one JSON document. */
  readonly type?: 'text/event-stream' | 'application/x-ndjson' | 'application/octet-stream'
}

/** Repeats the outcome of a call whose answer was lost in a crash; `id` is that of `ask.once`. */
export type Recover = (ask: Pick<Ask, 'parts' | 'realm'>, id: string) => Promise<Answer | undefined>

/** `metrics` calls nothing here. */
export type CallingRole = Exclude<ControlRole, 'metrics'>

type Base = {
  readonly method: Method
  /** Segments are literal or `{name}`; below `/control/v1`. */
  readonly path: string
  /** Unique, in lower camel case: the name of the call in the audit and in OpenAPI. */
  readonly operation: string
  readonly summary: string
  /** The lowest role that may call it. Verifiers that may call it need none. */
  readonly role: CallingRole
  /** Kinds of keys that may call; absent: `['control']`. */
  readonly callers?: readonly CallerKind[]
  /** `store`: concerns all realms at once, so it needs a key of all realms and takes no `?realm=`. Absent: `realm`. */
  readonly reach?: 'realm' | 'store'
  /** Absent: `read` for GET, else `change`. */
  readonly rateClass?: RateClass
  /** Without `?realm=`, and for a key of all realms, it is about all of them; its realm is `system` then. */
  readonly everyRealm?: true
  /** Changes nothing, although it is a POST: it also answers about realms that are disabled. */
  readonly reads?: true
  /** It only reads what is remembered, whatever its method: operators may call it of a realm that is disabled or out of order. */
  readonly onlyReads?: true
  /** Looks at many records. A key may have only some such calls under way, and gets 429 beyond. */
  readonly scans?: true
  /** For endpoints that write `ask.once.mark`. */
  readonly recover?: Recover
  /** `own`: the endpoint reads `Idempotency-Key` itself. Absent: the frame does it for every unsafe method. */
  readonly idempotency?: 'own'
  /**
   * `own`: on a shared store it waits for a heartbeat itself, which tells the other nodes of the call. Absent: the frame does
   * it for whatever a verifier may call.
   */
  readonly asOfNow?: 'own'
  /** Honours If-Match (or If-None-Match, for GET) and sends an ETag. */
  readonly conditional?: true
  readonly answers: Readonly<Record<number, AnswerShape>>
  /** Statuses of problems besides those that every endpoint has. */
  readonly problems?: readonly number[]
}

/** A body that is not buffered; it is read from `request.stream`. */
export type StreamBody = { readonly types: readonly string[]; readonly maxBytes: number }

export type EndpointShape = Base & {
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly stream?: StreamBody
}

/** An endpoint as the table holds it; `run` checks the input. */
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

/** One endpoint: its route, callers, input, answers and handler. */
export function endpoint<Q extends z.ZodObject | undefined = undefined, B = undefined>(
  given: Given<Q, B>,
): Endpoint {
  const { handle, ...rest } = given
  // The type parameter stands for a query schema or for none, and a shape holds either.
  const shape = rest as EndpointShape
  const run = async (ask: Ask): Promise<Answer | Stale> => {
    const query = parseQuery(ask.request.query, shape)
    if (isAnswer(query)) return query
    const body = parseBody(ask.request, shape)
    if (isAnswer(body)) return body
    const needed = roleFor(shape, body.value)
    if (ask.by.role !== undefined && !reaches(ask.by.role, needed)) return tooLow(shape, needed)
    // The schemas that these types come from have checked `value`.
    const answer = handle as (ask: Ask) => Promise<Answer | Stale>
    const given = { query: query.value, body: body.value }
    // Reads store nothing of the request, and most of them ask about tokens, so their text is not cleaned.
    if (rateClassOf(shape) === 'read') return await answer({ ...ask, ...given })
    const realms = shape.reach === 'store' ? ask.parts.realms.all() : [ask.realm]
    const kept = await keptOnly(realms, given)
    return isAnswer(kept) ? kept : answer({ ...ask, ...kept })
  }
  return { ...shape, run }
}

function tooLow({ operation }: Base, role: ControlRole): Problem {
  const unless = NARROWING.has(operation) ? ', except to disable it or end its tokens and nothing else' : ''
  return problem(403, `this call needs a key with the role ${role}${unless}`)
}

type Texts = { readonly query: unknown; readonly body: unknown }

/** The parts of a request that may be stored, or the refusal. */
async function keptOnly(realms: readonly Realm[], { query, body }: Texts): Promise<Texts | Answer> {
  const at = (await credentialIn(realms, query)) ?? (await credentialIn(realms, body))
  if (at !== undefined)
    return problem(
      422,
      `${at}: holds a credential, which would be kept and shown; name a token by "token" or "handle"`,
    )
  return { query: await withoutTokens(realms, query), body: await withoutTokens(realms, body) }
}
