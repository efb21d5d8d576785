import type { Answer, Refusal } from '@rescind/dialects'
import { checkTargetOf, isCheckPath, type NodeWireRequest, type Target, targetOf } from './wire.ts'

/** One way of answering: a dialect, the control API, an operations page. */
export type Mount = {
  readonly handle: (request: NodeWireRequest) => Answer | Promise<Answer>
  /** Words every refusal on its paths. */
  readonly refuse: (refusal: Refusal, path: string, accept?: string) => Answer
  /** The template of the route that a request takes, for logs and metrics. */
  readonly routeOf: (request: NodeWireRequest) => string
  /** Judges one credential and nothing else: it waits for no body, and calls no request malformed. */
  readonly judgesAlone?: true
  /** It judges no credential, and so answers whatever this process knows. */
  readonly judgesNothing?: true
  /** Which requests have a body that is not buffered, and how long that body may be. */
  readonly streamOf?: (method: string, path: string) => { readonly maxBytes: number } | undefined
}

/** Where a mount answers: at the path itself and, unless it is `exact`, at everything below it. */
export type Place = {
  /** Whole segments, none of which needs an escape. */
  readonly path: string
  readonly mount: Mount
  readonly exact?: true
  /** Also below `/realms/{name}`. */
  readonly inRealms?: true
}

export type Mounted = {
  readonly mount: Mount
  readonly target: Target
  /** Why the request is refused before anything else of it is looked at. */
  readonly malformed?: string | undefined
}

export type MountTable = {
  readonly places: readonly Place[]
  /** The mount that gateways ask; its paths take every form of a target. */
  readonly check: Mount
  /** Answers where there is no place. */
  readonly elsewhere: Mount
  /** The path of the public URL, without a slash at its end; empty for none. */
  readonly publicPath: string
}

/**
 * Chooses the mount of a request by the first segments of its target. Escapes are decoded only for this choice: the
 * mount gets the path as it came.
 */
export class Mounts {
  readonly #table: MountTable
  /** By the first segment, including its slash. */
  readonly #places: ReadonlyMap<string, readonly Place[]>

  constructor(table: MountTable) {
    this.#table = table
    this.#places = Map.groupBy(table.places, ({ path }) => firstSegment(path))
  }

  get check(): Mount {
    return this.#table.check
  }

  find(url: string): Mounted {
    const { check, elsewhere, publicPath } = this.#table
    const path = routedPath(url)
    const mount = path === undefined ? undefined : this.#mountOf(path)
    if (mount === check || (mount === undefined && isCheckPath(checkTargetOf(url).path)))
      return { mount: check, target: checkTargetOf(url) }
    const target = targetOf(url, publicPath)
    if (path !== undefined) return { mount: mount ?? elsewhere, target }
    // The mount of the raw path words what is wrong with it.
    return {
      mount: this.#at(target.path)?.mount ?? elsewhere,
      target,
      malformed: 'the path is not well-formed',
    }
  }

  #mountOf(path: string): Mount | undefined {
    if (!path.startsWith(REALMS)) return this.#at(path)?.mount
    const end = path.indexOf('/', REALMS.length)
    const place = end < 0 ? undefined : this.#at(path.slice(end))
    return place?.inRealms === true ? place.mount : undefined
  }

  #at(path: string): Place | undefined {
    return this.#places.get(firstSegment(path))?.find((place) => isAt(path, place))
  }
}

const REALMS = '/realms/'

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end < 0 ? path : path.slice(0, end)
}

function isAt(path: string, place: Place): boolean {
  if (!path.startsWith(place.path)) return false
  return path.length === place.path.length || (place.exact !== true && path[place.path.length] === '/')
}

/** The path that chooses the mount. @returns undefined when it is not well-formed. */
function routedPath(url: string): string | undefined {
  const whole = url.startsWith('/') ? url : pathOfAbsolute(url)
  if (whole === undefined) return undefined
  const path = whole.slice(0, endOfPath(whole))
  return path.includes('%') ? decoded(path) : path
}

function endOfPath(url: string): number {
  const mark = url.indexOf('?')
  const hash = url.indexOf('#')
  const end = mark < 0 ? url.length : mark
  return hash < 0 || hash > end ? end : hash
}

const ABSOLUTE = /^https?:\/\/([^/?]*)/i

/**
 * The path of `http://host/path` (RFC 9112 §3.2.2). For `*`, which means the whole server, it is the root, whose mount
 * refuses it. Every other form is returned whole, and matches no path of ours.
 */
function pathOfAbsolute(url: string): string | undefined {
  if (url === '*') return '/'
  const [before, authority] = ABSOLUTE.exec(url) ?? []
  if (before === undefined) return url
  if (authority === '' || url.includes('#') || !URL.canParse(url)) return undefined
  const rest = url.slice(before.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Slashes and other reserved characters stay escaped, because no path of a mount holds them. */
function decoded(path: string): string | undefined {
  try {
    return decodeURI(path)
  } catch {
    return undefined
  }
}
