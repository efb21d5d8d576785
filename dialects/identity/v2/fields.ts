import type { Json, JsonObject } from '../../wire/strict-json.ts'
import { CREDENTIAL_MAX } from '../session/credentials.ts'

/** Text of 1 to CREDENTIAL_MAX characters. @returns undefined for anything else, and where there is none. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value.length > 0 && value.length <= CREDENTIAL_MAX ? value : undefined
}

/** The id of something: text, or the whole number that clients make of one of digits. */
export function idIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? String(value)
    : textIn(object, name)
}

/** A whole number; XML has it as text. */
export function numberIn(object: JsonObject, name: string): number | undefined {
  const value = collapsed(object[name])
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

/**
 * A boolean, or the text of one, which some samples of the vendor have and XML always has. Nothing else: `"FALSE"`
 * taken for true has left accounts enabled elsewhere.
 */
export function booleanIn(object: JsonObject, name: string): boolean | undefined {
  const value = collapsed(object[name])
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  return value === 'false' ? false : undefined
}

/** Around the text of a number or a boolean white space says nothing (XML Schema 2 §4.3.6); in other text it is content. */
function collapsed(value: Json | undefined): Json | undefined {
  if (typeof value !== 'string') return value
  // By hand: a pattern for the end of a text is tried at every place of a run of white space.
  let [start, end] = [0, value.length]
  while (start < end && XML_SPACE.includes(value.charAt(start))) start += 1
  while (end > start && XML_SPACE.includes(value.charAt(end - 1))) end -= 1
  return value.slice(start, end)
}

const XML_SPACE = ' \t\n\r'

/** The first of these members that is there and is not what it should be. Keystone's clients send null for nothing. */
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

/** A name as people write it: no control characters, no white space at its ends. */
export function isName(text: string): boolean {
  return text === text.trim() && !/\p{Cc}/u.test(text)
}
