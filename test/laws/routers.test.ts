import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODULES } from '@rescind/server'
import fc from 'fast-check'
import { V2_ROUTES } from '../../dialects/identity/v2/routes.ts'
import { V3_ROUTES } from '../../dialects/identity/v3/routes.ts'
import { Router } from '../../dialects/wire/router.ts'
import { endpointsOf } from '../../server/compose/modules.ts'

type Templates = readonly string[]

const V2: Templates = V2_ROUTES.map(({ template }) => template)
const V3: Templates = V3_ROUTES.map(({ template }) => template)
const CONTROL: Templates = [...new Set(endpointsOf(MODULES).map(({ path }) => path))]

const VALUES = ['x', '77', 'RAX-AUTH:x', '{userId}', 'a/b', '__proto__', 'é']

function split(template: string): readonly string[] {
  return template.slice(1).split('/')
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{')
}

function matcherOf(templates: Templates): (path: readonly string[]) => unknown {
  const router = new Router(templates.map((template) => ({ template, methods: new Map() })))
  return (path) => {
    const matched = router.match(path)
    return matched && { template: matched.route.template, values: matched.values }
  }
}

/** Paths in the shape of a template, with values or words of the tables for parameters, and some of them broken. */
function pathsOf(templates: Templates): fc.Arbitrary<readonly string[]> {
  const segment = fc.constantFrom(
    ...VALUES,
    ...new Set(templates.flatMap(split).filter((one) => one !== '' && !isParameter(one))),
  )
  const filled = fc
    .constantFrom(...templates)
    .chain((template) =>
      fc.tuple(...split(template).map((one) => (isParameter(one) ? segment : fc.constant(one)))),
    )
  const spoilt = fc.tuple(filled, fc.nat(), segment).map(([path, at, other]) => {
    const place = at % (path.length + 1)
    return [...path.slice(0, place), other, ...path.slice(place + 1)]
  })
  return fc.oneof(filled, spoilt)
}

/** The routing rule without a tree: each segment keeps the templates that have it, or else those with a parameter there. */
function narrowed(templates: Templates, path: readonly string[]): unknown {
  let left = templates.map(split)
  for (const [at, segment] of path.entries()) {
    const literal = left.filter((one) => one[at] === segment)
    left = literal.length > 0 ? literal : left.filter((one) => isParameter(one[at] ?? ''))
  }
  return described(
    left.find((one) => one.length === path.length),
    path,
  )
}

function firstOfShape(templates: Templates, path: readonly string[]): unknown {
  const fits = (one: readonly string[]) =>
    one.length === path.length && one.every((segment, at) => isParameter(segment) || segment === path[at])
  return described(templates.map(split).find(fits), path)
}

function described(template: readonly string[] | undefined, path: readonly string[]): unknown {
  if (template === undefined) return undefined
  return {
    template: `/${template.join('/')}`,
    values: path.filter((_, at) => isParameter(template[at] ?? '')),
  }
}

test('every table routes as the rule says: a literal wins over a parameter, without backtracking', () => {
  for (const templates of [V2, V3, CONTROL]) {
    const match = matcherOf(templates)
    fc.assert(
      fc.property(pathsOf(templates), (path) => assert.deepEqual(match(path), narrowed(templates, path))),
      { numRuns: 2_000 },
    )
  }
})

test('in v3 no literal competes with a parameter: the first template of a shape is the only one', () => {
  const match = matcherOf(V3)
  fc.assert(
    fc.property(pathsOf(V3), (path) => assert.deepEqual(match(path), firstOfShape(V3, path))),
    { numRuns: 2_000 },
  )
})

test('every template of every table is reached by a path of its shape', () => {
  for (const templates of [V2, V3, CONTROL]) {
    const match = matcherOf(templates)
    for (const template of templates) {
      const path = split(template).map((one) => (isParameter(one) ? 'some-value' : one))
      assert.deepEqual(match(path), described(split(template), path))
    }
  }
})
