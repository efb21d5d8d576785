import { SaxesParser, type SaxesTagNS } from 'saxes'
import type { Json, JsonObject } from '../../../wire/strict-json.ts'
import { decodeXml } from './encoding.ts'
import { DEFAULT_NAMESPACE, jsonPrefix } from './namespaces.ts'

/** Bounds of a document: nesting depth, and elements plus attributes. No body of this dialect comes near them. */
export const XML_DEPTH_MAX = 16
export const XML_NODES_MAX = 1_000

type Open = {
  readonly name: string
  readonly uri: string
  readonly members: Map<string, Json>
  text: string
}

/**
 * Parses an XML body into the equivalent JSON: attributes and child elements become members; an element without either
 * is its text, including white space (XML 1.0 §2.4). No DTD, no processing instructions, no entities but XML's five, no
 * repeated members. @returns undefined for anything else.
 */
export function parseXmlObject(bytes: Uint8Array, charset?: string): JsonObject | undefined {
  const decoded = decodeXml(bytes, charset)
  if (decoded === undefined || decoded.text.includes('\0')) return undefined
  const { text, mayDeclare } = decoded
  const reader = new Reader()
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', () => reader.fail())
  parser.on('doctype', () => reader.fail())
  parser.on('processinginstruction', () => reader.fail())
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !mayDeclare(encoding)) reader.fail()
  })
  parser.on('opentag', (tag) => reader.open(tag))
  parser.on('closetag', () => reader.close())
  parser.on('text', (part) => reader.text(part))
  parser.on('cdata', (part) => reader.text(part))
  // Written in chunks, so that parsing stops soon after an error.
  for (let at = 0; at < text.length && !reader.hasFailed; at += CHUNK)
    parser.write(text.slice(at, at + CHUNK))
  if (!reader.hasFailed) parser.close()
  return reader.result()
}

const CHUNK = 1_024

class Reader {
  readonly #stack: Open[] = []
  #root: JsonObject | undefined
  #nodes = 0
  hasFailed = false

  fail(): void {
    this.hasFailed = true
  }

  open(tag: SaxesTagNS): void {
    const { uri, local, attributes } = tag
    const parent = this.#stack.at(-1)
    const name = nameOf(uri, local, parent?.uri)
    this.#nodes += 1
    if (name === undefined || this.#stack.length >= XML_DEPTH_MAX) return this.fail()
    const open: Open = { name, uri: uri === '' ? DEFAULT_NAMESPACE : uri, members: new Map(), text: '' }
    for (const attribute of Object.values(attributes)) {
      if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue
      // Attributes of other namespaces, such as xsi:type, are ignored.
      const prefix = attribute.uri === '' || attribute.uri === uri ? '' : jsonPrefix(attribute.uri)
      if (prefix !== undefined) this.#member(open, `${prefix}${attribute.local}`, attribute.value)
    }
    this.#stack.push(open)
  }

  close(): void {
    const open = this.#stack.pop()
    if (open === undefined || this.hasFailed) return
    const { name, members, text } = open
    if (members.size > 0 && !isWhiteSpace(text)) return this.fail()
    const value = members.size > 0 ? objectOf(members) : text
    const parent = this.#stack.at(-1)
    if (parent === undefined) this.#root = objectOf(new Map([[name, value]]))
    else this.#member(parent, name, value)
  }

  text(part: string): void {
    const open = this.#stack.at(-1)
    if (open !== undefined) open.text += part
  }

  result(): JsonObject | undefined {
    return this.hasFailed ? undefined : this.#root
  }

  #member(open: Open, name: string, value: Json): void {
    this.#nodes += 1
    if (this.#nodes > XML_NODES_MAX || open.members.has(name)) this.fail()
    else open.members.set(name, value)
  }
}

/** XML's white space (XML 1.0 §2.3), allowed between elements. U+00A0 and the like are content. */
function isWhiteSpace(text: string): boolean {
  for (const char of text) if (!WHITE_SPACE.has(char)) return false
  return true
}

const WHITE_SPACE: ReadonlySet<string> = new Set([' ', '\t', '\n', '\r'])

/** Within an element of an extension, names of the same namespace have no prefix, as in JSON. */
function nameOf(uri: string, local: string, parentUri: string | undefined): string | undefined {
  if (local === '__proto__') return undefined
  if (uri === parentUri) return local
  const prefix = jsonPrefix(uri)
  return prefix === undefined ? undefined : `${prefix}${local}`
}

function objectOf(members: ReadonlyMap<string, Json>): JsonObject {
  const object: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [name, value] of members) object[name] = value
  return object
}
