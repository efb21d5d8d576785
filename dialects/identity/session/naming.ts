import { RawToken } from '@rescind/core/tokens'
import { parseFormText } from '../../wire/form.ts'
import type { Malformed } from './credentials.ts'

/** The token that a DELETE ends: the caller's own, or the one that it names. */
export type TokenNamed = { readonly kind: 'own' } | { readonly kind: 'id'; readonly id: string } | Malformed

/** `?belongsTo=` of a GET or HEAD. */
export type BelongsTo = { readonly kind: 'belongs-to'; readonly tenantId: string | undefined } | Malformed

/**
 * The seed lists `tokenId` among the "URI parameters" without saying where; clients put it in the path. Both places are
 * accepted, and two that differ are refused. A misspelt `tokenId` is refused too, because ignoring it would turn "end
 * that token" into "end mine".
 */
export function tokenNamed(pathId: string | undefined, query: string | undefined): TokenNamed {
  const form = parseFormText(query ?? '')
  if (form.kind !== 'form') return unreadable(form)
  const misspelt = [...form.values.keys()].some((name) => name !== 'tokenId' && isLikeTokenId(name))
  if (misspelt) return malformed('Only "tokenId", so spelt, names a token.')
  const queryId = form.values.get('tokenId')
  if (pathId !== undefined && queryId !== undefined && pathId !== queryId)
    return malformed('The path and "tokenId" name two different tokens.')
  const id = pathId ?? queryId
  if (id === undefined) return { kind: 'own' }
  return isTokenText(id) ? { kind: 'id', id } : malformed('This cannot be the id of a token.')
}

/** The `belongsTo` of a GET or HEAD; there only the path names a token. */
export function belongsTo(query: string | undefined): BelongsTo {
  const form = parseFormText(query ?? '')
  if (form.kind !== 'form') return unreadable(form)
  return { kind: 'belongs-to', tenantId: form.values.get('belongsTo') }
}

/** Whether text could come in X-Auth-Token: not empty, not too long, no control characters. */
export function isTokenText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char < 0x20 || (char >= 0x7f && char <= 0x9f)) return false
  }
  return RawToken.parse(text) !== undefined
}

function isLikeTokenId(name: string): boolean {
  return name.toLowerCase().replaceAll(/[^a-z]/g, '') === 'tokenid'
}

function unreadable(form: { readonly kind: 'malformed' | 'repeated' }): Malformed {
  return malformed(form.kind === 'repeated' ? 'A query parameter is repeated.' : 'The query cannot be read.')
}

function malformed(detail: string): Malformed {
  return { kind: 'malformed', detail }
}

/** A query flag that is off by default. @returns undefined for anything but true or false. */
export function flagIn(query: string | undefined, name: string): boolean | undefined {
  const form = parseFormText(query ?? '')
  const text = form.kind === 'form' ? (form.values.get(name) ?? 'false') : ''
  return text === 'true' || text === 'false' ? text === 'true' : undefined
}

/** A query flag that is on by default, such as `include_endpoints`. */
export function isSwitchedOn(query: string | undefined, name: string): boolean {
  const form = parseFormText(query ?? '')
  return form.kind !== 'form' || form.values.get(name)?.toLowerCase() !== 'false'
}
