import { type RequestParts, requestBytes } from '../../kit/raw-http.ts'
import type { Template } from './templates.ts'

/** Reproducible draws: a 32-bit generator (mulberry32) with a seed that failures report. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number below `count`. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }
}

/** A request with any contents, as long as it is framed correctly. */
type Draft = {
  method: string
  target: string
  headers: string[]
  body: Buffer
}

type Mutation = (draft: Draft, dice: Dice, others: readonly [Template, ...Template[]]) => void

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'MOVE',
] as const
const PIECES = [
  ...[
    '%2F',
    '%5C',
    '%00',
    '%',
    '%ff',
    '..',
    '.',
    '/',
    '//',
    ';',
    '?',
    '#',
    '+',
    '%25',
    '%C3%A9',
    '*',
    '~',
    ':',
  ],
  ...[
    'admin',
    'clients',
    'me',
    'v2.0',
    'v3',
    'tokens',
    'api',
    'id',
    'v1',
    'control',
    'realms',
    'default',
    'revoke',
  ],
  ...['__proto__', 'constructor', '.json', '.xml', 'x'.repeat(300), '&', '=', '[]', '%E2%80%AE', '%0d%0aX:1'],
] as const
const VALUES = [
  ...['', 'x', '0', '-1', 'null', '1e400', '[]', '{}', '"', '\\', '\xff', '\xc3\xa9', 'x'.repeat(1_000)],
  ...[
    'Bearer x',
    'Basic eDp5',
    'application/json',
    'application/x-www-form-urlencoded',
    'text/plain',
    'chunked',
  ],
  ...['rsa_000000000000000000000000000000', '*/*', 'application/xml;q=1', ', ,', ';;;', '=?=', 'a\tb'],
] as const
const NAMES = [
  ...[
    'X-Auth-Token',
    'IM-API-KEY',
    'API_KEY',
    'IM-CLIENT-KEY',
    'IM-Authorization',
    'Authorization',
    'Accept',
  ],
  ...['Content-Type', 'Host', 'X-HTTP-Method-Override', 'X-Forwarded-For', '__proto__', 'Cookie', 'Expect'],
  ...['X-Subject-Token', 'If-None-Match', 'Range', 'Accept-Encoding', 'Content-Encoding', 'Upgrade', 'TE'],
] as const
const TOKENS = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', 'null', 'true', '1e400', '-', '"a":1,', '"__proto__":{},'],
  ...[
    '\\ud800',
    '\\u0000',
    '\0',
    '\xff',
    '&',
    '=',
    '%',
    '+',
    ';',
    '%00',
    '%ff',
    '[]',
    '&token=x',
    '\ufeff',
    ' ',
  ],
] as const

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (draft, dice) => {
    draft.method = dice.pick(METHODS)
  },
  (draft, dice) => {
    const at = 1 + dice.below(draft.target.length)
    draft.target = draft.target.slice(0, at) + dice.pick(PIECES) + draft.target.slice(at)
  },
  (draft, dice) => {
    const from = 1 + dice.below(draft.target.length)
    draft.target = draft.target.slice(0, from) + draft.target.slice(from + 1 + dice.below(4))
  },
  (draft, dice) => {
    const segments = draft.target.split('/')
    segments.splice(1 + dice.below(segments.length), dice.below(2), dice.pick(PIECES))
    draft.target = segments.join('/')
  },
  (draft, dice) => {
    const at = 1 + dice.below(draft.target.length)
    const code = draft.target.charCodeAt(Math.min(at, draft.target.length - 1))
    draft.target = `${draft.target.slice(0, at)}%${code.toString(16)}${draft.target.slice(at + 1)}`
  },
  (draft, dice) => {
    draft.target += `${draft.target.includes('?') ? '&' : '?'}${dice.pick(PIECES)}=${dice.pick(PIECES)}`
  },
  (draft, dice) => {
    draft.headers.splice(dice.below(draft.headers.length + 1), dice.below(2))
  },
  (draft, dice) => {
    draft.headers.push(`${dice.pick(NAMES)}: ${dice.pick(VALUES)}`)
  },
  (draft, dice, others) => {
    draft.headers.push(...dice.pick(others).headers.slice(0, 1 + dice.below(2)))
  },
  (draft, dice) => {
    const at = dice.below(draft.headers.length + 1)
    const line = draft.headers[at]
    if (line === undefined) return
    const [name = ''] = line.split(':')
    draft.headers[at] = dice.below(2) === 0 ? `${name}: ${dice.pick(VALUES)}` : `${line}${dice.pick(VALUES)}`
  },
  (draft, dice) => splice(draft, dice, 0, Buffer.from(dice.pick(TOKENS), 'latin1')),
  (draft, dice) => splice(draft, dice, 1 + dice.below(8), Buffer.alloc(0)),
  (draft, dice) => splice(draft, dice, 1, Buffer.from([dice.below(256)])),
  (draft, dice) => {
    draft.body = draft.body.subarray(0, dice.below(draft.body.length + 1))
  },
  (draft, dice) => {
    const from = dice.below(draft.body.length + 1)
    draft.body = Buffer.concat([draft.body, draft.body.subarray(from)])
  },
  (draft, dice, others) => {
    draft.body = Buffer.from(dice.pick(others).body ?? '', 'utf8')
  },
  (draft, dice, others) => {
    const { method, target } = dice.pick(others)
    draft.method = method
    draft.target = target
  },
]

function splice(draft: Draft, dice: Dice, cut: number, insert: Buffer): void {
  const at = dice.below(draft.body.length + 1)
  draft.body = Buffer.concat([draft.body.subarray(0, at), insert, draft.body.subarray(at + cut)])
}

export type Mutant = { readonly bytes: Buffer; readonly target: string; readonly isHead: boolean }

/** A template with one to four changes, and a correct Content-Length. */
export function mutant(templates: readonly [Template, ...Template[]], dice: Dice): Mutant {
  const { method, target, headers, body } = dice.pick(templates)
  const draft: Draft = { method, target, headers: [...headers], body: Buffer.from(body ?? '', 'utf8') }
  for (let count = 1 + dice.below(4); count > 0; count -= 1) dice.pick(MUTATIONS)(draft, dice, templates)
  // Without their own lengths; malformed.test.ts covers wrong framing.
  const framed = draft.headers.filter((line) => !/^(?:content-length|transfer-encoding):/i.test(line))
  const parts: RequestParts = {
    line: `${draft.method} ${draft.target} HTTP/1.1`,
    headers: framed,
    body: draft.body,
  }
  return { bytes: requestBytes(parts), target: draft.target, isHead: draft.method === 'HEAD' }
}
