import { sha256Base64url } from '@rescind/core/bytes'

/**
 * The value under which records are listed by a name, so that a name is found in any case. Hashed, because names may be
 * longer than an index takes.
 */
export function foldedName(name: string): string {
  return sha256Base64url(name.normalize('NFC').toLowerCase())
}
