import { CHAT_SOURCES, readObject, STRANGE, shaped } from '@rescind/authority'
import {
  grantOf,
  NotReadable,
  parseHandle,
  type TokenFacts,
  type TokenRecord,
  tokenDigest,
} from '@rescind/core'
import { isCredentialKind } from '@rescind/core/tokens'
import { exact, isInstant } from './exact.ts'

/** The columns of a token, in the order in which every statement of ours reads them. */
export const TOKEN_COLUMNS: string = `digest, handle, ${exact('expires_at')}, ${exact('extended_at')}, facts, sealed`

export type TokenRow = readonly [
  digest: string,
  handle: string,
  expiresAt: number,
  extendedAt: number | null,
  facts: string,
  sealed: Uint8Array | null,
]

/**
 * What never changes about a token, as JSON: everything but what has a column of its own, and but for what most tokens
 * have alike: no ancestors, and a grant that is named after their handle.
 */
export function factsText(record: TokenRecord): string {
  const { grant, ancestors } = record
  return JSON.stringify({
    ...record,
    digest: undefined,
    handle: undefined,
    expiresAtMs: undefined,
    extendedAtMs: undefined,
    sealed: undefined,
    grant: grant === grantOf(record.handle) ? undefined : grant,
    ancestors: ancestors.length === 0 ? undefined : ancestors,
  })
}

type StoredFacts = Omit<
  TokenRecord,
  'digest' | 'handle' | 'expiresAtMs' | 'extendedAtMs' | 'sealed' | 'grant' | 'ancestors'
> &
  Partial<Pick<TokenRecord, 'grant' | 'ancestors'>>

/** Of facts that were written just now, or read before their token was extended; hence the cast. */
export function sourceIn(facts: string): string {
  return (JSON.parse(facts) as StoredFacts).source
}

/** What every token says of itself: whoever judges one that does not would judge it by halves. */
const IS_FACTS = shaped(
  { source: 'text', kind: 'text', position: 'whole', issuedAtMs: 'number' },
  { ancestors: 'list' },
)

function factsIn(text: string): StoredFacts | undefined {
  const facts = readObject(text)
  if (facts === undefined || !IS_FACTS(facts) || !isCredentialKind(String(facts['kind']))) return undefined
  // Written by `factsText`, hence the cast.
  return facts as StoredFacts
}

/** @throws NotReadable for a token of a newer or broken kind. */
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
  // One that ends at no time would be good for ever.
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

/**
 * The text by which tokens of one client are listed; only chat apps list them so often that an index pays for itself.
 * Sources hold no NUL, so no two pairs share one.
 */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return of.client === undefined || !of.source.startsWith(CHAT_SOURCES)
    ? undefined
    : `${of.source}\0${of.client}`
}

/** One that cannot be read is in no list; whoever presents it is answered 503, and the log names it. */
export function tokenOfScan(row: readonly [...TokenRow, last: number]): readonly TokenRecord[] {
  const record = readableRow([row[0], row[1], row[2], row[3], row[4], row[5]])
  return record === undefined ? [] : [record]
}
