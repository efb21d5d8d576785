import { headerText } from '../http/malformed-requests.ts'
import type { CredentialLocation } from '../records/profiles.ts'

/** What `/check` sees of a request: its path, and the values of a header, each as its bytes came (Latin-1). */
export type CheckRequest = {
  readonly path: string
  values(name: string): readonly string[]
}

/** What a request presents where its profile expects the credential. */
export type Presented =
  | { readonly kind: 'none' }
  /** More than one value, or bytes that are no text: refused without choosing one. */
  | { readonly kind: 'unusable' }
  | { readonly kind: 'text'; readonly text: string }

const NONE: Presented = { kind: 'none' }
const UNUSABLE: Presented = { kind: 'unusable' }

/** Never throws: other parts of the request must not prevent the credential from being judged. */
export function credentialOf(request: CheckRequest, location: CredentialLocation): Presented {
  switch (location.from) {
    case 'authorization':
      return bearerOf(request.values('authorization'))
    case 'header':
      return onlyOne(request.values(location.name))
    case 'cookie':
      return onlyOne(cookiesOf(request.values('cookie'), location.name))
  }
}

/** Refuses two values: an attacker may have planted one of them. */
function onlyOne(values: readonly string[]): Presented {
  const [value, ...more] = values
  if (value === undefined) return NONE
  const text = more.length === 0 ? headerText(value) : undefined
  return text === undefined ? UNUSABLE : { kind: 'text', text }
}

function bearerOf(values: readonly string[]): Presented {
  const [value = ''] = values
  if (values.length < 2 && value.slice(0, 7).toLowerCase() !== 'bearer ') return NONE
  return onlyOne(values.length > 1 ? values : [value.slice(7).trimStart()])
}

function cookiesOf(headers: readonly string[], name: string): readonly string[] {
  const found: string[] = []
  for (const header of headers) {
    for (const pair of header.split(';')) {
      const equals = pair.indexOf('=')
      if (equals >= 0 && pair.slice(0, equals).trim() === name)
        found.push(unquoted(pair.slice(equals + 1).trim()))
    }
  }
  return found
}

/** RFC 6265 §4.1.1: quotes around a value do not belong to it. */
function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
