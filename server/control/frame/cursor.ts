import { KEY_PURPOSES, type Realm, subkey } from '@rescind/authority'
import { hmacSha256, sha256Base64url } from '@rescind/core/bytes'
import { type Problem, problem } from '../../http/problem.ts'

const TAG_BYTES = 16

/**
 * A position in a list as unforgeable text. Its authentication tag covers the realm, the list and the filters, so a
 * cursor of another realm or search is refused.
 */
export type CursorOf = {
  readonly realm: Realm
  /** The list, including its filters: `revocations?reason=leak`. */
  readonly list: string
}

export function makeCursor(of: CursorOf, place: string): string {
  return Buffer.concat([tag(of, place), Buffer.from(place, 'utf8')]).toString('base64url')
}

/** @returns the place, undefined when no cursor was given, or the problem to answer. */
export function readCursor(of: CursorOf, given: string | undefined): { place: string | undefined } | Problem {
  if (given === undefined) return { place: undefined }
  const bytes = Buffer.from(given, 'base64url')
  const place = bytes.subarray(TAG_BYTES).toString('utf8')
  // Make the cursor again and compare the whole text, because one place has one text.
  if (bytes.length <= TAG_BYTES || !sameText(makeCursor(of, place), given))
    return problem(400, 'cursor: not from this list with these filters; start again without it')
  return { place }
}

function tag({ realm, list }: CursorOf, place: string): Buffer {
  const key = subkey(realm.keys.sealKey, KEY_PURPOSES.controlCursors)
  return hmacSha256(key, JSON.stringify([realm.name, list, place])).subarray(0, TAG_BYTES)
}

/** Compares digests, so the time taken does not tell how much of a forged tag is right. */
function sameText(left: string, right: string): boolean {
  return sha256Base64url(left) === sha256Base64url(right)
}
