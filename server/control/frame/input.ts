import { withoutBom } from '@rescind/core/bytes'
import { isUtf8, mediaType, parseFormText, parseStrictJson, type WireRequest } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'

type Parsed<T> = { readonly value: T }

type QueryShape = { readonly query?: z.ZodObject; readonly reach?: 'realm' | 'store' }

/**
 * Parses query text by a schema: each name at most once, and only known names. Numbers and booleans are read where the
 * schema wants them, in one spelling only.
 */
export function parseQuery(text: string | undefined, { query, reach }: QueryShape): Parsed<object> | Problem {
  const form = parseFormText(text ?? '')
  if (form.kind === 'malformed') return problem(400, 'the query is malformed')
  if (form.kind === 'repeated') return problem(400, 'a query parameter is given twice')
  const given: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, value] of form.values) {
    // The realm was determined earlier.
    if (name === 'realm' && reach !== 'store') continue
    const member = query !== undefined && Object.hasOwn(query.shape, name) ? query.shape[name] : undefined
    if (member === undefined) return problem(422, `unknown query parameter: ${plainName(name)}`)
    given[name] = read(value, typeOf(member as z.ZodType))
  }
  if (query === undefined) return { value: {} }
  const checked = query.safeParse({ ...given })
  return checked.success ? { value: checked.data } : invalid(checked.error, 'query')
}

/** Reads only `?realm=`, before anything else is known about the request. */
export function realmParameter(text: string | undefined): string | undefined | Problem {
  if (text === undefined || !text.includes('realm')) return undefined
  const form = parseFormText(text)
  if (form.kind === 'malformed') return problem(400, 'the query is malformed')
  if (form.kind === 'repeated') return problem(400, 'a query parameter is given twice')
  return form.values.get('realm')
}

type BodyShape = {
  readonly body?: z.ZodType | undefined
  readonly stream?: { readonly types: readonly string[] }
}

/** Checks a JSON body by a schema, and a streamed body only by its media type. Otherwise the endpoint takes no body. */
export function parseBody(request: WireRequest, { body, stream }: BodyShape): Parsed<unknown> | Problem {
  const media = mediaType(request)
  if (stream !== undefined) {
    const fits = media !== undefined && stream.types.some((type) => isUtf8(media, type))
    return fits ? { value: undefined } : problem(415, `the body must be ${stream.types.join(' or ')}`)
  }
  if (body === undefined) {
    return request.body.length === 0 ? { value: undefined } : problem(400, 'this call takes no body')
  }
  if (request.body.length === 0 && body.safeParse(undefined).success) return { value: body.parse(undefined) }
  if (media === undefined || !isUtf8(media, 'application/json'))
    return problem(415, 'the body must be application/json')
  const parsed = parseStrictJson(withoutBom(request.body))
  if (parsed === undefined) return problem(400, 'the body is not valid JSON, or repeats a member')
  const checked = body.safeParse(parsed)
  return checked.success ? { value: checked.data } : invalid(checked.error, 'body')
}

function invalid(error: z.ZodError, where: string): Problem {
  const issue = error.issues[0]
  // The name of an unknown member may be a misplaced token, so only text that looks like a name is sent back.
  const isText = issue?.code === 'unrecognized_keys' && !issue.keys.every((key) => NAME.test(key))
  const why = isText ? 'a member is not known' : issue?.message
  const path = (issue?.path ?? []).map(String)
  const at = path.every((part) => NAME.test(part)) ? path.join('.') : where
  return problem(422, `${at || where}: ${why ?? 'not as described'}`)
}

const NAME = /^\w{1,32}$/

function plainName(name: string): string {
  return NAME.test(name) ? `"${name}"` : 'this name'
}

type JsonType = 'integer' | 'boolean' | 'string'

const types: WeakMap<z.ZodType, JsonType> = new WeakMap()

function typeOf(member: z.ZodType): JsonType {
  const known = types.get(member)
  if (known !== undefined) return known
  const { type } = z.toJSONSchema(member, { io: 'input', unrepresentable: 'any' })
  const found: JsonType = type === 'integer' || type === 'boolean' ? type : 'string'
  types.set(member, found)
  return found
}

/** Text that is not spelt as its type stays text, and the schema then refuses it. */
function read(text: string, type: JsonType): unknown {
  if (type === 'integer' && /^(?:0|[1-9]\d{0,15})$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
