import type { Realm, Realms } from '@rescind/authority'
import type { Answer, Dialect } from '@rescind/dialects'
import { CONTROL_PREFIX, type ControlApi } from '../control/api.ts'
import type { Check } from '../gateway/check.ts'
import type { FastRoute, FastRoutes } from '../http/fast-path/head.ts'
import { type Mount, Mounts, type Place } from '../http/mounts.ts'
import { refusalProblem } from '../http/problem.ts'
import { isGood } from '../http/reply.ts'
import { CHECK_PREFIX, isCheckPath, type NodeWireRequest } from '../http/wire.ts'

export type MountParts = {
  readonly realms: Realms
  readonly dialects: readonly MountedDialect[]
  readonly check: Check
  readonly control: ControlApi
  readonly ops: ReadonlyMap<string, (request: NodeWireRequest) => Promise<Answer>>
  /** Whether `/metrics` asks for no key. */
  readonly metricsOpen: boolean
  /** The path of the public URL, without a slash at its end; empty for none. */
  readonly publicPath: string
}

/** A dialect and its paths. */
export type MountedDialect = { readonly dialect: Dialect; readonly paths: readonly string[] }

/** All that this server answers, and which of these requests its fast path may take. */
export function mountAll(parts: MountParts): {
  readonly mounts: Mounts
  readonly fastRoutes: FastRoutes<Mount>
} {
  const { realms, check: checkApi, publicPath } = parts
  const check = checkMount(realms, checkApi)
  const fastRoutes = new Map<string, FastRoute<Mount>>()
  const places: Place[] = [{ path: CHECK_PREFIX, mount: check, inRealms: true }, ...ownPlaces(parts)]
  for (const { dialect, paths } of parts.dialects) {
    const mount = dialectMount(realms, dialect)
    for (const path of paths) places.push({ path, mount, inRealms: true, ...(path === '/' ? EXACT : {}) })
    for (const path of dialect.hotPaths) {
      const target = { realm: undefined, path, query: undefined }
      fastRoutes.set(`POST ${path} HTTP/1.1`, { method: 'POST', target, mount })
    }
  }
  const elsewhere: Mount = {
    handle: () => refusalProblem({ kind: 'not-found' }),
    refuse: refusalProblem,
    routeOf: () => 'other',
  }
  return { mounts: new Mounts({ places, check, elsewhere, publicPath }), fastRoutes }
}

const EXACT = { exact: true } as const

/** Places outside realms: the control API and the pages of the process. */
function ownPlaces({ control, ops, metricsOpen }: MountParts): readonly Place[] {
  const mount: Mount = {
    handle: control.handle,
    refuse: refusalProblem,
    routeOf: ({ path }) => control.routeOf(path),
    streamOf: control.streamOf,
  }
  const pages = Array.from(ops, ([path, handle]) => ({
    path,
    mount: {
      handle,
      refuse: refusalProblem,
      routeOf: () => path,
      ...(path === '/metrics' && !metricsOpen ? {} : JUDGES_NOTHING),
    },
    ...EXACT,
  }))
  return [{ path: CONTROL_PREFIX, mount }, ...pages]
}

/** `/metrics` asks for a key, unless it is open. */
const JUDGES_NOTHING = { judgesNothing: true } as const

type InRealm = (realm: Realm | undefined) => Answer | Promise<Answer>

/**
 * Called when a request has arrived whole. A realm that is open already costs the hot paths no promise.
 * @throws RealmOutOfOrder and StoreUnavailable, by rejecting.
 */
function inRealm(realms: Realms, name: string | undefined, next: InRealm): Answer | Promise<Answer> {
  const ready = realms.ready(name)
  return ready === undefined ? realms.served(name).then(next) : next(ready)
}

function dialectMount(realms: Realms, dialect: Dialect): Mount {
  return {
    handle: (request) =>
      inRealm(realms, request.realm, (realm) =>
        realm === undefined
          ? dialect.refuse({ kind: 'not-found' }, request.path, request.header('accept'))
          : settled(realms, dialect, { realm, request }),
      ),
    refuse: dialect.refuse,
    routeOf: (request) => dialect.routeOf(request),
  }
}

type Called = { readonly realm: Realm; readonly request: NodeWireRequest }

/** On a shared store, an answer that acknowledges something waits until every node refuses what it is about. */
function settled({ nodes }: Realms, dialect: Dialect, { realm, request }: Called): Promise<Answer> {
  const answering = dialect.handle(realm, request)
  if (nodes === undefined || !dialect.acknowledges(request)) return answering
  return answering.then(async (answer) => {
    if (isGood(answer)) await nodes.everywhere([realm.ordinal])
    return answer
  })
}

function checkMount(realms: Realms, check: Check): Mount {
  const handle = (request: NodeWireRequest): Answer | Promise<Answer> =>
    inRealm(realms, request.realm, (realm) =>
      // No gateway asks by a prefix that becomes `/check` only when it is decoded.
      realm === undefined || !isCheckPath(request.path)
        ? check.refuse({ kind: 'not-found' })
        : check.handle(realm, request),
    )
  return { handle, refuse: check.refuse, routeOf: check.routeOf, judgesAlone: true }
}
