import type { Answer } from '../wire/answer.ts'
import { parseForm } from '../wire/form.ts'
import { isUtf8, mediaType, type WireRequest } from '../wire/request.ts'
import { badRequest } from './answers.ts'

/** The parameters of one request; one without a value counts as absent (RFC 6749 §3.2). */
export type Parameters = ReadonlyMap<string, string>
/** Those that may come more than once. */
export type Lists = ReadonlyMap<string, readonly string[]>

export type Body =
  | { readonly kind: 'parameters'; readonly values: Parameters; readonly lists: Lists }
  | { readonly kind: 'refused'; readonly answer: Answer }

/** The two exceptions from RFC 6749 §3.2's "not more than once": RFC 8707 §2 and RFC 8693 §2.1. */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience'])

/** Form parameters of a POST, from its body alone: nothing is ever read from the query. */
export function readBody(request: WireRequest): Body {
  if (request.query !== undefined && request.query !== '')
    return refused('parameters belong in the body, not in the query')
  const media = mediaType(request)
  if (media === undefined || !isUtf8(media, 'application/x-www-form-urlencoded')) {
    return refused('the body must be application/x-www-form-urlencoded')
  }
  if (isMisread(request.body))
    return refused('pairs are separated by &, nothing else; ; and line ends in values are escaped')
  const form = parseForm(request.body, REPEATABLE)
  switch (form.kind) {
    case 'form':
      return { kind: 'parameters', values: form.values, lists: form.lists }
    case 'malformed':
      return refused('the body is not well-formed UTF-8 form data')
    case 'repeated':
      return refused('a parameter is repeated')
  }
}

/**
 * Whether whoever wrote it meant more parameters than a form of this type says, or has a line end behind the last one.
 * Taken as it stands, `token=a;token=b` is one token that nobody has, and its revocation a 200 that ended nothing.
 */
function isMisread(body: Uint8Array): boolean {
  if (body.includes(LINE_FEED)) return true
  return body.includes(SEMICOLON) && OTHER_SEPARATOR.test(Buffer.from(body).toString('latin1'))
}

const LINE_FEED = 0x0a
const SEMICOLON = 0x3b
/** A semicolon where a parameter ends or another one begins; raw ones elsewhere are taken for a value's own. */
const OTHER_SEPARATOR = /;(?:$|[&;]|[\w.[\]-]+=)/

/** A parameter's value; undefined when it is absent or empty. */
export function parameter(values: Parameters, name: string): string | undefined {
  const value = values.get(name)
  return value === '' ? undefined : value
}

function refused(description: string): Body {
  return { kind: 'refused', answer: badRequest(description) }
}
