import { decodePercent } from './text.ts'

/** Characters of the longest path that is looked at: a token of 8 KB, percent-encoded, does not come by path. */
const PATH_MAX = 4_096

/**
 * A path split at its slashes and only then decoded, so that an encoded slash stays inside its segment. One trailing
 * slash is taken off where something precedes it. @returns undefined for a broken escape, NUL, an empty segment, or
 * a path that is too long; the dialect answers its own 400.
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
