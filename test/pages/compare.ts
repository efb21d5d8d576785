import { isDeepStrictEqual } from 'node:util'
import type { Fence } from './fences.ts'

/** Stands for any text inside a line or a string, and alone for any lines, elements or members. */
const ANY = '…'

/** @returns how what came differs from what the page says; undefined where it does not. */
export function difference(
  { language, text }: Pick<Fence, 'language' | 'text'>,
  came: string,
): string | undefined {
  switch (language) {
    case 'json':
      return jsonDifference(text, came)
    case 'http':
      return httpDifference(text, came)
    default:
      return linesMatch(linesOf(text), linesOf(came)) ? undefined : 'the lines differ'
  }
}

/** Without what is blank at the ends. */
function linesOf(text: string): readonly string[] {
  const lines = text.replaceAll('\r', '').trim().split('\n')
  return lines.map((line) => line.trimEnd()).slice(lines[0] === '' ? 1 : 0)
}

function linesMatch(wanted: readonly string[], came: readonly string[]): boolean {
  const [first, ...rest] = wanted
  if (first === undefined) return came.length === 0
  if (first.trim() === ANY) {
    for (let skipped = 0; skipped <= came.length; skipped++)
      if (linesMatch(rest, came.slice(skipped))) return true
    return false
  }
  const [next, ...others] = came
  return next !== undefined && textMatches(first, next) && linesMatch(rest, others)
}

function textMatches(wanted: string, came: string): boolean {
  if (!wanted.includes(ANY)) return wanted === came
  const parts = wanted.split(ANY).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(came)
}

function jsonDifference(text: string, came: string): string | undefined {
  const [wanted, got] = [parsed(text), parsed(came)]
  if (wanted === undefined) return 'what the page shows is no JSON'
  if (got === undefined) return 'what came is no JSON'
  return valueDifference(wanted.value, got.value, '')
}

/** One document, or one a line, which are compared as the elements of a list. */
function parsed(text: string): { readonly value: unknown } | undefined {
  const whole = document(text)
  if (whole !== undefined) return whole
  const lines = linesOf(text).map((line) => document(line))
  const known = lines.filter((line) => line !== undefined)
  return known.length === lines.length ? { value: known.map(({ value }) => value) } : undefined
}

function document(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function valueDifference(wanted: unknown, came: unknown, path: string): string | undefined {
  const where = path === '' ? 'the whole' : path
  if (wanted === ANY) return undefined
  if (typeof wanted === 'string' && typeof came === 'string')
    return textMatches(wanted, came) ? undefined : `${where} is ${JSON.stringify(came)}`
  if (Array.isArray(wanted) && Array.isArray(came)) return elementDifference(wanted, came, path)
  if (isObject(wanted) && isObject(came)) return memberDifference(wanted, came, path)
  return isDeepStrictEqual(wanted, came) ? undefined : `${where} is ${JSON.stringify(came)}`
}

/** A last element `"…"` stands for any further ones. */
function elementDifference(wanted: unknown[], came: unknown[], path: string): string | undefined {
  const isOpen = wanted.at(-1) === ANY
  const named = isOpen ? wanted.slice(0, -1) : wanted
  if (isOpen ? came.length < named.length : came.length !== named.length)
    return `${path}[] has ${came.length} elements`
  return firstOf(named.map((value, at) => valueDifference(value, came[at], `${path}[${at}]`)))
}

/** A member `"…": "…"` stands for any further ones. */
function memberDifference(wanted: JsonObject, came: JsonObject, path: string): string | undefined {
  const extra = Object.keys(came).filter((name) => !Object.hasOwn(wanted, name))
  if (extra.length > 0 && !Object.hasOwn(wanted, ANY))
    return `${path}.${extra.join(', .')} is not in the page`
  const named = Object.entries(wanted).filter(([name]) => name !== ANY)
  const missing = named.find(([name]) => !Object.hasOwn(came, name))
  if (missing !== undefined) return `${path}.${missing[0]} is missing`
  return firstOf(named.map(([name, value]) => valueDifference(value, came[name], `${path}.${name}`)))
}

/** As `curl -i` prints answers, one or several. */
function httpDifference(text: string, came: string): string | undefined {
  const [wanted, got] = [messagesOf(text), messagesOf(came)]
  if (wanted.length !== got.length) return `${got.length} answers came, the page shows ${wanted.length}`
  return firstOf(wanted.map((message, at) => messageDifference(message, got[at] ?? messageOf(''))))
}

/** The status line, each header that the page shows, and the body. */
function messageDifference(wanted: Message, got: Message): string | undefined {
  if (!textMatches(wanted.status, got.status)) return `the status line is "${got.status}"`
  const missing = wanted.headers.find((header) => !got.headers.some((one) => headerMatches(header, one)))
  if (missing !== undefined) return `no header matches "${missing}"`
  const language = parsed(wanted.body) === undefined ? 'text' : 'json'
  return wanted.body === '' && got.body === ''
    ? undefined
    : difference({ language, text: wanted.body }, got.body)
}

function headerMatches(wanted: string, came: string): boolean {
  const [name = '', gotName = ''] = [wanted.split(':')[0], came.split(':')[0]]
  const [value, gotValue] = [wanted.slice(name.length), came.slice(gotName.length)]
  return (
    wanted.trim() === ANY || (name.toLowerCase() === gotName.toLowerCase() && textMatches(value, gotValue))
  )
}

type Message = { readonly status: string; readonly headers: readonly string[]; readonly body: string }

function messagesOf(text: string): readonly Message[] {
  return text.split(/^(?=HTTP\/1\.)/m).map((one) => messageOf(one))
}

function messageOf(text: string): Message {
  const [head = '', ...rest] = text.replaceAll('\r', '').trim().split('\n\n')
  const [status = '', ...headers] = head.split('\n').map((line) => line.trimEnd())
  return { status, headers, body: rest.join('\n\n').trim() }
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstOf(differences: readonly (string | undefined)[]): string | undefined {
  return differences.find((one) => one !== undefined)
}
