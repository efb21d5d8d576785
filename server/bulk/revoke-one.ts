import {
  ISSUERS,
  issuerId,
  type Realm,
  type RevokeAct,
  revokeGrant,
  revokeToken,
  ruleOn,
} from '@rescind/authority'
import {
  BEYOND_LOGS,
  isOver,
  isRevoked,
  Overloaded,
  parseHandle,
  type TokenFacts,
  type TokenRecord,
  type Verdict,
} from '@rescind/core'
import { foreignIssuer, foreignSource, RawToken } from '@rescind/core/tokens'
import { judgeText, unjudgedWords } from '../judging/judge-token.ts'
import type { KeySets } from '../judging/key-sets.ts'
import { writeRules } from '../rules/write.ts'
import type { Candidate } from './find.ts'
import type { Secret, Secrets } from './secrets.ts'

/** The result for one candidate in a line, without its text. */
export type Finding = {
  readonly result: 'revoked' | 'wouldRevoke' | 'already' | 'unknown' | 'notOurs' | 'credential'
  readonly handle?: string
  /** Of a refresh token: its whole grant ended with it. */
  readonly grant?: string
  readonly source?: string
  readonly jti?: string
  /** Why it had ended already, or why its state is unknown. */
  readonly why?: string
  /** For a secret or a key: its kind, and the call that ends it. */
  readonly credential?: Secret['credential']
  readonly endedBy?: string
}

export type BulkAct = {
  readonly realm: Realm
  /** The realm that holds the caller's key. */
  readonly system: Realm
  readonly keySets: KeySets
  readonly secrets: Secrets
  readonly dryRun: boolean
  readonly act: Pick<RevokeAct, 'caller' | 'how' | 'note'> & { readonly why: string }
}

/** How often one token is judged again after a concurrent write. */
const ATTEMPTS_MAX = 16

/** Thrown when the caller's key was revoked during the call: nothing more is done on its behalf. */
export class CallerRevoked extends Error {}

export const NOT_OURS: Finding = { result: 'notOurs' }
const UNKNOWN: Finding = { result: 'unknown' }

/** Judges one candidate and ends what it names; judges again after each concurrent write. */
export async function revokeOne(bulk: BulkAct, candidate: Candidate): Promise<Finding> {
  for (let lost = 0; lost < ATTEMPTS_MAX; lost += 1) {
    const finding = await attempt(bulk, candidate)
    if (finding !== 'stale') return finding
    if (isRevoked(bulk.act.caller.dependency.facts, bulk.system.index)) throw new CallerRevoked()
  }
  throw new Overloaded('what this call depends on kept changing: try again')
}

async function attempt(bulk: BulkAct, candidate: Candidate): Promise<Finding | 'stale'> {
  switch (candidate.kind) {
    case 'text':
      return byText(bulk, candidate.text)
    case 'handle':
      return byHandle(bulk, candidate.handle)
    case 'foreign':
      return byPair(bulk, candidate)
  }
}

async function byText(bulk: BulkAct, text: string): Promise<Finding | 'stale'> {
  const { realm, keySets, secrets } = bulk
  const raw = RawToken.parse(text)
  if (raw === undefined) return NOT_OURS
  const { verdict, record, respelled, facts, unjudged } = await judgeText(realm, keySets, raw)
  if (record !== undefined) return endOwn(bulk, record, verdict)
  if (respelled !== undefined) return endOwn(bulk, respelled, realm.judge(respelled))
  if (unjudged !== undefined) return { ...UNKNOWN, why: unjudgedWords(unjudged) }
  if (facts?.foreign === undefined) {
    const secret = await secrets.find(text)
    if (secret !== undefined) return { result: 'credential', ...secret }
    return realm.grammar.shapeOf(text) === 'ours' ? UNKNOWN : NOT_OURS
  }
  const pair = { issuer: foreignIssuer(facts.source), jti: facts.foreign.jti }
  return endForeign(bulk, { ...pair, presented: facts }, verdict)
}

async function byHandle(bulk: BulkAct, text: string): Promise<Finding | 'stale'> {
  const { realm } = bulk
  const handle = parseHandle(text)
  if (handle === undefined) return NOT_OURS
  const stored = await realm.store.tokenByHandle(realm.ordinal, handle)
  if (stored === undefined) return { ...UNKNOWN, handle }
  const record = await realm.whole(stored)
  return endOwn(bulk, record, realm.judge(record))
}

/** A foreign token that is named without its text. For a registered issuer the responder's word is enough. */
async function byPair(
  bulk: BulkAct,
  pair: { readonly issuer: string; readonly jti: string },
): Promise<Finding | 'stale'> {
  const { realm } = bulk
  const entry = await realm.directory.get(ISSUERS, issuerId(pair.issuer))
  if (entry?.value.claims.jti === undefined) return NOT_OURS
  // Only ids are known, so only rules on ids can show that it has ended.
  const named = { jti: pair.jti, skewMs: 0 }
  const facts = { ...UNSEEN, source: foreignSource(pair.issuer), foreign: named }
  const ended = isRevoked(facts, realm.index)
  return endForeign(bulk, pair, ended ? { kind: 'inactive', why: 'revoked' } : { kind: 'active' })
}

const UNSEEN = {
  ancestors: [],
  position: BEYOND_LOGS,
  issuedAtMs: Number.MAX_SAFE_INTEGER,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}

async function endOwn(bulk: BulkAct, record: TokenRecord, verdict: Verdict): Promise<Finding | 'stale'> {
  const { realm, dryRun, act } = bulk
  const { handle, grant, source, kind } = record
  // The holder of a refresh token may have tokens made with it, so its whole grant ends.
  const named = kind === 'refresh' ? { handle, source, grant } : { handle, source }
  if (isOver(verdict)) return { result: 'already', ...named, ...whyOf(verdict) }
  if (dryRun) return { result: 'wouldRevoke', ...named }
  // A held token is not live when the row is written, so `onlyIfLive` would fail. A second row does no harm.
  const only = verdict.kind === 'active' ? { ...act, onlyIfLive: record } : act
  const revoked =
    kind === 'refresh'
      ? await revokeGrant(realm, { source, grant }, only)
      : await revokeToken(realm, record, only)
  return revoked.kind === 'stale' ? 'stale' : { result: 'revoked', ...named }
}

type ForeignPair = { readonly issuer: string; readonly jti: string; readonly presented?: TokenFacts }

async function endForeign(
  { realm, dryRun, act }: BulkAct,
  { issuer, jti, presented }: ForeignPair,
  verdict: Verdict,
): Promise<Finding | 'stale'> {
  const named = { source: foreignSource(issuer), jti }
  if (isOver(verdict)) return { result: 'already', ...named, ...whyOf(verdict) }
  if (dryRun) return { result: 'wouldRevoke', ...named }
  const { caller, how, why, note } = act
  const rules = [ruleOn(realm, { kind: 'foreign', issuer, jti }, presented)]
  const written = await writeRules(realm, { caller, rules, how, reason: why, note })
  return written === 'stale' ? 'stale' : { result: 'revoked', ...named }
}

function whyOf(verdict: Verdict): { readonly why?: string } {
  return verdict.kind === 'inactive' ? { why: verdict.why } : {}
}
