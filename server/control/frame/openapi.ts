import { isSafe } from '@rescind/dialects'
import { z } from 'zod'
import { PROBLEM_TYPE, titleOf } from '../../http/problem.ts'
import type { AnswerShape, Endpoint, EndpointShape } from './endpoint.ts'
import { lowestRole, NARROWING } from './narrowing.ts'

type Json = { readonly [member: string]: unknown }

/** OpenAPI 3.1 of a table of endpoints, from the same schemas that check requests. */
export function openapiOf(endpoints: readonly Endpoint[], version: string): Json {
  const schemas: Record<string, unknown> = {
    Problem: {
      type: 'object',
      description: 'What went wrong (RFC 9457)',
      properties: {
        type: { type: 'string' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string' },
      },
      required: ['type', 'title', 'status', 'detail'],
    },
  }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const one of endpoints) {
    const path = `/control/v1${one.path}`
    paths[path] ??= {}
    paths[path][one.method.toLowerCase()] = operationOf(one, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rescind control API',
      version,
      description: 'Revoke anything, know what was hit. Every call bears a control key.',
    },
    security: [{ key: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A control key' } },
    },
  }
}

function operationOf(one: Endpoint, schemas: Record<string, unknown>): Json {
  const responses: Record<string, unknown> = {}
  for (const [status, answer] of Object.entries(one.answers)) responses[status] = responseOf(answer, schemas)
  for (const status of problemStatuses(one)) responses[status] ??= problemResponse(status)
  return {
    operationId: one.operation,
    summary: one.summary,
    tags: [one.path.split('/')[1]],
    'x-rescind-role': lowestRole(one),
    ...responderBodyOf(one, schemas),
    'x-rescind-callers': one.callers ?? ['control'],
    parameters: parametersOf(one, schemas),
    ...requestOf(one, schemas),
    responses,
  }
}

/** What a responder may send where everything else in the body is an admin's. */
function responderBodyOf({ operation }: Endpoint, schemas: Record<string, unknown>): Json {
  const narrowing = NARROWING.get(operation)
  return narrowing === undefined ? {} : { 'x-rescind-responder-body': schemaOf(narrowing, 'input', schemas) }
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

function responseOf({ what, schema, type }: AnswerShape, schemas: Record<string, unknown>): Json {
  if (type !== undefined) return { description: what, content: { [type]: { schema: { type: 'string' } } } }
  if (schema === undefined) return { description: what }
  return {
    description: what,
    content: { 'application/json': { schema: schemaOf(schema, 'output', schemas) } },
  }
}

function requestOf({ body, stream }: EndpointShape, schemas: Record<string, unknown>): Json {
  if (stream !== undefined) {
    const content = Object.fromEntries(stream.types.map((type) => [type, { schema: { type: 'string' } }]))
    return { requestBody: { required: true, content } }
  }
  if (body === undefined) return {}
  const schema = schemaOf(body, 'input', schemas)
  return {
    requestBody: {
      required: !body.safeParse(undefined).success,
      content: { 'application/json': { schema } },
    },
  }
}

function parametersOf(one: EndpointShape, schemas: Record<string, unknown>): readonly Json[] {
  const text = { type: 'string' }
  const inPath = one.path
    .split('/')
    .filter((segment) => segment.startsWith('{'))
    .map((segment) => ({ name: segment.slice(1, -1), in: 'path', required: true, schema: text }))
  const inQuery = Object.entries(one.query?.shape ?? {}).map(([name, member]) => {
    const required = !(member as z.ZodType).safeParse(undefined).success
    return { name, in: 'query', required, schema: schemaOf(member as z.ZodType, 'input', schemas) }
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
    ...(one.reach === 'store' ? [] : [REALM]),
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

/** A zod schema as JSON Schema; a schema with an id becomes a component. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, unknown>): unknown {
  const { $schema, $defs, ...made } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  void $schema
  for (const [name, definition] of Object.entries($defs ?? {})) schemas[name] = lifted(definition)
  return lifted(made)
}

function lifted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lifted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'id' || typeof (value as Json)['id'] !== 'string')
      .map(([name, member]) =>
        name === '$ref' && typeof member === 'string'
          ? [name, member.replace('#/$defs/', '#/components/schemas/')]
          : [name, lifted(member)],
      ),
  )
}
