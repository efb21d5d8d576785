import { unreachable } from '@rescind/core'
import { isObject, type Json } from '../../wire/strict-json.ts'
import type { Filter, Test } from './parse.ts'
import { matches } from './pattern.ts'

/** Bound on the work of one listing: tests, and comparisons of a character with one of a pattern. */
const FILTER_WORK_MAX = 50_000_000

/** Work left; below zero the result is invalid. */
type Budget = { left: number }

export type FilterRun = {
  /** @returns undefined when the filter has exceeded its work bound. */
  readonly fits: (object: Json) => boolean | undefined
}

/** A filter with its work bound over all objects of one listing. */
export function runOf(filter: Filter, workMax: number = FILTER_WORK_MAX): FilterRun {
  const budget: Budget = { left: workMax }
  return {
    fits: (object) => {
      const fits = holds(filter, object, budget)
      return budget.left < 0 ? undefined : fits
    },
  }
}

function holds(filter: Filter, object: Json, budget: Budget): boolean {
  switch (filter.kind) {
    case 'all':
      return filter.of.every((one) => holds(one, object, budget))
    case 'any':
      return filter.of.some((one) => holds(one, object, budget))
    case 'none':
      return !filter.of.some((one) => holds(one, object, budget))
    case 'test':
      return passes(filter.test, valueAt(object, filter.path), budget)
    default:
      return unreachable(filter)
  }
}

function valueAt(object: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = object
  for (const part of path) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined
  return value
}

function passes(test: Test, value: Json | undefined, budget: Budget): boolean {
  budget.left -= 1
  switch (test.kind) {
    case 'equal':
      return equals(value, test.value)
    case 'unequal':
      return !equals(value, test.value)
    case 'one-of':
      budget.left -= test.values.length
      return test.values.some((one) => equals(value, one))
    case 'none-of':
      budget.left -= test.values.length
      return !test.values.some((one) => equals(value, one))
    case 'exists':
      return (value !== undefined) === test.expected
    case 'like': {
      if (typeof value !== 'string') return false
      budget.left -= value.length * test.pattern.length
      return budget.left >= 0 && matches(test.pattern, value)
    }
    case 'not':
      return !test.of.every((one) => passes(one, value, budget))
    case 'less':
    case 'less-or-equal':
    case 'more':
    case 'more-or-equal':
      return isInOrder(test, value)
    default:
      return unreachable(test)
  }
}

/** As in Mongo, null also matches an absent member, and a list equals each of its items. */
function equals(value: Json | undefined, wanted: Json): boolean {
  if (value === undefined) return wanted === null
  return value === wanted || (Array.isArray(value) && (value as readonly Json[]).includes(wanted))
}

type Order = Extract<Test, { readonly kind: 'less' | 'less-or-equal' | 'more' | 'more-or-equal' }>

/** Numbers compare with numbers and texts with texts; nothing else is ordered. */
function isInOrder({ kind, value: bound }: Order, value: Json | undefined): boolean {
  if (typeof value !== typeof bound || value === undefined || value === null) return false
  switch (kind) {
    case 'less':
      return value < bound
    case 'less-or-equal':
      return value <= bound
    case 'more':
      return value > bound
    case 'more-or-equal':
      return value >= bound
    default:
      return unreachable(kind)
  }
}
