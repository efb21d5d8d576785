import { decodeUtf8 } from './strict-text.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** Without a prototype, so that a member named `constructor` is only ever a member. */
export type JsonObject = { readonly [member: string]: Json }

/** Levels of nesting; none of the dialects' bodies is deeper than six. */
const JSON_DEPTH_MAX = 32
/** Members and items of a whole document. */
const JSON_NODES_MAX = 20_000

/**
 * Accepts only JSON that all parsers read alike: strict UTF-8, no repeated member at any depth, no `__proto__`, no NUL, no
 * lone surrogates, no number that is not finite. @returns undefined for anything else.
 */
export function parseStrictJson(bytes: Uint8Array): Json | undefined {
  const text = decodeUtf8(bytes)
  return text === undefined ? undefined : parsed(new Parser(text, 'refuse'))
}

/** The same for an operator's file, which only its size bounds. */
export function parseStrictFile(bytes: Uint8Array): Json | undefined {
  const text = decodeUtf8(bytes)
  return text === undefined ? undefined : parsed(new Parser(text, 'refuse', Number.POSITIVE_INFINITY))
}

function parsed(parser: Parser): Json | undefined {
  try {
    return parser.document()
  } catch (error) {
    if (error instanceof NotJson) return undefined
    throw error
  }
}

/**
 * The same for a list that others maintain, where one odd entry must not invalidate the rest: an object that parsers could
 * read differently becomes null. @returns undefined only for what is not JSON.
 */
export function parseJsonPassingOver(bytes: Uint8Array): Json | undefined {
  const text = decodeUtf8(bytes)
  return text === undefined ? undefined : parsed(new Parser(text, 'pass over'))
}

/** @returns undefined for anything but a JSON object. */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  const value = parseStrictJson(bytes)
  return isObject(value) ? value : undefined
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The way out of a recursive descent; never leaves this file. */
class NotJson extends Error {}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN_STRING = /"[^"\\\u0000-\u001f]*"/y

class Parser {
  readonly #text: string
  #at = 0
  #nodesLeft: number
  readonly #whatIsOdd: 'refuse' | 'pass over'
  /** The object being read holds something odd. */
  #isOdd = false

  constructor(text: string, whatIsOdd: 'refuse' | 'pass over', nodesMax = JSON_NODES_MAX) {
    this.#text = text
    this.#whatIsOdd = whatIsOdd
    this.#nodesLeft = nodesMax
  }

  document(): Json {
    const value = this.#value(0)
    this.#space()
    if (this.#at !== this.#text.length) throw new NotJson()
    return this.#isOdd ? null : value
  }

  #odd(): void {
    if (this.#whatIsOdd === 'refuse') throw new NotJson()
    this.#isOdd = true
  }

  #value(depth: number): Json {
    this.#nodesLeft -= 1
    if (depth > JSON_DEPTH_MAX || this.#nodesLeft < 0) throw new NotJson()
    this.#space()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(depth: number): JsonObject | null {
    const wasOdd = this.#isOdd
    this.#isOdd = false
    const object = this.#members(depth)
    const isOdd = this.#isOdd
    this.#isOdd = wasOdd
    return isOdd ? null : object
  }

  #members(depth: number): JsonObject {
    const object: Record<string, Json> = Object.create(null) as Record<string, Json>
    this.#at += 1
    this.#space()
    if (this.#takes('}')) return object
    for (;;) {
      this.#space()
      const name = this.#string()
      if (name === '__proto__' || name in object) this.#odd()
      this.#space()
      if (!this.#takes(':')) throw new NotJson()
      object[name] = this.#value(depth + 1)
      this.#space()
      if (this.#takes('}')) return object
      if (!this.#takes(',')) throw new NotJson()
    }
  }

  #array(depth: number): Json[] {
    const items: Json[] = []
    this.#at += 1
    this.#space()
    if (this.#takes(']')) return items
    for (;;) {
      items.push(this.#value(depth + 1))
      this.#space()
      if (this.#takes(']')) return items
      if (!this.#takes(',')) throw new NotJson()
    }
  }

  #string(): string {
    const start = this.#at
    PLAIN_STRING.lastIndex = start
    if (PLAIN_STRING.test(this.#text)) {
      this.#at = PLAIN_STRING.lastIndex
      return this.#text.slice(start + 1, this.#at - 1)
    }
    return this.#escapedString()
  }

  #escapedString(): string {
    const start = this.#at
    if (!this.#takes('"')) throw new NotJson()
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    }
    if (!this.#takes('"')) throw new NotJson()
    const value = decodeString(this.#text.slice(start, this.#at))
    if (value === undefined) throw new NotJson()
    if (value.includes('\0') || !value.isWellFormed()) this.#odd()
    return value
  }

  #number(): number {
    NUMBER.lastIndex = this.#at
    const match = NUMBER.exec(this.#text)
    if (match === null) throw new NotJson()
    this.#at = NUMBER.lastIndex
    const value = Number(match[0])
    if (!Number.isFinite(value)) this.#odd()
    return value
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw new NotJson()
    this.#at += word.length
    return value
  }

  #takes(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }

  #space(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at)
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return
      this.#at += 1
    }
  }
}

/** Decodes escapes with the engine's own parser, which sees a single string literal. */
function decodeString(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string
  } catch {
    return undefined
  }
}
