/** Characters of a pattern. */
const PATTERN_MAX_CHARS = 128

/** One character of a pattern: itself, or any. */
type PatternUnit = string | typeof ANY
const ANY: unique symbol = Symbol('any')

/**
 * A part of what `$regex` means elsewhere: text, `\` before a sign, `.` for one character, `.*` for any number of
 * them, ends of lines included, `^` first and `$` last. It is compared by walking along, never by a regular expression, so that no pattern
 * takes longer than its length times that of the text.
 */
export type Pattern = {
  readonly segments: readonly (readonly PatternUnit[])[]
  readonly fromStart: boolean
  readonly toEnd: boolean
  readonly ignoreCase: boolean
  readonly length: number
}

/** @returns undefined for a pattern that means more than this. */
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
      // A letter or digit behind it would be a class or a reference.
      if (next === undefined || /[A-Za-z0-9]/.test(next)) return undefined
      segment.push(next)
      at += 1
    } else if (char === '.') {
      if (folded[at + 1] !== '*') segment.push(ANY)
      else {
        segments.push([])
        at += 1
        // `.*?` and `.*+` are other matchings, and `.**` is none.
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
      // The leftmost place leaves the most for what follows.
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
