import { type Answer, JSON_TYPE } from '../../wire/answer.ts'
import { isUtf8, mediaType, type WireRequest } from '../../wire/request.ts'
import { type JsonObject, parseStrictObject } from '../../wire/strict-json.ts'
import { withoutBom } from '../../wire/text.ts'
import { isXmlCharset } from './xml/encoding.ts'
import { parseXmlObject } from './xml/read.ts'
import { xmlOf } from './xml/write.ts'

/** The format of an answer or a body. */
export type Format = 'json' | 'xml'

const XML_TYPE = 'application/xml'

/** Media types of both formats. The vendor documents the first of each; OpenStack's discovery names the last. */
const FORMATS: ReadonlyMap<string, Format> = new Map([
  [JSON_TYPE, 'json'],
  ['application/vnd.openstack.identity-v2.0+json', 'json'],
  [XML_TYPE, 'xml'],
  ['text/xml', 'xml'],
  ['application/vnd.openstack.identity-v2.0+xml', 'xml'],
])

type Wish = { readonly closeness: number; readonly weight: number }
const NO_WISH: Wish = { closeness: 0, weight: 0 }

/**
 * The format that an Accept header asks for: the one with the higher weight, each by its most specific range (RFC 9110
 * §12.5.1), and JSON on a tie. @returns undefined when neither is acceptable.
 */
export function formatOf(accept: string | undefined): Format | undefined {
  if (accept === undefined || accept.trim() === '') return 'json'
  let [json, xml] = [NO_WISH, NO_WISH]
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';')
    const name = type.trim().toLowerCase()
    const weight = weightOf(parameters)
    const format = FORMATS.get(name)
    if (format === 'json') json = closer(json, { closeness: 3, weight })
    if (format === 'xml') xml = closer(xml, { closeness: 3, weight })
    const closeness = name === 'application/*' ? 2 : name === '*/*' ? 1 : 0
    if (closeness === 0) continue
    json = closer(json, { closeness, weight })
    xml = closer(xml, { closeness, weight })
  }
  if (json.weight === 0 && xml.weight === 0) return undefined
  return json.weight >= xml.weight ? 'json' : 'xml'
}

/** The more specific range, or the one with the higher weight on a tie. */
function closer(known: Wish, wish: Wish): Wish {
  if (wish.closeness !== known.closeness) return wish.closeness > known.closeness ? wish : known
  return wish.weight > known.weight ? wish : known
}

function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2)
    if (name.trim().toLowerCase() !== 'q') continue
    const weight = Number(value.trim())
    return Number.isFinite(weight) ? Math.min(1, Math.max(0, weight)) : 1
  }
  return 1
}

/** A path without its suffix, and the format of the suffix, which overrides Accept. */
export type Suffixed = { readonly path: string; readonly format: Format | undefined }

/**
 * Only below `/v2.0`, and only a literal suffix: an id that ends with one is sent with `%2E`. The dot of the version
 * itself is not a suffix.
 */
export function withoutSuffix(path: string): Suffixed {
  if (!path.startsWith('/v2')) return { path, format: undefined }
  return suffixed(path, 'json') ?? suffixed(path, 'xml') ?? { path, format: undefined }
}

/** A segment that consists of the suffix alone is not cut off, because the path would then name its parent. */
function suffixed(path: string, format: Format): Suffixed | undefined {
  const bare = path.slice(0, -format.length - 1)
  return path.endsWith(`.${format}`) && !bare.endsWith('/') ? { path: bare, format } : undefined
}

/** Handlers answer JSON; this converts it for callers who asked for XML. */
export function inFormat(answer: Answer, format: Format | undefined): Answer {
  const { headers, body } = answer
  if (format !== 'xml' || typeof body !== 'string' || body === '') return answer
  if (headers['content-type'] !== JSON_TYPE) return answer
  // We wrote this JSON ourselves a moment ago.
  const xml = xmlOf(JSON.parse(body) as JsonObject)
  return { ...answer, headers: { ...headers, 'content-type': XML_TYPE }, body: xml }
}

/** The format of a body. Any other `+json` or `+xml` type counts too (RFC 6839 §3.1, RFC 7303 §4.2). */
function formatOfType(type: string): Format | undefined {
  const known = FORMATS.get(type)
  if (known !== undefined || !type.startsWith('application/')) return known
  return type.endsWith('+json') ? 'json' : type.endsWith('+xml') ? 'xml' : undefined
}

export type BodyRead =
  | { readonly kind: 'body'; readonly body: JsonObject }
  | { readonly kind: 'media-type' }
  | { readonly kind: 'unreadable' }

/** Parses a body by its Content-Type; XML becomes the equivalent JSON. */
export function readDocument(request: WireRequest): BodyRead {
  const media = mediaType(request)
  const format = media === undefined ? undefined : formatOfType(media.type)
  if (media === undefined || format === undefined) return { kind: 'media-type' }
  if (!(format === 'json' ? isUtf8(media, media.type) : isXmlCharset(media.charset)))
    return { kind: 'media-type' }
  const body =
    format === 'json'
      ? parseStrictObject(withoutBom(request.body))
      : parseXmlObject(request.body, media.charset)
  return body === undefined ? { kind: 'unreadable' } : { kind: 'body', body }
}
