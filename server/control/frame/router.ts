import type { Endpoint, Method } from './endpoint.ts'

export type Routed = {
  readonly endpoints: ReadonlyMap<Method, Endpoint>
  readonly params: Readonly<Record<string, string>>
  /** `/clients/{clientId}`: what logs and metrics may say. */
  readonly template: string
}

type Node = {
  readonly literals: Map<string, Node>
  parameter: { readonly name: string; readonly node: Node } | undefined
  readonly endpoints: Map<Method, Endpoint>
  template: string
}

/** Paths by their segments: literal ones first, else the parameter that stands there. No expression is matched. */
export class Router {
  readonly #root: Node = newNode()

  /** @throws when two endpoints claim the same place, or two parameters of one place have different names. */
  constructor(endpoints: readonly Endpoint[]) {
    for (const one of endpoints) this.#add(one)
  }

  /** @param segments decoded; undefined when nothing stands there. */
  find(segments: readonly string[]): Routed | undefined {
    const params: Record<string, string> = {}
    let node = this.#root
    for (const segment of segments) {
      const literal = node.literals.get(segment)
      if (literal !== undefined) node = literal
      else if (node.parameter !== undefined && segment !== '') {
        params[node.parameter.name] = segment
        node = node.parameter.node
      } else return undefined
    }
    if (node.endpoints.size === 0) return undefined
    return { endpoints: node.endpoints, params, template: node.template }
  }

  #add(one: Endpoint): void {
    let node = this.#root
    for (const segment of one.path.slice(1).split('/')) {
      if (!segment.startsWith('{')) {
        const next = node.literals.get(segment) ?? newNode()
        node.literals.set(segment, next)
        node = next
        continue
      }
      const name = segment.slice(1, -1)
      node.parameter ??= { name, node: newNode() }
      if (node.parameter.name !== name)
        throw new TypeError(`${one.path}: {${node.parameter.name}} stands there`)
      node = node.parameter.node
    }
    if (node.endpoints.has(one.method)) throw new TypeError(`${one.method} ${one.path} is there twice`)
    node.endpoints.set(one.method, one)
    node.template = one.path
  }
}

function newNode(): Node {
  return { literals: new Map(), parameter: undefined, endpoints: new Map(), template: '' }
}
