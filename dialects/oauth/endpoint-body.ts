import type { Answer } from '../wire/answer.ts'
import { parseFormText } from '../wire/form.ts'
import { isUtf8, mediaType, type WireRequest } from '../wire/request.ts'
import { decodeUtf8 } from '../wire/text.ts'
import { badRequest } from './answers.ts'

/** The parameters of one request. A parameter without a value counts as absent (RFC 6749 §3.2). */
export type Parameters = ReadonlyMap<string, string>
/** The parameters that may repeat. */
export type Lists = ReadonlyMap<string, readonly string[]>

export type Body =
  | { readonly kind: 'parameters'; readonly values: Parameters; readonly lists: Lists }
  | { readonly kind: 'refused'; readonly answer: Answer }

/** RFC 8707 §2 and RFC 8693 §2.1 let these two repeat, against RFC 6749 §3.2. */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience'])

const NOT_A_FORM = 'the body is not well-formed UTF-8 form data'

/** Form parameters of a POST. They are read from the body only, never from the query. */
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
    return refused('separate parameters by & only, and percent-encode ; and line ends in values')
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
 * Whether the writer probably meant other parameters than the form says: `;` as a separator, or a trailing line end.
 * Taken literally, `token=a;token=b` is one unknown token, and revoking it would be a 200 that ended nothing.
 */
function isMisread(text: string): boolean {
  return text.includes('\n') || (text.includes(';') && OTHER_SEPARATOR.test(text))
}

/** A semicolon that ends a parameter or begins another one. Other raw semicolons belong to the value. */
const OTHER_SEPARATOR = /;(?:$|[&;]|[\w.[\]-]+=)/

/** A parameter's value; undefined when absent or empty. */
export function parameter(values: Parameters, name: string): string | undefined {
  const value = values.get(name)
  return value === '' ? undefined : value
}

function refused(description: string): Body {
  return { kind: 'refused', answer: badRequest(description) }
}
