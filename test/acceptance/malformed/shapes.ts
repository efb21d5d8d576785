import assert from 'node:assert/strict'
import { headerOf, type RawAnswer } from '../../kit/raw-http.ts'
import { TOY_SHAPE } from '../../kit/toy-dialect/hostile.ts'

/** The format of an error. `problem`: that of the control API, and of paths without a dialect. */
export type Shape = 'chat' | 'identity' | 'identity-v3' | 'oauth' | 'toy' | 'problem'

/** Documented statuses of each kind of error. */
const STATUSES: Readonly<Record<Shape, readonly number[]>> = {
  chat: [400, 401, 403, 404, 405, 409, 413],
  identity: [400, 401, 403, 404, 405, 406, 413, 415],
  'identity-v3': [400, 401, 403, 404, 405, 409, 413],
  oauth: [400, 401, 403, 404, 405, 413, 429],
  toy: TOY_SHAPE.statuses,
  problem: [400, 401, 403, 404, 405, 409, 413, 415, 422, 431],
}

const FAULTS: Readonly<Record<string, number>> = {
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  userDisabled: 403,
  itemNotFound: 404,
  badMethod: 405,
  notAcceptable: 406,
  overLimit: 413,
  badMediaType: 415,
}

/** The dialect of a path, by its first segments as sent. */
const PREFIXES: readonly (readonly [string, Shape])[] = [
  ...['admin', 'auths', 'badges', 'me', 'sign', 'verify'].map((name) => [`/${name}`, 'chat'] as const),
  ['/v2.0', 'identity'],
  ['/v3', 'identity-v3'],
  ['/api/id/v1', 'oauth'],
  ['/.well-known/oauth-authorization-server', 'oauth'],
  ...TOY_SHAPE.prefixes.map((prefix) => [prefix, 'toy'] as const),
]

/** The format of errors at this path, or undefined where the path is too odd to say. */
export function shapeAt(target: string): Shape | undefined {
  const path = target.split(/[?#]/, 1)[0] ?? ''
  const found = PREFIXES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))
  if (found !== undefined) return found[1]
  return path.startsWith('/control/v1/') ? 'problem' : undefined
}

type Members = Readonly<Record<string, unknown>>

/** Whether an error has this format, with a documented status that agrees with the body. */
export function hasShape(answer: RawAnswer, shape: Shape): boolean {
  const type = headerOf(answer, 'content-type')
  if (shape === 'identity' && type === 'application/xml') return isXmlFault(answer)
  if (type !== (shape === 'problem' ? 'application/problem+json' : 'application/json')) return false
  if (!STATUSES[shape].includes(answer.status) || headerOf(answer, 'cache-control') !== 'no-store')
    return false
  if (answer.status === 405 && headerOf(answer, 'allow') === undefined) return false
  const body = parsed(answer)
  return body !== undefined && SHAPES[shape](body, answer.status)
}

/** The vendor's fault in XML: the element, its code and one message. */
const XML_FAULT = new RegExp(
  [
    '^<\\?xml version="1\\.0" encoding="UTF-8" standalone="yes"\\?>\\n',
    '<(\\w+) xmlns="http://docs\\.openstack\\.org/identity/api/v2\\.0" code="(\\d+)"(?: retryAt="[^"]+")?>',
    '<message>[^<]+</message></\\1>$',
  ].join(''),
)

function isXmlFault({ status, body }: RawAnswer): boolean {
  const [, name = '', code] = XML_FAULT.exec(body.toString('utf8')) ?? []
  return STATUSES.identity.includes(status) && FAULTS[name] === status && Number(code) === status
}

const SHAPES: Readonly<Record<Shape, (body: Members, status: number) => boolean>> = {
  chat: ({ RC, RM, error, ...more }, status) =>
    RC === status && isText(RM) && hasTexts(error, ['code', 'message']) && isEmpty(more),
  identity: (body, status) => {
    const [[name, fault] = ['', undefined], ...more] = Object.entries(body)
    const { code, message } = members(fault)
    return more.length === 0 && FAULTS[name] === status && code === status && isText(message)
  },
  'identity-v3': ({ error, ...more }, status) => {
    const { code, message, title } = members(error)
    return code === status && isText(message) && isText(title) && isEmpty(more)
  },
  oauth: ({ error, error_description: one, errorDescription: other, ...more }) =>
    isText(error) && isText(one) && one === other && isEmpty(more),
  toy: TOY_SHAPE.isError,
  problem: ({ type, title, status: said, detail, ...more }, status) =>
    isText(type) && isText(title) && said === status && isText(detail) && isEmpty(more),
}

function parsed({ body }: RawAnswer): Members | undefined {
  try {
    return members(JSON.parse(body.toString('utf8')))
  } catch {
    return undefined
  }
}

function members(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  const found = members(value)
  return Object.keys(found).length === names.length && names.every((name) => isText(found[name]))
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0
}

function isEmpty(value: Members): boolean {
  return Object.keys(value).length === 0
}

/** @throws when an answer is not a documented refusal in one of these formats. */
export function assertRefusal(answer: RawAnswer, shapes: readonly Shape[], what: string): void {
  const text = `${what}\n→ ${answer.statusLine} ${JSON.stringify(answer.headers)} ${answer.body.toString('utf8')}`
  assert.ok(answer.status >= 400 && answer.status < 500, text)
  assert.ok(
    shapes.some((shape) => hasShape(answer, shape)),
    `${shapes.join(' or ')}: ${text}`,
  )
}
