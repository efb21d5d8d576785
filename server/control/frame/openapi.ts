import { isSafe } from '@rescind/dialects'
import type { z } from 'zod'
import { PROBLEM_TYPE, titleOf } from '../../http/problem.ts'
import type { AnswerShape, Endpoint, EndpointShape } from './endpoint.ts'
import type { Example } from './example.ts'
import { lowestRole, NARROWING } from './narrowing.ts'
import { type Json, Schemas } from './openapi-schemas.ts'
import { descriptionOf, infoOf, PROBLEM, TAGS, tagOf } from './openapi-text.ts'

/** What is known of a table besides its endpoints. */
export type DocumentParts = {
  readonly version: string
  /** The URL that the paths come after, without a slash at its end. */
  readonly url: string
  /** By the name of the operation. */
  readonly examples: ReadonlyMap<string, Example>
}

type Describing = { readonly schemas: Schemas; readonly examples: DocumentParts['examples'] }

/** OpenAPI 3.1 of a table of endpoints, from the same schemas that check requests. */
export function openapiOf(endpoints: readonly Endpoint[], { version, url, examples }: DocumentParts): Json {
  const schemas = new Schemas({ Problem: PROBLEM })
  const paths: Record<string, Record<string, unknown>> = {}
  for (const one of endpoints) {
    const path = `/control/v1${one.path}`
    paths[path] ??= {}
    paths[path][one.method.toLowerCase()] = operationOf(one, { schemas, examples })
  }
  const used = [...new Set(endpoints.map(tagOf))]
  return {
    openapi: '3.1.0',
    info: infoOf(version),
    servers: [{ url, description: 'The server that this document came from' }],
    security: [{ key: [] }],
    tags: used.map((name) => ({ name, description: TAGS[name] ?? 'Calls of a dialect of this server' })),
    paths,
    components: {
      schemas: schemas.components,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A control key' } },
    },
  }
}

function operationOf(one: Endpoint, describing: Describing): Json {
  const { schemas, examples } = describing
  const example = examples.get(one.operation)
  const responses: Record<string, unknown> = {}
  for (const [status, answer] of Object.entries(one.answers))
    responses[status] = responseOf(answer, schemas, example?.answers?.[Number(status)])
  for (const status of problemStatuses(one)) responses[status] ??= problemResponse(status)
  return {
    operationId: one.operation,
    summary: one.summary,
    description: descriptionOf(one),
    tags: [tagOf(one)],
    'x-rescind-role': lowestRole(one),
    ...responderBodyOf(one, schemas),
    'x-rescind-callers': one.callers ?? ['control'],
    parameters: parametersOf(one, schemas),
    ...requestOf(one, schemas, example?.body),
    responses,
  }
}

/** What a responder may send where everything else in the body is an admin's. */
function responderBodyOf({ operation }: Endpoint, schemas: Schemas): Json {
  const narrowing = NARROWING.get(operation)
  return narrowing === undefined ? {} : { 'x-rescind-responder-body': schemas.of(narrowing, 'input') }
}

/** Statuses that any call of this endpoint may be refused with. */
function problemStatuses(one: EndpointShape): readonly number[] {
  const takesBody = one.body !== undefined || one.stream !== undefined
  return [
    ...[400, 401, 403, 404],
    ...(isSafe(one.method) ? [] : [409]),
    ...(one.conditional === true && !isSafe(one.method) ? [412] : []),
    413,
    ...(takesBody ? [415] : []),
    ...[422, 429, 500, 503],
    ...(one.problems ?? []),
  ].sort((left, right) => left - right)
}

function problemResponse(status: number): Json {
  return {
    description: titleOf(status),
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

function responseOf({ what, schema, type }: AnswerShape, schemas: Schemas, example: unknown): Json {
  const given = example === undefined ? {} : { example }
  if (type !== undefined)
    return { description: what, content: { [type]: { schema: { type: 'string' }, ...given } } }
  if (schema === undefined) return { description: what }
  return {
    description: what,
    content: { 'application/json': { schema: schemas.of(schema, 'output'), ...given } },
  }
}

function requestOf({ body, stream }: EndpointShape, schemas: Schemas, example: unknown): Json {
  const given = example === undefined ? {} : { example }
  if (stream !== undefined) {
    const content = Object.fromEntries(
      stream.types.map((type) => [type, { schema: { type: 'string' }, ...given }]),
    )
    return { requestBody: { required: true, content } }
  }
  if (body === undefined) return {}
  const schema = schemas.of(body, 'input')
  return {
    requestBody: {
      required: !body.safeParse(undefined).success,
      content: { 'application/json': { schema, ...given } },
    },
  }
}

function parametersOf(one: EndpointShape, schemas: Schemas): readonly Json[] {
  const text = { type: 'string' }
  const inPath = one.path
    .split('/')
    .filter((segment) => segment.startsWith('{'))
    .map((segment) => ({ name: segment.slice(1, -1), in: 'path', required: true, schema: text }))
  const inQuery = Object.entries(one.query?.shape ?? {}).map(([name, member]) => {
    const required = !(member as z.ZodType).safeParse(undefined).success
    return { name, in: 'query', required, schema: schemas.of(member as z.ZodType, 'input') }
  })
  const header = (name: string, description: string): Json => ({
    name,
    in: 'header',
    description,
    schema: text,
  })
  return [
    ...inPath,
    ...inQuery,
    ...(one.reach === 'store' ? [] : [one.everyRealm === true ? ANY_REALM : REALM]),
    ...(isSafe(one.method) ? [] : [header('Idempotency-Key', 'Makes the call safe to repeat for 24 hours')]),
    ...(one.conditional === true
      ? [header(isSafe(one.method) ? 'If-None-Match' : 'If-Match', 'An ETag that was sent before')]
      : []),
  ]
}

const REALM: Json = {
  name: 'realm',
  in: 'query',
  description: "The realm that is meant; a realm's own key needs none. Without it: `default`",
  schema: { type: 'string' },
}

const ANY_REALM: Json = {
  ...REALM,
  description: 'The realm that is meant. Without it: all that the key reaches',
}
