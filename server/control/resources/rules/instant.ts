import { parseInstant } from '@rescind/core/bytes'
import { type Problem, problem } from '../../../http/problem.ts'

const OFFSET = /(?:Z|[+-]\d\d:\d\d)$/
/** Digits beyond the millisecond that are not all zero. */
const BEYOND_MS = /\.\d{3}\d*[1-9]/

/** @returns the milliseconds of an RFC 3339 instant; an instant within a millisecond counts as the end of it. */
function parseRfc3339(text: string): number | undefined {
  const ms = OFFSET.test(text) ? parseInstant(text) : undefined
  return ms === undefined || !BEYOND_MS.test(text) ? ms : ms + 1
}

type Asked = { readonly member: string; readonly text: string; readonly nowMs: number }

/** An instant that must be in the past, or now. */
export function pastInstant({ member, text, nowMs }: Asked): { readonly ms: number } | Problem {
  const ms = parseRfc3339(text)
  if (ms === undefined) return problem(422, `${member}: not an RFC 3339 instant with an offset`)
  return ms > nowMs ? problem(422, `${member}: must not be in the future`) : { ms }
}
/** An instant that must be in the future, at most `withinMs` ahead. */
export function futureInstant(
  { member, text, nowMs }: Asked,
  withinMs: number,
): { readonly ms: number } | Problem {
  const ms = parseRfc3339(text)
  if (ms === undefined) return problem(422, `${member}: not an RFC 3339 instant with an offset`)
  if (ms <= nowMs) return problem(422, `${member}: must be in the future`)
  return ms - nowMs > withinMs ? problem(422, `${member}: too far ahead`) : { ms }
}
