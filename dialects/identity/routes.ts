import type { Awaitable } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import type { Call } from './call.ts'
import { login } from './login.ts'
import { revoke } from './revoke.ts'
import { validate } from './validate.ts'
import { version, versions } from './versions.ts'

/** `id` is the decoded last segment of a path that names a token, and empty elsewhere. */
export type Handler = (call: Call, id: string) => Awaitable<Answer>

export type Method = {
  readonly handler: Handler
  /** Whether a good answer has a body, so that the caller's Accept has to admit it. */
  readonly hasBody: boolean
}

export type Route = {
  /** For logs and metrics; holds nothing of what was asked. */
  readonly template: string
  readonly methods: ReadonlyMap<string, Method>
  readonly isRateLimited: boolean
}

export type Matched = { readonly route: Route; readonly id: string }

const ROOT: Route = { template: '/', methods: new Map(reading(versions)), isRateLimited: false }
const V2: Route = { template: '/v2.0', methods: new Map(reading(version)), isRateLimited: false }
const TOKENS: Route = {
  template: '/v2.0/tokens',
  methods: new Map<string, Method>([
    ['DELETE', { handler: (call) => revoke(call, undefined), hasBody: false }],
    ['POST', { handler: login, hasBody: true }],
  ]),
  isRateLimited: true,
}
const TOKEN: Route = {
  template: '/v2.0/tokens/{tokenId}',
  methods: new Map<string, Method>([['DELETE', { handler: revoke, hasBody: false }], ...reading(validate)]),
  isRateLimited: true,
}

/** The route of a path that was split and decoded: what a handler is given is what was matched. */
export function matchRoute(segments: readonly string[]): Matched | undefined {
  const [root, collection, id = ''] = segments
  if (segments.length === 1 && root === '') return { route: ROOT, id }
  if (root !== 'v2.0') return undefined
  if (segments.length === 1) return { route: V2, id }
  if (collection !== 'tokens' || segments.length > 3) return undefined
  return { route: segments.length === 2 ? TOKENS : TOKEN, id }
}

/** HEAD is GET, to the last header; the server drops the body. */
function reading(handler: Handler): [string, Method][] {
  return [
    ['GET', { handler, hasBody: true }],
    ['HEAD', { handler, hasBody: true }],
  ]
}
