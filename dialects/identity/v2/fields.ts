import type { Json, JsonObject } from '../../wire/strict-json.ts'
import { CREDENTIAL_MAX } from '../session/credentials.ts'

/** Text of 1 to CREDENTIAL_MAX characters. @returns undefined for anything else. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value.length > 0 && value.length <= CREDENTIAL_MAX ? value : undefined
}

/** An id: text, or a whole number, which some clients send for ids made of digits. */
export function idIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? String(value)
    : textIn(object, name)
}

/** A whole number; in XML it is text. */
export function numberIn(object: JsonObject, name: string): number | undefined {
  const value = collapsed(object[name])
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

/**
 * A boolean, or its text, which XML and some of the vendor's samples have. Nothing else, because elsewhere `"FALSE"`
 * taken for true has left accounts enabled.
 */
export function booleanIn(object: JsonObject, name: string): boolean | undefined {
  const value = collapsed(object[name])
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  return value === 'false' ? false : undefined
}

/** Drops white space around the text of a number or boolean (XML Schema 2 §4.3.6). In other text it is content. */
function collapsed(value: Json | undefined): Json | undefined {
  if (typeof value !== 'string') return value
  // Without a regular expression, because one for trailing white space takes quadratic time.
  let [start, end] = [0, value.length]
  while (start < end && XML_SPACE.includes(value.charAt(start))) start += 1
  while (end > start && XML_SPACE.includes(value.charAt(end - 1))) end -= 1
  return value.slice(start, end)
}

const XML_SPACE = ' \t\n\r'

/** The first of these members with a wrong type. Null counts as absent, because Keystone's clients send it. */
export function badMember(
  object: JsonObject,
  members: Readonly<Record<string, 'text' | 'id' | 'boolean'>>,
): string | undefined {
  return Object.entries(members).find(([name, type]) => {
    if (!(name in object) || object[name] === null) return false
    return READERS[type](object, name) === undefined
  })?.[0]
}

const READERS = { text: textIn, id: idIn, boolean: booleanIn } as const

/** A valid name: no control characters, no white space at its ends. */
export function isName(text: string): boolean {
  return text === text.trim() && !/\p{Cc}/u.test(text)
}
