import { JSON_TYPE } from '../../wire/answer.ts'
import { isUtf8, type MediaType, mediaType, type WireRequest } from '../../wire/request.ts'
import { isObject, type JsonObject, parseStrictObject } from '../../wire/strict-json.ts'
import { withoutBom } from '../../wire/text.ts'
import { CREDENTIAL_MAX, type Malformed } from '../session/credentials.ts'

/** Longest name and longest description in characters. */
const TEXT_MAX = 255
const LONG_TEXT_MAX = 2_000

/**
 * `text` is 1 to 255 characters; `long` up to 2,000, also empty or null; `text?` is `text` or null; `secret` is a
 * password of any login.
 */
export type FieldKind = 'text' | 'text?' | 'long' | 'secret' | 'flag'
type FieldSpec = Readonly<Record<string, FieldKind>>
type FieldValue<K extends FieldKind> = K extends 'flag'
  ? boolean
  : K extends 'text' | 'secret'
    ? string
    : string | null
export type Fields<S extends FieldSpec> = { readonly [N in keyof S]?: FieldValue<S[N]> }

export type BodyRead = { readonly kind: 'body'; readonly body: JsonObject } | Malformed

/**
 * A JSON body, with any `+json` type (RFC 6839 §3.1). As in Keystone, another Content-Type is 400, not 415, and JSON
 * without one is accepted.
 */
export function readJson(request: WireRequest): BodyRead {
  const media = mediaType(request)
  if (media !== undefined && media.type !== '' && !isJson(media))
    return malformed(`Expecting to find ${JSON_TYPE} in Content-Type header.`)
  const body = parseStrictObject(withoutBom(request.body))
  return body === undefined ? malformed('The body must be a JSON object.') : { kind: 'body', body }
}

function isJson(media: MediaType): boolean {
  const isSuffixed = media.type.startsWith('application/') && media.type.endsWith('+json')
  return isUtf8(media, isSuffixed ? media.type : JSON_TYPE)
}

/** The object under its name, `{"user": {…}}`. Pass `pathId` for changes: a body with another id is then refused, not ignored. */
export function readEntity(request: WireRequest, name: string, pathId?: string): BodyRead {
  const read = readJson(request)
  if (read.kind === 'malformed') return read
  const entity = read.body[name]
  if (!isObject(entity)) return malformed(`"${name}" must be an object.`)
  const id = entity['id']
  const isAnother = pathId !== undefined && id !== undefined && id !== null && id !== pathId
  return isAnother
    ? malformed(`"id" is not that of the ${name} in the path.`)
    : { kind: 'body', body: entity }
}

export type FieldsRead<S extends FieldSpec> =
  | { readonly kind: 'fields'; readonly fields: Fields<S> }
  | Malformed

/**
 * Reads known members, each of its kind. A flag must be true or false, because elsewhere "false" has been read as true.
 * Unknown members are ignored.
 */
export function fieldsOf<const S extends FieldSpec>(entity: JsonObject, spec: S): FieldsRead<S> {
  const fields: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(spec)) {
    const value = entity[name]
    if (value === undefined) continue
    if (!isOfKind(value, kind)) return malformed(`"${name}" must be ${KINDS[kind]}.`)
    fields[name] = value
  }
  return { kind: 'fields', fields: fields as Fields<S> }
}

const KINDS: Readonly<Record<FieldKind, string>> = {
  text: `text of 1 to ${TEXT_MAX} characters`,
  'text?': `text of 1 to ${TEXT_MAX} characters, or null`,
  long: `text of at most ${LONG_TEXT_MAX} characters, or null`,
  secret: `text of 1 to ${CREDENTIAL_MAX} characters`,
  flag: 'true or false',
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case 'text':
      return isText(value)
    case 'text?':
      return value === null || isText(value)
    case 'long':
      return value === null || (typeof value === 'string' && value.length <= LONG_TEXT_MAX)
    case 'secret':
      return typeof value === 'string' && value.length > 0 && value.length <= CREDENTIAL_MAX
    case 'flag':
      return typeof value === 'boolean'
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim().length > 0 && value.length <= TEXT_MAX
}

function malformed(detail: string): Malformed {
  return { kind: 'malformed', detail }
}
