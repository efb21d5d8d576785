/** The handlers of one path by method. A 405's `Allow` lists the methods in this order. */
export type Route<H = unknown> = {
  /**
   * `/users/{userId}/roles`; `:name` is the same as `{name}`. Logs and metrics name requests by the template, because
   * it holds no data of the request.
   */
  readonly template: string
  readonly methods: ReadonlyMap<string, H>
}

/**
 * `values` are the segments at the parameters of the template, `names` the names of these parameters; both in path
 * order.
 */
export type Matched<R> = {
  readonly route: R
  readonly names: readonly string[]
  readonly values: readonly string[]
}

type Node<R> = {
  readonly literals: Map<string, Node<R>>
  parameter: { readonly name: string; readonly node: Node<R> } | undefined
  leaf: { readonly route: R; readonly names: readonly string[] } | undefined
}

/**
 * Matches paths segment by segment, without regular expressions. A literal wins over a parameter in any order of the
 * table, and there is no backtracking: below a literal, the parameter beside it is never tried.
 */
export class Router<R extends Route> {
  readonly #root: Node<R> = newNode()

  /** @throws TypeError for two routes of one shape, and for two names of one parameter. */
  constructor(routes: readonly R[]) {
    for (const route of routes) this.#add(route)
  }

  /**
   * @param segments decoded, as from `splitPath`. A parameter does not match an empty segment.
   * @param spelled the segments to compare with literals: pass undecoded ones where a dialect accepts literals only as
   * its table spells them.
   */
  match(segments: readonly string[], spelled: readonly string[] = segments): Matched<R> | undefined {
    const values: string[] = []
    let node = this.#root
    for (let at = 0; at < segments.length; at += 1) {
      const segment = segments[at] ?? ''
      const literal = node.literals.get(spelled[at] ?? '')
      if (literal !== undefined) {
        node = literal
        continue
      }
      if (node.parameter === undefined || segment === '') return undefined
      values.push(segment)
      node = node.parameter.node
    }
    if (node.leaf === undefined) return undefined
    const { route, names } = node.leaf
    return { route, names, values }
  }

  #add(route: R): void {
    const { template } = route
    const names: string[] = []
    let node = this.#root
    for (const segment of template.slice(1).split('/')) {
      const name = parameterName(segment)
      if (name !== undefined) names.push(name)
      node = name === undefined ? literalNode(node, segment) : parameterNode(node, name, template)
    }
    if (node.leaf !== undefined) throw new TypeError(`${template}: another route has this shape`)
    node.leaf = { route, names }
  }
}

/** The value of `Allow` (RFC 9110 §10.2.1). */
export function allowOf({ methods }: Route): string {
  return [...methods.keys()].join(', ')
}

/** HEAD answers the headers of GET (RFC 9110 §9.3.2); the server drops the body. `Allow` lists HEAD last. */
export function withHead<H>(methods: ReadonlyMap<string, H>): ReadonlyMap<string, H> {
  const get = methods.get('GET')
  return get === undefined ? methods : new Map([...methods, ['HEAD', get]])
}

/** The matched values by parameter name. */
export function paramsOf({ names, values }: Matched<unknown>): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))
}

function newNode<R>(): Node<R> {
  return { literals: new Map(), parameter: undefined, leaf: undefined }
}

function parameterName(segment: string): string | undefined {
  if (segment.startsWith(':')) return segment.slice(1)
  return segment.startsWith('{') ? segment.slice(1, -1) : undefined
}

function literalNode<R>(node: Node<R>, segment: string): Node<R> {
  const next = node.literals.get(segment) ?? newNode<R>()
  node.literals.set(segment, next)
  return next
}

function parameterNode<R>(node: Node<R>, name: string, template: string): Node<R> {
  node.parameter ??= { name, node: newNode() }
  if (node.parameter.name !== name)
    throw new TypeError(`${template}: {${node.parameter.name}} stands there already`)
  return node.parameter.node
}
