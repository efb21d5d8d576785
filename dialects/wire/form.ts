/** Pairs in one form or query. More than this is malformed. */
const FORM_PAIRS_MAX = 64

export type Form =
  | {
      readonly kind: 'form'
      readonly values: ReadonlyMap<string, string>
      /** Values of names that may repeat. */
      readonly lists: ReadonlyMap<string, readonly string[]>
    }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'repeated'; readonly name: string }

const NONE: ReadonlySet<string> = new Set()
const NO_LISTS: ReadonlyMap<string, readonly string[]> = new Map()

/**
 * Parses `application/x-www-form-urlencoded` text. `+` is a space; a name may not repeat unless listed (RFC 6749 §3.2).
 */
export function parseFormText(text: string, repeatable: ReadonlySet<string> = NONE): Form {
  const values = new Map<string, string>()
  let lists: Map<string, string[]> | undefined
  if (text === '') return { kind: 'form', values, lists: NO_LISTS }
  let pairs = 0
  for (const pair of text.split('&')) {
    if (pair === '') continue
    pairs += 1
    if (pairs > FORM_PAIRS_MAX) return MALFORMED
    const split = pair.indexOf('=')
    const name = decodeFormText(split < 0 ? pair : pair.slice(0, split))
    const value = decodeFormText(split < 0 ? '' : pair.slice(split + 1))
    if (name === undefined || value === undefined) return MALFORMED
    if (repeatable.has(name)) {
      lists ??= new Map()
      const list = lists.get(name) ?? []
      lists.set(name, list)
      list.push(value)
      continue
    }
    if (values.has(name)) return { kind: 'repeated', name }
    values.set(name, value)
  }
  return { kind: 'form', values, lists: lists ?? NO_LISTS }
}

const MALFORMED: Form = { kind: 'malformed' }

/** Decodes one name or value. @returns undefined for a broken escape, invalid UTF-8, or NUL. */
export function decodeFormText(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text.includes('\0') ? undefined : text
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    // decodeURIComponent throws on broken input; here that is an ordinary answer.
    return undefined
  }
}
