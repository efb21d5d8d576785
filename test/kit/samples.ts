import {
  type GrantId,
  grantId,
  type Handle,
  position,
  RevocationIndex,
  type TokenDigest,
  type TokenFacts,
  tokenDigest,
} from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { encodeRule, type LogRow, type Rule, type Target, traitsOf } from '@rescind/core/log'
import { handleFromBytes } from '../../core/ids.ts'

/** 43 ASCII characters, like a realm's digest key. */
export const DIGEST_KEY: string = 'k'.repeat(43)
/** 2026-03-01T12:00:00.000Z. */
export const NOW_MS: number = 1_772_366_400_000
export const DAY_MS: number = 86_400_000
export const SOURCE: string = 'oauth'

/** A distinct digest per number, always the same; likewise below. */
export function digestAt(number: number): TokenDigest {
  return tokenDigest(sha256(Buffer.from(`digest ${number}`)).toString('base64url'))
}

export function handleAt(number: number): Handle {
  return handleFromBytes(sha256(Buffer.from(`handle ${number}`)).subarray(0, 16))
}

export function grantAt(number: number): GrantId {
  return grantId(`grt_${handleAt(number).slice('tok_'.length)}`)
}

/** A live token with every id that a rule can name. */
export function factsAt(number: number, over: Partial<TokenFacts> = {}): TokenFacts {
  return {
    digest: digestAt(number),
    handle: handleAt(number),
    source: SOURCE,
    subject: `subject ${number}`,
    client: `client ${number}`,
    tenant: `tenant ${number}`,
    grant: grantAt(number),
    session: `session ${number}`,
    keyId: `key ${number}`,
    ancestors: [],
    position: position(1, 5),
    issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + DAY_MS,
    ...over,
  }
}

export function tokenTarget(number: number, source: string = SOURCE): Target {
  return { kind: 'token', source, digest: digestAt(number), handle: handleAt(number) }
}

export function revoking(target: Target, keepUntilMs: number = NOW_MS + 400 * DAY_MS): Rule {
  return { kind: 'revoke', target, keepUntilMs }
}

export function rowOf(seq: number, rule: Rule, atMs: number = NOW_MS): LogRow {
  return { seq, atMs, kind: traitsOf(rule).code, rule: encodeRule(rule, DIGEST_KEY) }
}

/** An index of epoch 1 after `seq` rows without effect. */
export function indexAt(seq: number): RevocationIndex {
  const index = new RevocationIndex(DIGEST_KEY)
  index.fold(rowOf(1, { kind: 'epoch', ordinal: 1, epochId: 'e'.repeat(22), lostBelow: position(0, 0) }))
  while (index.seq < seq) fold(index, { kind: 'release', id: 'nothing' })
  return index
}

/** Folds a rule as the next row. */
export function fold(
  index: RevocationIndex,
  rule: Rule,
  atMs: number = NOW_MS,
): ReturnType<RevocationIndex['fold']> {
  return index.fold(rowOf(index.seq + 1, rule, atMs))
}
