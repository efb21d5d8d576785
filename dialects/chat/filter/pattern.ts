/** Longest pattern in characters. */
const PATTERN_MAX_CHARS = 128

/** One character of a pattern: literal, or any. */
type PatternUnit = string | typeof ANY
const ANY: unique symbol = Symbol('any')

/**
 * A subset of `$regex`: literal text, `\` before a punctuation character, `.` for one character, `.*` for any number of
 * characters (line ends included), a leading `^` and a trailing `$`. Matching scans the text without a regular
 * expression, so that its time is bounded by the length of the pattern times that of the text.
 */
export type Pattern = {
  readonly segments: readonly (readonly PatternUnit[])[]
  readonly fromStart: boolean
  readonly toEnd: boolean
  readonly ignoreCase: boolean
  readonly length: number
}

/** @returns undefined for a pattern outside this subset. */
export function parsePattern(text: string, ignoreCase: boolean): Pattern | undefined {
  if (text.length > PATTERN_MAX_CHARS) return undefined
  const folded = ignoreCase ? text.toLowerCase() : text
  const segments: PatternUnit[][] = [[]]
  const fromStart = folded.startsWith('^')
  let toEnd = false
  for (let at = fromStart ? 1 : 0; at < folded.length; at += 1) {
    const char = folded[at] as string
    const segment = segments.at(-1) as PatternUnit[]
    if (char === '\\') {
      const next = folded[at + 1]
      // An escaped letter or digit would be a character class or a back-reference.
      if (next === undefined || /[A-Za-z0-9]/.test(next)) return undefined
      segment.push(next)
      at += 1
    } else if (char === '.') {
      if (folded[at + 1] !== '*') segment.push(ANY)
      else {
        segments.push([])
        at += 1
        // `.*?` and `.*+` match differently, and `.**` is invalid.
        if (/[*+?{]/.test(folded[at + 1] ?? '')) return undefined
      }
    } else if (char === '$' && at === folded.length - 1) toEnd = true
    else if (/[*+?()[\]{}|^$]/.test(char)) return undefined
    else segment.push(char)
  }
  return { segments, fromStart, toEnd, ignoreCase, length: Math.max(1, folded.length) }
}

export function matches(pattern: Pattern, given: string): boolean {
  const { segments, fromStart, toEnd, ignoreCase } = pattern
  const text = ignoreCase ? given.toLowerCase() : given
  let from = 0
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1
    if (at === 0 && fromStart) {
      if (!isAt(segment, text, 0)) return false
      from = segment.length
      if (isLast && toEnd) return from === text.length
    } else if (isLast && toEnd) {
      const start = text.length - segment.length
      return start >= from && isAt(segment, text, start)
    } else {
      // The leftmost match leaves the most text for later segments.
      const found = find(segment, text, from)
      if (found < 0) return false
      from = found + segment.length
    }
  }
  return true
}

function find(segment: readonly PatternUnit[], text: string, from: number): number {
  for (let at = from; at <= text.length - segment.length; at += 1) if (isAt(segment, text, at)) return at
  return -1
}

function isAt(segment: readonly PatternUnit[], text: string, at: number): boolean {
  if (at + segment.length > text.length) return false
  for (let index = 0; index < segment.length; index += 1) {
    const unit = segment[index]
    if (unit !== ANY && unit !== text[at + index]) return false
  }
  return true
}
