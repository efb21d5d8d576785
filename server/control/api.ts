import { type Awaitable, after, type Realm, type Realms } from '@rescind/core'
import {
  type Answer,
  isUtf8,
  jsonAnswer,
  mediaType,
  parseStrictJson,
  type Stale,
  untilFresh,
  type WireRequest,
} from '@rescind/dialects'
import type { z } from 'zod'
import { createGrant, GRANT_BODY } from './grants.ts'
import { type ControlCaller, type ControlRole, controlCaller } from './keys.ts'
import { problem, refusalProblem } from './problem.ts'

/** Where the control API lives; it has no realm prefix: a key's realm, or `?realm=`, says which realm is meant. */
export const CONTROL_PREFIX = '/control/v1'

type Ask = { readonly request: WireRequest; readonly by: ControlCaller; readonly realm: Realm }
type Endpoint = {
  readonly role: ControlRole
  readonly answer: (ask: Ask) => Awaitable<Answer | Stale>
}

export type ControlParts = {
  readonly realms: Realms
  /** Takes the wall clock as true (model of the floor); @returns the floor, durable. */
  readonly confirmClock: () => Promise<number>
}

/** Roles in rising order: each may do what the ones before it may. */
const ROLES: readonly ControlRole[] = ['viewer', 'responder', 'admin']

export type ControlApi = {
  readonly handle: (request: WireRequest) => Awaitable<Answer>
  readonly routeOf: (path: string) => string
}

/** The control API: JSON in camelCase, RFC 9457 problems, bearer control keys. */
export function createControlApi(parts: ControlParts): ControlApi {
  const endpoints: ReadonlyMap<string, ReadonlyMap<string, Endpoint>> = new Map([
    [
      '/grants',
      new Map<string, Endpoint>([
        [
          'POST',
          {
            role: 'admin',
            answer: (ask) => withBody(ask, GRANT_BODY, (body) => createGrant({ ...ask, body })),
          },
        ],
      ]),
    ],
    [
      '/clock/confirm',
      new Map<string, Endpoint>([
        ['POST', { role: 'admin', answer: async () => confirmed(await parts.confirmClock()) }],
      ]),
    ],
  ])
  return {
    handle: (request) => {
      const methods = endpoints.get(request.path.slice(CONTROL_PREFIX.length))
      return untilFresh(() => answer(parts, request, methods))
    },
    routeOf: (path) => (endpoints.has(path.slice(CONTROL_PREFIX.length)) ? path : 'control:other'),
  }
}

function answer(
  { realms }: ControlParts,
  request: WireRequest,
  methods: ReadonlyMap<string, Endpoint> | undefined,
): Awaitable<Answer | Stale> {
  const { system } = realms
  return after(controlCaller(system, request.header('authorization'), request.from), (by) => {
    // Who has no key learns nothing about which paths exist.
    if (by === undefined)
      return problem(401, 'a control key is needed', { 'www-authenticate': 'Bearer realm="rescind"' })
    if (methods === undefined) return refusalProblem({ kind: 'not-found' })
    const endpoint = methods.get(request.method)
    if (endpoint === undefined)
      return refusalProblem({ kind: 'method', allow: [...methods.keys()].join(', ') })
    if (ROLES.indexOf(by.key.role) < ROLES.indexOf(endpoint.role)) {
      return problem(403, `this needs a key of the role ${endpoint.role}`)
    }
    const realm = realmOf(realms, by, request.query)
    return realm === undefined ? problem(404, 'no such realm') : endpoint.answer({ request, by, realm })
  })
}

/** A realm's own key acts in its realm only; a global one where `?realm=` says, `default` otherwise. */
function realmOf(realms: Realms, { key }: ControlCaller, query: string | undefined): Realm | undefined {
  const asked = new URLSearchParams(query ?? '').getAll('realm')
  if (asked.length > 1) return undefined
  const name = asked[0] ?? key.realm ?? 'default'
  return key.realm !== undefined && key.realm !== name ? undefined : realms.get(name)
}

type Next<T> = (body: T) => Awaitable<Answer | Stale>

function withBody<T>({ request }: Ask, schema: z.ZodType<T>, next: Next<T>): Awaitable<Answer | Stale> {
  const media = mediaType(request)
  if (media === undefined || !isUtf8(media, 'application/json'))
    return problem(415, 'the body must be application/json')
  const parsed = parseStrictJson(request.body)
  if (parsed === undefined) return problem(400, 'the body is not well-formed JSON, or names a member twice')
  const checked = schema.safeParse(parsed)
  if (checked.success) return next(checked.data)
  const issue = checked.error.issues[0]
  // The name of an unknown member may be a token that went astray: only what reads like a name is sent back.
  const isText = issue?.code === 'unrecognized_keys' && !issue.keys.every((key) => /^\w{1,32}$/.test(key))
  const why = isText ? 'a member is not known' : issue?.message
  return problem(422, `${issue?.path.join('.') || 'body'}: ${why ?? 'not as described'}`)
}

function confirmed(floorMs: number): Answer {
  return jsonAnswer(200, { floor: new Date(floorMs).toISOString() })
}
