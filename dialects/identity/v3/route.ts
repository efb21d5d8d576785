import type { Awaitable } from '@rescind/core'
import type { Answer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'

/** `ids` are the decoded segments that stand where the template has braces, in their order. */
export type Handler = (call: Call, ids: readonly string[]) => Awaitable<Answer>

export type Methods = Readonly<Partial<Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler>>>

export type Route = {
  /** For logs and metrics; holds nothing of what was asked. */
  readonly template: string
  readonly segments: readonly string[]
  readonly methods: ReadonlyMap<string, Handler>
}

/** HEAD is GET, to the last header; the server drops the body. */
export function route(template: string, given: Methods): Route {
  const methods = new Map(Object.entries(given))
  const get = methods.get('GET')
  if (get !== undefined) methods.set('HEAD', get)
  return { template, segments: template.slice(1).split('/'), methods }
}

export type Matched = { readonly route: Route; readonly ids: readonly string[] }

/** The first route of this shape: where a literal and a name compete, the table has the literal first. */
export function matchRoute(routes: readonly Route[], path: readonly string[]): Matched | undefined {
  const found = routes.find(({ segments }) => isOfShape(segments, path))
  if (found === undefined) return undefined
  return { route: found, ids: path.filter((_, at) => isName(found.segments[at] ?? '')) }
}

function isOfShape(segments: readonly string[], path: readonly string[]): boolean {
  if (segments.length !== path.length) return false
  return segments.every((segment, at) => isName(segment) || segment === path[at])
}

function isName(segment: string): boolean {
  return segment.startsWith('{')
}
