import { isObject, type Json, type JsonObject, parseStrictObject } from '../../wire/strict-json.ts'
import { type Pattern, parsePattern } from './pattern.ts'

/** Bytes of a filter. */
export const FILTER_MAX_BYTES = 4_096
/** Nesting depth of operators. */
export const FILTER_DEPTH_MAX = 8
/** Conditions of a filter, including items of lists. */
export const FILTER_NODES_MAX = 128
const PATH_PARTS_MAX = 4

/** A parsed filter. Nothing else can be asked. */
export type Filter =
  | { readonly kind: 'all' | 'any' | 'none'; readonly of: readonly Filter[] }
  | { readonly kind: 'test'; readonly path: readonly string[]; readonly test: Test }

export type Test =
  | { readonly kind: 'equal' | 'unequal'; readonly value: Json }
  | { readonly kind: 'less' | 'less-or-equal' | 'more' | 'more-or-equal'; readonly value: string | number }
  | { readonly kind: 'one-of' | 'none-of'; readonly values: readonly Json[] }
  | { readonly kind: 'exists'; readonly expected: boolean }
  | { readonly kind: 'like'; readonly pattern: Pattern }
  | { readonly kind: 'not'; readonly of: readonly Test[] }

const ORDERS = { $lt: 'less', $lte: 'less-or-equal', $gt: 'more', $gte: 'more-or-equal' } as const
const GROUPS = { $and: 'all', $or: 'any', $nor: 'none' } as const
/** Member names that a filter may use; `$where`, `__proto__` and the like are excluded. */
const PATH_PART = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Parses a Mongo-style filter from the text of `q`: equality, `$eq $ne $gt $gte $lt $lte $in $nin $exists $regex
 * $options $not $and $or $nor`, and no other operator. @returns undefined for anything else.
 */
export function parseFilter(text: string): Filter | undefined {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length > FILTER_MAX_BYTES) return undefined
  const members = parseStrictObject(bytes)
  return members === undefined ? undefined : new FilterParser().group(members, 0)
}

class FilterParser {
  #nodes = 0

  group(members: JsonObject, depth: number): Filter | undefined {
    if (depth > FILTER_DEPTH_MAX) return undefined
    return this.#filters(Object.entries(members), ([name, value]) => this.#member(name, value, depth))
  }

  #member(name: string, value: Json, depth: number): Filter | undefined {
    if (name === '$and' || name === '$or' || name === '$nor') {
      if (!Array.isArray(value) || value.length === 0) return undefined
      const made = this.#filters(value as readonly Json[], (one) =>
        isObject(one) ? this.group(one, depth + 1) : undefined,
      )
      return made === undefined || made.kind === 'test' ? undefined : { kind: GROUPS[name], of: made.of }
    }
    const path = name.split('.')
    if (path.length > PATH_PARTS_MAX || !path.every((part) => PATH_PART.test(part) && part !== '__proto__'))
      return undefined
    const tests = this.#tests(value, depth)
    return tests === undefined
      ? undefined
      : { kind: 'all', of: tests.map((test) => ({ kind: 'test', path, test })) }
  }

  #filters<T>(items: readonly T[], parse: (item: T) => Filter | undefined): Filter | undefined {
    const of: Filter[] = []
    for (const item of items) {
      const made = this.#count(1) ? parse(item) : undefined
      if (made === undefined) return undefined
      of.push(made)
    }
    return { kind: 'all', of }
  }

  #tests(value: Json, depth: number): readonly Test[] | undefined {
    if (!isObject(value)) return isScalar(value) ? [{ kind: 'equal', value }] : undefined
    const names = Object.keys(value)
    // Mongo compares an object without operators member by member, in order. Not supported.
    if (names.length === 0 || depth >= FILTER_DEPTH_MAX || !this.#count(names.length)) return undefined
    const tests: Test[] = []
    for (const name of names) {
      if (name === '$options') {
        if (value.$regex === undefined) return undefined
        continue
      }
      const test = this.#test(name, value, depth)
      if (test === undefined) return undefined
      tests.push(test)
    }
    return tests
  }

  #test(name: string, operators: JsonObject, depth: number): Test | undefined {
    const value = operators[name] as Json
    switch (name) {
      case '$eq':
      case '$ne':
        return isScalar(value) ? { kind: name === '$eq' ? 'equal' : 'unequal', value } : undefined
      case '$lt':
      case '$lte':
      case '$gt':
      case '$gte':
        return isOrdered(value) ? { kind: ORDERS[name], value } : undefined
      case '$in':
      case '$nin': {
        if (!Array.isArray(value) || !this.#count(value.length)) return undefined
        const values = value as readonly Json[]
        return values.every(isScalar) ? { kind: name === '$in' ? 'one-of' : 'none-of', values } : undefined
      }
      case '$exists':
        return typeof value === 'boolean' ? { kind: 'exists', expected: value } : undefined
      case '$regex':
        return like(value, operators.$options)
      case '$not': {
        const of = isObject(value) ? this.#tests(value, depth + 1) : undefined
        return of === undefined ? undefined : { kind: 'not', of }
      }
      default:
        return undefined
    }
  }

  #count(nodes: number): boolean {
    this.#nodes += nodes
    return this.#nodes <= FILTER_NODES_MAX
  }
}

function like(value: Json, options: Json | undefined): Test | undefined {
  if (typeof value !== 'string' || (options !== undefined && options !== 'i' && options !== ''))
    return undefined
  const pattern = parsePattern(value, options === 'i')
  return pattern === undefined ? undefined : { kind: 'like', pattern }
}

function isScalar(value: Json): boolean {
  return value === null || typeof value !== 'object'
}

function isOrdered(value: Json): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}
