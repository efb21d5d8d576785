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

/** The columns of a token, in the order in which all statements read them. */
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
 * The facts of a token that never change, as JSON. It leaves out what has its own column, and what is the same for most
 * tokens: no ancestors, and a grant named after the handle.
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

/** The source in facts that this process wrote or that were readable before an extension; hence the cast. */
export function sourceIn(facts: string): string {
  return (JSON.parse(facts) as StoredFacts).source
}

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

/**
 * The key by which the tokens of one client are listed. Only chat apps list them often enough to pay for an index. Sources
 * hold no NUL, so different pairs never share a key.
 */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return of.client === undefined || !of.source.startsWith(CHAT_SOURCES)
    ? undefined
    : `${of.source}\0${of.client}`
}

/** An unreadable token is in no list; requests that present it get 503, and the log names it. */
export function tokenOfScan(row: readonly [...TokenRow, last: number]): readonly TokenRecord[] {
  const record = readableRow([row[0], row[1], row[2], row[3], row[4], row[5]])
  return record === undefined ? [] : [record]
}
