import type { Answer, WireRequest } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'

/** A record's version as an entity tag; strong, RFC 9110 §8.8.3. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/**
 * Checks If-Match against a record's version. @returns the problem to answer if the caller has seen another version.
 * Undefined means go on, also without the header, because the guard is optional.
 */
export function unlessMatches(request: WireRequest, version: number): Problem | undefined {
  const header = request.header('if-match')
  if (header === undefined || header.trim() === '*' || listed(header, version)) return undefined
  return problem(412, 'If-Match: the record has changed; read it again', { etag: etagOf(version) })
}

/** Whether If-None-Match says that the caller already has this version: 304. */
export function isKnown(request: WireRequest, version: number): boolean {
  const header = request.header('if-none-match')
  return header !== undefined && (header.trim() === '*' || listed(header.replaceAll('W/', ''), version))
}

/** RFC 9110 §15.4.5: a 304 has the ETag and the Cache-Control that the 200 would have. */
export function notModified(version: number): Answer {
  return { status: 304, headers: { etag: etagOf(version), 'cache-control': 'no-store' }, body: '' }
}

function listed(header: string, version: number): boolean {
  return header.split(',').some((tag) => tag.trim() === etagOf(version))
}
