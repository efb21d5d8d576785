import { decodePercent } from './text.ts'

/** Longest path in characters that we parse. Tokens of 8 KB, percent-encoded, do not fit: they do not come by path. */
const PATH_MAX = 4_096

/**
 * Splits a path at its slashes and then decodes the segments, so that an encoded slash stays inside its segment. Drops
 * one trailing slash.
 * @returns undefined for a broken escape, NUL, an empty segment or a path that is too long; the dialect answers its own
 * 400.
 */
export function splitPath(path: string): readonly string[] | undefined {
  if (!path.startsWith('/') || path.length > PATH_MAX) return undefined
  const raw = path.slice(1).split('/')
  if (raw.length > 1 && raw.at(-1) === '') raw.pop()
  const segments: string[] = []
  for (const part of raw) {
    const decoded = decodePercent(part)
    if (decoded === undefined || (decoded === '' && raw.length > 1)) return undefined
    segments.push(decoded)
  }
  return segments
}
