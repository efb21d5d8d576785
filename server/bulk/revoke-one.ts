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
  type TokenDigest,
  type TokenFacts,
  type TokenRecord,
  type Verdict,
} from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { foreignIssuer, foreignSource, RawToken } from '@rescind/core/tokens'
import { judgeText, unjudgedWords } from '../judging/judge-token.ts'
import type { KeySets } from '../judging/key-sets.ts'
import { writeRules } from '../rules/write.ts'
import type { Candidate } from './find.ts'
import type { Secret, Secrets } from './secrets.ts'

/** The result for one candidate in a line, without its text. */
export type Finding = {
  readonly result:
    | ('revoked' | 'wouldRevoke' | 'already' | 'unknown' | 'notOurs' | 'credential')
    | 'otherRealm'
  /** The realm of which it is a token. */
  readonly realm?: string
  readonly handle?: string
  /** Of a refresh token: its whole grant ended with it. */
  readonly grant?: string
  readonly source?: string
  readonly subject?: string | undefined
  readonly client?: string | undefined
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
  /** Other realms that the caller's key reaches: their tokens are named, and left alone. */
  readonly others: readonly Realm[]
  readonly dryRun: boolean
  readonly act: Pick<RevokeAct, 'caller' | 'how' | 'note' | 'cause'> & { readonly why: string }
}

/** A finding, and what is known of the token that it is about. */
export type Judged = {
  readonly finding: Finding
  readonly facts?: TokenFacts
  /** Of text without a record. */
  readonly digest?: TokenDigest
}

/** How often one token is judged again after a concurrent write. */
const ATTEMPTS_MAX = 16

/** Thrown when the caller's key was revoked during the call: nothing more is done on its behalf. */
export class CallerRevoked extends Error {}

export const NOT_OURS: Finding = { result: 'notOurs' }
const UNKNOWN: Finding = { result: 'unknown' }
const NONE: Judged = { finding: NOT_OURS }

/** Judges one candidate and ends what it names; judges again after each concurrent write. */
export async function revokeOne(bulk: BulkAct, candidate: Candidate): Promise<Judged> {
  for (let lost = 0; lost < ATTEMPTS_MAX; lost += 1) {
    const judged = await attempt(bulk, candidate)
    if (judged !== 'stale') return isUnclear(judged) ? ((await inOthers(bulk, candidate)) ?? judged) : judged
    if (isRevoked(bulk.act.caller.dependency.facts, bulk.system.index)) throw new CallerRevoked()
  }
  throw new Overloaded('what this call depends on kept changing: try again')
}

async function attempt(bulk: BulkAct, candidate: Candidate): Promise<Judged | 'stale'> {
  switch (candidate.kind) {
    case 'text':
      return byText(bulk, candidate.text)
    case 'handle':
      return byHandle(bulk, candidate.handle)
    case 'foreign':
      return byPair(bulk, candidate)
  }
}

async function byText(bulk: BulkAct, text: string): Promise<Judged | 'stale'> {
  const { realm, keySets, secrets } = bulk
  const raw = RawToken.parse(text)
  if (raw === undefined) return NONE
  const { verdict, record, respelled, facts, unjudged } = await judgeText(realm, keySets, raw)
  if (record !== undefined) return endOwn(bulk, record, verdict)
  if (respelled !== undefined) return endOwn(bulk, respelled, realm.judge(respelled))
  if (unjudged !== undefined) return { finding: { ...UNKNOWN, why: unjudgedWords(unjudged) } }
  if (facts?.foreign === undefined) {
    const secret = await secrets.find(text)
    if (secret !== undefined) return { finding: { result: 'credential', ...secret } }
    const finding = realm.grammar.shapeOf(text) === 'ours' ? UNKNOWN : NOT_OURS
    return { finding, digest: raw.digest(realm.keys.digestKey) }
  }
  const pair = { issuer: foreignIssuer(facts.source), jti: facts.foreign.jti }
  return endForeign(bulk, { ...pair, presented: facts }, verdict)
}

async function byHandle(bulk: BulkAct, text: string): Promise<Judged | 'stale'> {
  const { realm } = bulk
  const handle = parseHandle(text)
  if (handle === undefined) return NONE
  const stored = await realm.store.tokenByHandle(realm.ordinal, handle)
  if (stored === undefined) return { finding: { ...UNKNOWN, handle } }
  const record = await realm.whole(stored)
  return endOwn(bulk, record, realm.judge(record))
}

/** A foreign token that is named without its text. For a registered issuer the responder's word is enough. */
async function byPair(
  bulk: BulkAct,
  pair: { readonly issuer: string; readonly jti: string },
): Promise<Judged | 'stale'> {
  const { realm } = bulk
  const entry = await realm.directory.get(ISSUERS, issuerId(pair.issuer))
  if (entry?.value.claims.jti === undefined) return NONE
  // Only ids are known, so only rules on ids can show that it has ended.
  const ended = isRevoked(unseen(pair), realm.index)
  return endForeign(bulk, pair, ended ? { kind: 'inactive', why: 'revoked' } : { kind: 'active' })
}

function unseen({ issuer, jti }: { readonly issuer: string; readonly jti: string }): TokenFacts {
  return { ...UNSEEN, source: foreignSource(issuer), foreign: { jti, skewMs: 0 } }
}

const UNSEEN = {
  ancestors: [],
  position: BEYOND_LOGS,
  issuedAtMs: Number.MAX_SAFE_INTEGER,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}

async function endOwn(bulk: BulkAct, record: TokenRecord, verdict: Verdict): Promise<Judged | 'stale'> {
  const { realm, dryRun, act } = bulk
  const { grant, source, kind } = record
  const named = namesOf(record)
  const facts = record
  if (isOver(verdict)) return { finding: { result: 'already', ...named, ...whyOf(verdict) }, facts }
  if (dryRun) return { finding: { result: 'wouldRevoke', ...named }, facts }
  // A held token is not live when the row is written, so `onlyIfLive` would fail. A second row does no harm.
  const only = verdict.kind === 'active' ? { ...act, onlyIfLive: record } : act
  const revoked =
    kind === 'refresh'
      ? await revokeGrant(realm, { source, grant }, only)
      : await revokeToken(realm, record, only)
  return revoked.kind === 'stale' ? 'stale' : { finding: { result: 'revoked', ...named }, facts }
}

/** The holder of a refresh token may have tokens made with it, so its whole grant ends. */
function namesOf({ handle, grant, source, kind, subject, client }: TokenRecord): Omit<Finding, 'result'> {
  return { handle, source, ...defined({ subject, client }), ...(kind === 'refresh' ? { grant } : {}) }
}

type ForeignPair = { readonly issuer: string; readonly jti: string; readonly presented?: TokenFacts }

async function endForeign(
  { realm, dryRun, act }: BulkAct,
  { issuer, jti, presented }: ForeignPair,
  verdict: Verdict,
): Promise<Judged | 'stale'> {
  const { subject, client } = presented ?? {}
  const named = { source: foreignSource(issuer), jti, ...defined({ subject, client }) }
  const facts = presented ?? unseen({ issuer, jti })
  if (isOver(verdict)) return { finding: { result: 'already', ...named, ...whyOf(verdict) }, facts }
  if (dryRun) return { finding: { result: 'wouldRevoke', ...named }, facts }
  const { caller, how, why, note, cause } = act
  const rules = [ruleOn(realm, { kind: 'foreign', issuer, jti }, presented)]
  const written = await writeRules(realm, { caller, rules, how, reason: why, note, cause })
  return written === 'stale' ? 'stale' : { finding: { result: 'revoked', ...named }, facts }
}

function whyOf(verdict: Verdict): { readonly why?: string } {
  return verdict.kind === 'inactive' ? { why: verdict.why } : {}
}

function isUnclear({ finding: { result } }: Judged): boolean {
  return result === 'unknown' || result === 'notOurs'
}

/** Of which other realm it is a token. Text that an app chose has no form, and is looked for in its own realm alone. */
async function inOthers(
  { others, keySets }: Pick<BulkAct, 'others' | 'keySets'>,
  candidate: Candidate,
): Promise<Judged | undefined> {
  for (const realm of others) {
    const record = await recordIn(realm, candidate)
    if (record !== undefined)
      return { finding: { result: 'otherRealm', realm: realm.name, ...namesOf(record) }, facts: record }
    if (candidate.kind !== 'text' || !candidate.text.includes('.')) continue
    const raw = RawToken.parse(candidate.text)
    const facts = raw === undefined ? undefined : (await judgeText(realm, keySets, raw)).facts
    if (facts?.foreign === undefined) continue
    const { source, subject, client, foreign } = facts
    const named = { source, jti: foreign.jti, ...defined({ subject, client }) }
    return { finding: { result: 'otherRealm', realm: realm.name, ...named }, facts }
  }
  return undefined
}

async function recordIn(realm: Realm, candidate: Candidate): Promise<TokenRecord | undefined> {
  if (candidate.kind === 'foreign') return undefined
  if (candidate.kind === 'handle') {
    const handle = parseHandle(candidate.handle)
    return handle === undefined ? undefined : realm.store.tokenByHandle(realm.ordinal, handle)
  }
  const { text } = candidate
  const raw = RawToken.parse(text)
  if (raw === undefined || !(raw.looksSigned || realm.grammar.shapeOf(text) === 'ours')) return undefined
  const { record, respelled } = await realm.findToEnd(raw)
  return record ?? respelled
}
