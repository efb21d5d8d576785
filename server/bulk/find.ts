import { isObject, parseHandle, parseStrictJson, type TokenGrammar } from '@rescind/core'

/** What in a line may be a token: its text, its handle, or the pair that names a foreign one. */
export type Candidate =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'handle'; readonly handle: string }
  | { readonly kind: 'foreign'; readonly issuer: string; readonly jti: string }

/** Tokens looked for in one line; what comes after them is left to a second run. */
export const CANDIDATES_MAX = 32

const URI = /secret-token:([^\s"'<>]{1,16384})/g
const WORD = /[A-Za-z0-9_.-]+/g
const HANDLE = /tok_[A-Za-z0-9_-]{22}/g

/** Finds what a realm's tokens look like in lines of any kind. */
export class Finder {
  readonly #grammar: TokenGrammar
  readonly #minted: RegExp

  constructor(grammar: TokenGrammar) {
    this.#grammar = grammar
    const prefixes = grammar.known.map((prefix) => prefix.replaceAll(/[^A-Za-z0-9_]/g, '\\$&'))
    this.#minted = new RegExp(`(?:${prefixes.join('|')})[0-9A-Za-z]{36}`, 'g')
  }

  /**
   * In this order: a line of NDJSON that names a token; `secret-token:` URIs (RFC 8959); texts of our grammar with a
   * right checksum, handles and JWTs, wherever they stand; else the whole line, which may be text that somebody else
   * chose.
   */
  candidatesIn(line: string): readonly Candidate[] {
    const trimmed = line.trim()
    if (trimmed === '') return []
    const named = namedIn(trimmed)
    if (named !== undefined) return [named]
    const found = new Map<string, Candidate>()
    for (const one of [...uris(trimmed), ...this.#scan(trimmed)]) {
      if (found.size < CANDIDATES_MAX) found.set(JSON.stringify(one), one)
    }
    return found.size > 0 ? [...found.values()] : [{ kind: 'text', text: trimmed }]
  }

  *#scan(line: string): Generator<Candidate, void> {
    for (const [word] of line.matchAll(WORD)) {
      for (const [text] of word.matchAll(this.#minted)) {
        if (this.#grammar.shapeOf(text) === 'ours') yield { kind: 'text', text }
      }
      for (const [handle] of word.matchAll(HANDLE)) {
        if (parseHandle(handle) !== undefined) yield { kind: 'handle', handle }
      }
      const jws = jwsIn(word)
      if (jws !== undefined) yield { kind: 'text', text: jws }
    }
  }
}

function namedIn(line: string): Candidate | undefined {
  if (!line.startsWith('{') && !line.startsWith('"')) return undefined
  const value = parseStrictJson(Buffer.from(line, 'utf8'))
  if (typeof value === 'string') return { kind: 'text', text: value }
  if (!isObject(value)) return undefined
  const { token, handle, issuer, jti } = value
  if (typeof token === 'string') return { kind: 'text', text: token }
  if (typeof handle === 'string') return { kind: 'handle', handle }
  if (typeof issuer === 'string' && typeof jti === 'string') return { kind: 'foreign', issuer, jti }
  return undefined
}

function* uris(line: string): Generator<Candidate, void> {
  for (const [, escaped = ''] of line.matchAll(URI)) {
    const text = decoded(escaped)
    if (text !== undefined) yield { kind: 'text', text }
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Three dotted parts from the first place where a JSON header in base64url begins; a dot after it ends a sentence. */
function jwsIn(word: string): string | undefined {
  const from = word.indexOf('eyJ')
  if (from < 0) return undefined
  const [header = '', payload = '', signature = ''] = word.slice(from).split('.', 3)
  return payload !== '' && signature !== '' ? `${header}.${payload}.${signature}` : undefined
}
