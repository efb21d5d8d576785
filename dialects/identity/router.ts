import type { Awaitable } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import type { Call } from './call.ts'

/** `values` are the decoded segments that the template's `{…}` stand for, in their order. */
export type Handler = (call: Call, values: readonly string[]) => Awaitable<Answer>

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

export type Matched = { readonly route: Route; readonly values: readonly string[] }

type Node = { readonly literals: Map<string, Node>; value: Node | undefined; route: Route | undefined }

/** Routes by their segments; a literal one wins over a value, and what was taken is never taken back. */
export class Router {
  readonly #root: Node = newNode()

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      let node = this.#root
      for (const segment of route.template.slice(1).split('/')) node = childFor(node, segment)
      node.route = route
    }
  }

  match(segments: readonly string[]): Matched | undefined {
    const values: string[] = []
    let node = this.#root
    for (const segment of segments) {
      const literal = node.literals.get(segment)
      const next = literal ?? node.value
      if (next === undefined) return undefined
      if (literal === undefined) values.push(segment)
      node = next
    }
    return node.route === undefined ? undefined : { route: node.route, values }
  }
}

function newNode(): Node {
  return { literals: new Map(), value: undefined, route: undefined }
}

function childFor(node: Node, segment: string): Node {
  if (segment.startsWith('{')) {
    node.value ??= newNode()
    return node.value
  }
  const known = node.literals.get(segment) ?? newNode()
  node.literals.set(segment, known)
  return known
}
