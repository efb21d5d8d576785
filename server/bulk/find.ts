import type { TokenGrammar } from '@rescind/authority'
import { parseHandle } from '@rescind/core'
import { isObject, type Json, parseStrictJson } from '@rescind/core/bytes'
import { joseForm } from '@rescind/core/tokens'
import { type View, viewsOf, withoutInvisible } from './views.ts'

/** A possible credential in a line: its text, its handle, or the pair that names a foreign token. */
export type Candidate = (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'handle'; readonly handle: string }
  | { readonly kind: 'foreign'; readonly issuer: string; readonly jti: string }
) & {
  /** A guess: its form does not mark it as a credential, so it is reported only if it proves to be one. */
  readonly isGuess?: true
}

export type Found = {
  readonly candidates: readonly Candidate[]
  /** The line holds more candidates or text than are looked at. */
  readonly isMore: boolean
  /** Not text: it may contain credentials that were not found. */
  readonly isUnreadable: boolean
}

/** Credentials with a form of their own that are reported for one line; the rest needs a second run. */
export const CANDIDATES_MAX = 32
/** Words in one line that may be credentials without a form: a bound token, a secret from a seed file. */
export const GUESSES_MAX = 1_024
/** Minimum length of an unmarked guess: shorter words occur in every log. */
const GUESS_MIN_CHARS = 8
/** Characters of the longest text that is looked up. */
const TEXT_MAX_CHARS = 16_384

const LINE_END = /\r\n?|\n/g
const URI = /secret-token:([^\s"'<>]{1,16384})/g
const WORD = /[A-Za-z0-9_.-]+/g
const HANDLE = /tok_[A-Za-z0-9_-]{22}/g
/** Text between separators in logs, forms, CSV and headers. */
const ATOM = /[^\s"'`<>(){}[\],;&|]+/g
/** Names whose values are credentials of any length. */
const NAMED = /(?:token|secret|key|password|authorization|credential|session|bearer|code)$/i

/** Finds texts that look like a realm's credentials in lines of any kind. */
export class Finder {
  readonly #grammar: TokenGrammar
  readonly #minted: RegExp

  constructor(grammar: TokenGrammar) {
    this.#grammar = grammar
    const prefixes = grammar.known.map((prefix) => prefix.replaceAll(/[^A-Za-z0-9_]/g, '\\$&'))
    this.#minted = new RegExp(`(?:${prefixes.join('|')})[0-9A-Za-z]{36}`, 'g')
  }

  /**
   * Finds candidates by form, anywhere in the line and in every known encoding: `secret-token:` URIs (RFC 8959), text of
   * our grammar with a valid checksum, handles, and JWSs. Finds them by position as well, because chosen text has no
   * form: the whole line, values of JSON, forms, logs and headers, and a JSON object's `issuer` and `jti`.
   * @param wrapped pieces of a word that spans lines and ends in this one.
   */
  findIn(line: string, wrapped: readonly string[] = []): Found {
    const trimmed = line.trim()
    if (trimmed === '') return NOTHING
    const found = new Gathered()
    const { views, isWhole } = viewsOf(trimmed)
    for (const { text } of views) for (const one of this.#formed(text)) found.add(one)
    if (wrapped.length > 1) this.#unwrap(wrapped, found)
    found.guess(trimmed)
    found.guess(withoutInvisible(trimmed))
    for (const view of views) guessesIn(view, found)
    for (const pair of pairsIn(trimmed)) found.add(pair)
    return {
      candidates: [...found.formed.values(), ...found.guesses.values()],
      isMore: found.isMore || !isWhole,
      isUnreadable: isBinary(trimmed),
    }
  }

  /** Finds candidates in pasted text, including credentials that span its lines. */
  findInText(text: string): readonly Candidate[] {
    const lines = text.split(LINE_END).map((line) => line.trim())
    return this.findIn(text.replaceAll(LINE_END, ' '), lines).candidates
  }

  *#formed(text: string): Generator<Candidate, void> {
    if (text.includes('secret-token:')) yield* uris(text)
    for (const minted of matchesOf(this.#minted, text)) {
      if (this.#grammar.shapeOf(minted) === 'ours') yield { kind: 'text', text: minted }
    }
    if (text.includes('tok_')) {
      for (const handle of matchesOf(HANDLE, text))
        if (parseHandle(handle) !== undefined) yield { kind: 'handle', handle }
    }
    if (!text.includes('.')) return
    for (const word of matchesOf(WORD, text)) {
      if (word.length < JWS_MIN_CHARS || !word.includes('.')) continue
      for (const jws of jwssIn(word.split('.'))) yield { kind: 'text', text: jws }
    }
  }

  /** Adds only what the joined pieces show: each piece alone was reported with its own line. */
  #unwrap(pieces: readonly string[], found: Gathered): void {
    const known = new Set<string>()
    for (const one of this.#formedIn(pieces.join('\n'))) known.add(nameOf(one))
    const add = (one: Candidate): void => {
      if (!known.has(nameOf(one))) found.add(one)
    }
    for (const one of this.#formedIn(pieces.join(''))) add(one)
    for (const text of wrappedJwss(pieces)) add({ kind: 'text', text, isGuess: true })
  }

  *#formedIn(text: string): Generator<Candidate, void> {
    for (const view of viewsOf(text).views) yield* this.#formed(view.text)
  }
}

/** Like `matchAll`, but without a new expression each time. Only one loop may use an expression at a time. */
function* matchesOf(expression: RegExp, text: string): Generator<string, void> {
  expression.lastIndex = 0
  for (let match = expression.exec(text); match !== null; match = expression.exec(text)) yield match[0]
}

const NOTHING: Found = { candidates: [], isMore: false, isUnreadable: false }

function nameOf(one: Candidate): string {
  switch (one.kind) {
    case 'text':
      return `t${one.text}`
    case 'handle':
      return `h${one.handle}`
    case 'foreign':
      return `f${JSON.stringify([one.issuer, one.jti])}`
  }
}

/** Candidates of one line, each once. A text with the form of a credential is not a guess. */
class Gathered {
  readonly formed: Map<string, Candidate> = new Map()
  readonly guesses: Map<string, Candidate> = new Map()
  isMore = false

  add(one: Candidate): void {
    const name = nameOf(one)
    if (this.formed.has(name) || this.guesses.has(name)) return
    const [list, max] = one.isGuess ? [this.guesses, GUESSES_MAX] : [this.formed, CANDIDATES_MAX]
    if (list.size < max) list.set(name, one)
    else this.isMore = true
  }

  guess(text: string): void {
    if (text.length > 0 && text.length <= TEXT_MAX_CHARS) this.add({ kind: 'text', text, isGuess: true })
  }
}

function* uris(line: string): Generator<Candidate, void> {
  for (const [, escaped = ''] of line.matchAll(URI)) {
    const text = decoded(escaped)
    if (text !== undefined) yield { kind: 'text', text, isGuess: true }
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function guessesIn({ text, isDecoded }: View, found: Gathered): void {
  if (isDecoded) {
    found.guess(text)
    // RFC 7617 §2: the name ends at the first colon.
    const colon = text.indexOf(':')
    if (colon >= 0) found.guess(text.slice(colon + 1))
  }
  let name = ''
  for (const literal of literalsIn(text)) {
    if (literal.length >= GUESS_MIN_CHARS || NAMED.test(name)) found.guess(literal)
    name = literal
  }
  let before = ''
  for (const atom of matchesOf(ATOM, text)) {
    const isNamed = NAMED.test(before.replace(/[:=]$/, '')) || SCHEMES.test(before)
    before = atom
    if (atom.length < GUESS_MIN_CHARS && !isNamed) continue
    for (const one of partsOf(atom)) if (one.length >= GUESS_MIN_CHARS || isNamed) found.guess(one)
  }
}

const STOPS = new Set('.:!?')
/** Separators around and inside words: paths, several names before a value, emphasis, other quotes. */
const PIECES = /[=:/@#*~$|\\“”„‘’«»]+/
const SCHEMES = /^(?:bearer|basic|token)$/i

/** The parts of `name=value`, `name:value` and a word with a full stop: the whole, the value, and each piece. */
function* partsOf(atom: string): Generator<string, void> {
  yield atom
  let to = atom.length
  while (to > 0 && STOPS.has(atom[to - 1] ?? '')) to -= 1
  const end = to < atom.length ? atom.slice(0, to) : atom
  if (end !== atom) yield end
  const equals = end.indexOf('=')
  if (equals >= 0) yield end.slice(equals + 1)
  const colon = end.indexOf(':')
  if (colon >= 0) yield end.slice(colon + 1)
  // In an address `//name:secret@host` (RFC 3986) the secret ends before the last `@`.
  const at = colon < 0 ? -1 : end.lastIndexOf('@')
  if (at > 0) yield end.slice(end.indexOf(':', end.indexOf('//') + 2) + 1, at)
  for (const piece of end.split(PIECES)) yield piece
}

/** Text between double quotes. Its escapes stay, because another view of the line resolves them. */
function* literalsIn(text: string): Generator<string, void> {
  let from = text.indexOf('"')
  while (from >= 0) {
    let to = from + 1
    while (to < text.length && text[to] !== '"') to += text[to] === '\\' ? 2 : 1
    if (to >= text.length) return
    yield plain(text.slice(from + 1, to))
    from = text.indexOf('"', to + 1)
  }
}

function plain(literal: string): string {
  if (!literal.includes('\\')) return literal
  const value = parseStrictJson(Buffer.from(`"${literal}"`, 'utf8'))
  return typeof value === 'string' ? value : literal
}

/** Foreign tokens that the line names by issuer and jti, without their text. Claims inside a token do not count. */
function pairsIn(line: string): readonly Candidate[] {
  if (!line.startsWith('{') && !line.startsWith('[')) return []
  const pairs: Candidate[] = []
  const waiting: (Json | undefined)[] = [parseStrictJson(Buffer.from(withoutInvisible(line), 'utf8'))]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (Array.isArray(value)) waiting.push(...(value as readonly Json[]))
    if (!isObject(value)) continue
    const { issuer, jti } = value
    if (typeof issuer === 'string' && typeof jti === 'string')
      pairs.push({ kind: 'foreign', issuer, jti, isGuess: true })
    waiting.push(...Object.values(value))
  }
  return pairs
}

const SEGMENTS = 3
const HEADER_MAX_CHARS = 2_048
/** `{"alg":"x"}` in base64url. */
const HEADER_MIN_CHARS = 14
/** The shortest header, payload and signature together. */
const JWS_MIN_CHARS = 18

/** JWSs (RFC 7515 §7.1) in dotted segments: three of them, the first a JSON header. */
function* jwssIn(segments: readonly string[]): Generator<string, void> {
  for (let at = 0; at + SEGMENTS <= segments.length; at += 1) {
    const first = segments[at] ?? ''
    const payload = segments[at + 1] ?? ''
    const signature = segments[at + 2] ?? ''
    if (first.length < HEADER_MIN_CHARS || payload === '' || signature === '') continue
    for (const header of headersIn(first)) {
      if (header.length > HEADER_MAX_CHARS) continue
      const jws = canonicalOf([header, payload, signature])
      if (jws.length <= TEXT_MAX_CHARS && joseForm(jws) === 'signed' && saysAlgorithm(header)) yield jws
    }
  }
}

/**
 * The segment, and its part from the usual beginning of a header on, because text may stand before it without a
 * separator.
 */
function* headersIn(segment: string): Generator<string, void> {
  if (beginsObject(segment)) yield segment
  const at = segment.indexOf('eyJ', 1)
  if (at > 0) yield segment.slice(at)
}

/** RFC 7515 §4.1.1: every header has `alg`. A payload is JSON as well, and two dotted words may follow it in a log. */
function saysAlgorithm(segment: string): boolean {
  const header = parseStrictJson(Buffer.from(segment, 'base64url'))
  return isObject(header) && typeof header.alg === 'string'
}

/** Looks only at the first characters, so that most words cost no more. White space may come first (RFC 8259 §2). */
function beginsObject(segment: string): boolean {
  const text = Buffer.from(segment.slice(0, 8), 'base64url').toString('latin1').trimStart()
  return text === '' || text.startsWith('{')
}

/** The canonical spelling. Spare bits of base64url carry nothing, so other spellings stand for the same token. */
function canonicalOf(segments: readonly string[]): string {
  return segments.map((one) => Buffer.from(one, 'base64url').toString('base64url')).join('.')
}

/** Ends that are tried for each beginning, and beginnings for each run of lines. */
const ENDS_MAX = 3
const BEGINNINGS_MAX = 32

/** JWSs that span several lines, from the beginning of one to the end of another; most lines have the same width. */
function* wrappedJwss(pieces: readonly string[]): Generator<string, void> {
  let begun = 0
  for (let from = 0; from + 1 < pieces.length && begun < BEGINNINGS_MAX; from += 1) {
    const first = pieces[from] ?? ''
    const begin = first.lastIndexOf('eyJ')
    if (!beginsObject(first) && begin < 0) continue
    begun += 1
    const texts = joinedFrom(pieces, from)
    for (const text of texts) {
      yield* jwssIn(text.split('.'))
    }
  }
}

/**
 * Joins the pieces from one on, as far as two dots reach: up to the first piece of another width, and up to the last.
 */
function joinedFrom(pieces: readonly string[], from: number): readonly string[] {
  const width = pieces[from + 1]?.length ?? 0
  const texts: string[] = []
  let text = pieces[from] ?? ''
  let dots = dotsIn(text)
  for (let at = from + 1; at < pieces.length && text.length <= TEXT_MAX_CHARS; at += 1) {
    const piece = pieces[at] ?? ''
    dots += dotsIn(piece)
    if (dots >= SEGMENTS) break
    text += piece
    const isEnd = dots === SEGMENTS - 1 && (piece.length !== width || at === from + 1)
    if (isEnd && texts.length < ENDS_MAX) texts.push(text)
  }
  return dots >= SEGMENTS - 1 && !texts.includes(text) ? [...texts, text] : texts
}

function dotsIn(text: string): number {
  let dots = 0
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1)) dots += 1
  return dots
}

/** Whether more than an eighth of the characters belong to no text: packed data, or an encoding that is not read. */
function isBinary(text: string): boolean {
  let strange = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0xfffd || (code < 0x20 && code !== 0x09 && code !== 0 && code !== 0x1b)) strange += 1
  }
  return strange * 8 > text.length
}
