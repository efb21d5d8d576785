/** Tokens from their rows, in the main thread. Workers read `token-facts.ts` alone, and so start without the authority. */
import { readObject, STRANGE, shaped } from '@rescind/authority'
import { grantOf, NotReadable, parseHandle, type TokenRecord, tokenDigest } from '@rescind/core'
import { isCredentialKind } from '@rescind/core/tokens'
import { isInstant, type StoredFacts, type TokenRow } from './token-facts.ts'

/** Members that every token has; judging a token without them would be guesswork. */
const IS_FACTS = shaped(
  { source: 'text', kind: 'text', position: 'whole', issuedAtMs: 'number' },
  { ancestors: 'list' },
)

function factsIn(text: string): StoredFacts | undefined {
  const facts = readObject(text)
  if (facts === undefined || !IS_FACTS(facts) || !isCredentialKind(String(facts['kind']))) return undefined
  // `factsText` wrote it, hence the cast.
  return facts as StoredFacts
}

/** @throws NotReadable for a token that is damaged or from a newer version. */
export function recordOfRow(row: TokenRow): TokenRecord {
  const record = readableRow(row)
  if (record === undefined) throw new NotReadable(`the token ${row[1]}: ${STRANGE}`)
  return record
}

const DIGEST = /^[\w-]{43}$/

/** The same for lists and scans, which leave such a token out. */
export function readableRow([digest, handle, expiresAtMs, extendedAtMs, facts, sealed]: TokenRow):
  | TokenRecord
  | undefined {
  const [read, named] = [factsIn(facts), parseHandle(handle)]
  if (read === undefined || named === undefined || !DIGEST.test(digest)) return undefined
  // A token without a valid expiry would be valid for ever.
  if (!isInstant(expiresAtMs) || !isInstant(extendedAtMs ?? 0)) return undefined
  const { grant = grantOf(named), ancestors = [], ...rest } = read
  return {
    ...rest,
    grant,
    ancestors,
    digest: tokenDigest(digest),
    handle: named,
    expiresAtMs,
    ...(extendedAtMs === null ? {} : { extendedAtMs }),
    ...(sealed === null ? {} : { sealed }),
  }
}

/** An unreadable token is in no list; requests that present it get 503, and the log names it. */
export function tokenOfScan(row: readonly [...TokenRow, ...unknown[]]): readonly TokenRecord[] {
  const record = readableRow([row[0], row[1], row[2], row[3], row[4], row[5]])
  return record === undefined ? [] : [record]
}
