import { type Entry, ISSUERS, type IssuerValue, issuerId, type Realm } from '@rescind/authority'
import {
  type Credential,
  StoreUnavailable,
  type TokenFacts,
  type TokenRecord,
  type Verdict,
} from '@rescind/core'
import {
  claimedJti,
  credentialOf,
  type ForeignRefused,
  type ParsedJws,
  parseJws,
  type RawToken,
  readForeign,
} from '@rescind/core/tokens'
import type { KeySets } from './key-sets.ts'

/** What is known about a token's text: its facts, if we know or can prove the token, and the verdict. */
export type JudgedText = {
  readonly verdict: Verdict
  /** Also set for a token that has ended; absent when nothing proves that it is a token. */
  readonly facts?: TokenFacts
  /** What it may be used as; set whenever `facts` is. */
  readonly credential?: Credential
  /** Set for a token of ours. */
  readonly record?: TokenRecord
  /** As `Found.respelled`: for rules, which may name a token by any spelling of it. */
  readonly respelled?: TokenRecord
  /** Why text that claims a registered issuer is no token of that issuer. */
  readonly refused?: ForeignRefused
  /** Why the token cannot be judged now: the issuer's keys are unavailable. */
  readonly unjudged?: Unjudged
}

/** Claims of a token that cannot be judged. `jti` is absent when its claim is no id. */
export type Unjudged = { readonly issuer: string; readonly jti: string | undefined }

const MALFORMED: JudgedText = { verdict: { kind: 'inactive', why: 'malformed' } }
const UNKNOWN: JudgedText = { verdict: { kind: 'inactive', why: 'unknown' } }
/**
 * Advice for operators who present such a token. Its claims are unproved, but it can still be revoked by issuer and
 * `jti`.
 */
export function unjudgedWords({ issuer, jti }: Unjudged): string {
  const way =
    jti === undefined
      ? 'its ids cannot be read either'
      : `the target ${JSON.stringify({ issuer, jti })} revokes it without them`
  return `it cannot be judged now, because the keys of its issuer ${issuer} are unavailable; ${way}`
}

/** The issuer's keys are unavailable, so the state is unknown; "inactive" would be a guess. */
function keysAway(jws: ParsedJws, value: IssuerValue): JudgedText {
  const unjudged = { issuer: value.issuer, jti: claimedJti(jws, value) }
  return { verdict: { kind: 'unknown', why: 'stale' }, unjudged }
}
/** How often an issuer's record may change during one judgement. */
const ATTEMPTS_MAX = 3

/**
 * Judges any text of a realm: tokens of all its sources, signed ones of ours, and those of registered issuers.
 * @throws StoreUnavailable when the state cannot be known.
 */
export async function judgeText(realm: Realm, keySets: KeySets, raw: RawToken): Promise<JudgedText> {
  const { verdict, record, respelled } = await realm.find(raw)
  if (record !== undefined) return { verdict, facts: record, credential: credentialOf(record), record }
  if (respelled !== undefined) return { verdict, respelled }
  if (!raw.looksSigned) return realm.grammar.shapeOf(raw.reveal()) === 'broken' ? MALFORMED : { verdict }
  const jws = parseJws(raw.reveal())
  if (jws === undefined) return MALFORMED
  return judgeForeign(realm, keySets, jws)
}

async function judgeForeign(realm: Realm, keySets: KeySets, jws: ParsedJws): Promise<JudgedText> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const entry = await registered(realm, jws)
    if (entry === undefined) return UNKNOWN
    const keys = await keySets.keysOf(realm.name, entry.value)
    if (keys === undefined) return keysAway(jws, entry.value)
    const question = { jws, issuer: entry.value, nowMs: realm.nowMs() }
    let read = readForeign({ ...question, keys })
    if (read.kind === 'refused' && read.why === 'unknown-key' && entry.value.jwksUrl !== undefined) {
      const newer = await keySets.newerKeysOf(realm.name, entry.value)
      if (newer === undefined) return keysAway(jws, entry.value)
      read = readForeign({ ...question, keys: newer })
    }
    // The issuer's terms may have changed while its keys were fetched.
    if ((await registered(realm, jws))?.version !== entry.version) continue
    if (read.kind === 'refused') return { ...(FORM.has(read.why) ? MALFORMED : UNKNOWN), refused: read.why }
    const { facts, credential } = read
    return { verdict: realm.judge(facts), facts, credential }
  }
  throw new StoreUnavailable('what is agreed with an issuer changed again and again')
}

const FORM: ReadonlySet<ForeignRefused> = new Set(['claims', 'lifetime'])

async function registered(
  { directory }: Realm,
  { claims }: ParsedJws,
): Promise<Entry<IssuerValue> | undefined> {
  if (typeof claims.iss !== 'string') return undefined
  const entry = await directory.get(ISSUERS, issuerId(claims.iss))
  return entry?.value.enabled === true ? entry : undefined
}
