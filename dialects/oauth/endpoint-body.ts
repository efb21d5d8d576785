import type { Answer } from '../wire/answer.ts'
import { parseFormText } from '../wire/form.ts'
import { isUtf8, mediaType, type WireRequest } from '../wire/request.ts'
import { decodeUtf8 } from '../wire/text.ts'
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

const NOT_A_FORM = 'the body is not well-formed UTF-8 form data'

/** Form parameters of a POST, from its body alone: nothing is ever read from the query. */
export function readBody(request: WireRequest): Body {
  if (request.query !== undefined && request.query !== '')
    return refused('parameters belong in the body, not in the query')
  const media = mediaType(request)
  if (media === undefined || !isUtf8(media, 'application/x-www-form-urlencoded')) {
    return refused('the body must be application/x-www-form-urlencoded')
  }
  const text = decodeUtf8(request.body)
  if (text === undefined) return refused(NOT_A_FORM)
  if (isMisread(text))
    return refused('pairs are separated by &, nothing else; ; and line ends in values are escaped')
  const form = parseFormText(text, REPEATABLE)
  switch (form.kind) {
    case 'form':
      return { kind: 'parameters', values: form.values, lists: form.lists }
    case 'malformed':
      return refused(NOT_A_FORM)
    case 'repeated':
      return refused('a parameter is repeated')
  }
}

/**
 * Whether whoever wrote it meant more parameters than a form of this type says, or has a line end behind the last one.
 * Taken as it stands, `token=a;token=b` is one token that nobody has, and its revocation a 200 that ended nothing.
 */
function isMisread(text: string): boolean {
  return text.includes('\n') || (text.includes(';') && OTHER_SEPARATOR.test(text))
}

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
