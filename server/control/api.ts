import { type Realm, SYSTEM_ORDINAL } from '@rescind/authority'
import { RealmOutOfOrder, SYSTEM_REALM } from '@rescind/core'
import {
  type Answer,
  allowOf,
  isSafe,
  type Matched,
  paramsOf,
  type Route,
  Router,
  type Stale,
  splitPath,
  untilFresh,
} from '@rescind/dialects'
import { isAnswer, type Problem, problem, refusalProblem } from '../http/problem.ts'
import { isGood } from '../http/reply.ts'
import { reaches } from '../records/control-keys.ts'
import type { Once } from '../rules/write.ts'
import type { By } from './frame/by.ts'
import { callerOf } from './frame/callers.ts'
import {
  type ControlParts,
  type ControlRequest,
  type Endpoint,
  rateClassOf,
  type StreamBody,
} from './frame/endpoint.ts'
import { Idempotency } from './frame/idempotency.ts'
import { realmParameter } from './frame/input.ts'
import { ControlLimits, inScan } from './frame/limits.ts'
import { lowestRole } from './frame/narrowing.ts'
import { routesOf } from './frame/routes.ts'

/** The prefix of the control API. It has no realm in it: a key's realm, or `?realm=`, says which realm is meant. */
export const CONTROL_PREFIX = '/control/v1'
/** Says on a shared store what an answer has waited for. */
const ACKNOWLEDGED = 'rescind-acknowledged'

export type ControlApi = {
  readonly handle: (request: ControlRequest) => Promise<Answer>
  /** The template of a path, for logs and metrics; it never holds a value of the path. */
  readonly routeOf: (path: string) => string
  /** The form of a body that is not buffered. */
  readonly streamOf: (method: string, path: string) => StreamBody | undefined
}

/** The control API: JSON in camelCase, RFC 9457 problems, bearer keys, one table of endpoints. */
export function createControlApi(parts: ControlParts, endpoints: readonly Endpoint[]): ControlApi {
  const router = new Router(routesOf(endpoints))
  const frame = new Frame(parts)
  const routed = (path: string): Routed | undefined => {
    const segments = splitPath(path.slice(CONTROL_PREFIX.length))
    return segments === undefined ? undefined : router.match(segments)
  }
  return {
    handle: (request) => {
      const found = routed(request.path)
      return untilFresh(() => frame.answer(request, found))
    },
    routeOf: (path) => {
      const template = routed(path)?.route.template
      return template === undefined ? 'control:other' : CONTROL_PREFIX + template
    },
    streamOf: (method, path) => routed(path)?.route.methods.get(method)?.stream,
  }
}

/** The steps between a request and its endpoint, in this order: key, path, method, rights, realm, rate. */
class Frame {
  readonly #parts: ControlParts
  readonly #limits: ControlLimits
  readonly #idempotency: Idempotency = new Idempotency()

  constructor(parts: ControlParts) {
    this.#parts = parts
    this.#limits = new ControlLimits(parts.ratePerSecond, parts.monotonicMs)
  }

  async answer(request: ControlRequest, routed: Routed | undefined): Promise<Answer | Stale> {
    const { guesses, realms } = this.#parts
    const presented = { authorization: request.header('authorization'), from: request.from, guesses }
    const by = await callerOf(realms, presented)
    // A caller without a key learns nothing about which paths exist.
    if (by === undefined) return NO_KEY
    if (isAnswer(by)) return by
    if (routed === undefined) return refusalProblem({ kind: 'not-found' })
    const endpoint = routed.route.methods.get(request.method)
    if (endpoint === undefined) return refusalProblem({ kind: 'method', allow: allowOf(routed.route) })
    const realm = await this.#realmFor(request, by, endpoint)
    if (isAnswer(realm)) return realm
    const refused = this.#limits.refuse(by, rateClassOf(endpoint))
    return refused ?? (await this.#settled(endpoint, { request, by, realm, routed }))
  }

  /**
   * On a shared store, what a verifier is told holds as of its question, and an answer that acknowledges something waits until
   * every node refuses what it is about.
   */
  async #settled(endpoint: Endpoint, called: Called): Promise<Answer | Stale> {
    const { nodes } = this.#parts.realms
    if (nodes === undefined) return this.#run(endpoint, called)
    const { callers = [], asOfNow } = endpoint
    if (callers.includes('verifier') && asOfNow !== 'own') await nodes.asOfNow()
    const answer = await this.#run(endpoint, called)
    const rate = rateClassOf(endpoint)
    const acknowledges = rate === 'change' || rate === 'revoke'
    if (!acknowledges || answer === 'stale' || !isGood(answer)) return answer
    await nodes.everywhere([SYSTEM_ORDINAL, called.realm.ordinal])
    return { ...answer, headers: { ...answer.headers, [ACKNOWLEDGED]: nodes.acknowledges } }
  }

  #run(endpoint: Endpoint, { request, by, realm, routed }: Called): Promise<Answer | Stale> {
    const how = `control.${endpoint.operation}`
    const ask = { parts: this.#parts, request, by, realm, how, params: paramsOf(routed) }
    const run = (once: Once | undefined): Promise<Answer | Stale> =>
      endpoint.run({ ...ask, once, query: undefined, body: undefined })
    if (endpoint.scans === true) return inScan(ask, () => run(undefined))
    if (isSafe(endpoint.method) || endpoint.idempotency === 'own') return run(undefined)
    const { recover } = endpoint
    const act =
      recover === undefined
        ? { run }
        : { run, recover: (id: string) => recover({ parts: this.#parts, realm }, id) }
    return this.#idempotency.run({ realm, by, request }, act)
  }

  /** Checks that this key may call this endpoint. @returns the realm that the call acts in. */
  async #realmFor(request: ControlRequest, by: By, endpoint: Endpoint): Promise<Realm | Problem> {
    const callers = endpoint.callers ?? ['control']
    if (!callers.includes(by.kind)) return problem(403, `this needs a ${callers.join(' or ')} key`)
    // The endpoint itself looks at the body, which may need a higher role.
    const lowest = lowestRole(endpoint)
    if (by.role !== undefined && !reaches(by.role, lowest))
      return problem(403, `this call needs a key with the role ${lowest}`)
    const { realms } = this.#parts
    if (endpoint.reach === 'store')
      return by.realm === undefined ? realms.system : problem(403, 'this call needs a key of all realms')
    const asked = realmParameter(request.query)
    if (typeof asked === 'object') return asked
    if (endpoint.everyRealm === true && asked === undefined && by.realm === undefined) return realms.system
    // A realm's own key acts in its realm only, and learns of no other.
    const name = asked ?? by.realm ?? 'default'
    if (by.realm !== undefined && by.realm !== name) return NO_REALM
    const realm = await realms.get(name)
    // Operators may read what is readable of a realm that is out of order. Other callers get a refusal, so that they
    // never take it for what is in force.
    const reads = by.kind === 'control' && (isSafe(endpoint.method) || endpoint.onlyReads === true)
    const why = reads && realm !== undefined ? undefined : realms.whyNot(name)
    if (why !== undefined) throw new RealmOutOfOrder(why)
    const readsClosed = reads || (by.kind === 'control' && endpoint.reads === true)
    if (realm !== undefined || !readsClosed || by.realm !== undefined) return realm ?? NO_REALM
    // A disabled realm does nothing, but its history can still be read. `system` has calls of its own.
    return (name === SYSTEM_REALM ? undefined : await realms.known(name)) ?? NO_REALM
  }
}

type Routed = Matched<Route<Endpoint>>

type Called = {
  readonly request: ControlRequest
  readonly by: By
  readonly realm: Realm
  readonly routed: Routed
}

const NO_REALM: Problem = problem(404, 'no such realm')
const NO_KEY: Problem = problem(401, 'a control key is needed', {
  'www-authenticate': 'Bearer realm="rescind"',
})
