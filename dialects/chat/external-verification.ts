import { callerFacts, type Found, isOfRegisteredIssuer, type Realm } from '@rescind/authority'
import { isRevoked, Overloaded, type Source, StoreUnavailable, type TokenFacts } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { addressShare } from '../wire/address.ts'
import type { Answer, Stale } from '../wire/answer.ts'
import { type Json, type JsonObject, parseStrictObject } from '../wire/strict-json.ts'
import { withoutBom } from '../wire/text.ts'
import { VERIFY_SKEW_MAX_SECONDS } from './app-value.ts'
import { bindText, wasEnded } from './bind.ts'
import { assignedLifetimeMaxMs } from './body.ts'
import { appKey, type ChatBounds } from './bounds.ts'
import type { Admin, Presented } from './call.ts'
import { AVATAR_URL_MAX_CHARS, type ClientPatch, NICKNAME_MAX_CHARS, parsePatch } from './client-body.ts'
import { planClient } from './client-write.ts'
import { type ChatApp, sourceOf } from './directory.ts'
import { tooMany } from './envelope.ts'
import type { ChatRates } from './rates.ts'

export type ExternalReply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Uint8Array }
  /** No usable answer: unreachable, too late, too long, or a redirect. */
  | { readonly kind: 'failed' }

/** The question to a verify URL. */
export type ExternalAsk = {
  readonly url: string
  readonly token: string
  readonly realm: string
  readonly app: string
}

/** Asks a verify URL about a token, within bounds of time and size, and never inside our own network. */
export type AskExternal = (ask: ExternalAsk) => Promise<ExternalReply>

/** A request to a verify URL under way. `from` is the address share of a caller with a public key; absent with an API key. */
type Asking = {
  readonly app: string
  readonly from: string | undefined
  readonly claimed: Promise<Claimed | undefined>
}

/** The identity behind a token, as the verify URL describes it. */
type Claimed = {
  readonly patch: ClientPatch
  readonly issuedAtMs: number | undefined
  readonly expiresAtMs: number | undefined
}

const NOT_KNOWN: Found = { verdict: { kind: 'inactive', why: 'unknown' }, record: undefined }

/**
 * Verifies tokens that only an app's own server can verify. Each is asked about once, then stored like bound text until
 * it expires, so that it can be revoked here like any other. Text revoked here is never asked about again.
 */
export class ExternalVerifier {
  readonly #ask: AskExternal
  readonly #rates: ChatRates
  readonly #bounds: ChatBounds
  /** Requests under way, so that concurrent callers with one token share one request. */
  readonly #asking: Map<string, Asking> = new Map()

  constructor(
    ask: AskExternal,
    { rates, bounds }: { readonly rates: ChatRates; readonly bounds: ChatBounds },
  ) {
    this.#ask = ask
    this.#rates = rates
    this.#bounds = bounds
  }

  /** @throws StoreUnavailable when the verify URL gives no answer: the verdict is then unknown. */
  async verify(realm: Realm, presented: Presented): Promise<Found | Answer | Stale> {
    const { who, raw, request } = presented
    const source = sourceOf(who.app.name)
    // Taken before any read, so that a revocation during the request makes the write stale.
    const judgedAt = realm.position()
    if (realm.grammar.shapeOf(raw.reveal()) !== 'foreign' || raw.looksMinted) return NOT_KNOWN
    if (await isOver(realm, presented, source)) return NOT_KNOWN
    // Its issuer's signature decides; no verify URL is shown the token.
    if (await isOfRegisteredIssuer(realm.directory, raw)) return NOT_KNOWN
    const seconds = who.byApiKey ? 0 : this.#rates.takePublic(realm, who.app, request.from)
    if (seconds > 0) return tooMany(seconds)
    const claimed = await this.#once(realm, presented)
    if (claimed === undefined) return NOT_KNOWN
    if (isBelowCutoff(realm, who.app, claimed)) return NOT_KNOWN
    const { respelled } = await realm.find(raw, source)
    // The same token with another valid signature is accepted this time, and must be verified again the next time.
    if (respelled?.client === claimed.patch.id && realm.judge(respelled).kind === 'active')
      return { verdict: realm.judge(respelled), record: respelled }
    const dependency = { realm: realm.ordinal, facts: callerFacts({ source }, judgedAt) }
    const caller = { id: `chat:${who.app.name}:verify`, from: request.from, dependency }
    const admin: Admin = { kind: 'admin', app: who.app, source, caller, judgedAt, isPublic: false }
    return keep(realm, presented, { admin, claimed })
  }

  #once(realm: Realm, { who, raw, request }: Presented): Promise<Claimed | undefined> {
    const app = appKey(realm, who.app.name)
    const key = `${app}/${raw.digest(realm.keys.digestKey)}`
    const known = this.#asking.get(key)
    if (known !== undefined) return known.claimed
    const from = who.byApiKey ? undefined : addressShare(request.from)
    if (this.#isFull(app, from)) throw new Overloaded('too many tokens of this app are being verified')
    const ask = { url: who.app.verifyUrl ?? '', token: raw.reveal(), realm: realm.name, app: who.app.name }
    const claimed = this.#ask(ask)
      .then((reply) => claimedIn(reply, { nowMs: realm.nowMs(), skewMs: skewMsOf(who.app) }))
      .finally(() => this.#asking.delete(key))
    this.#asking.set(key, { app, from, claimed })
    return claimed
  }

  /**
   * Bounds requests to the verify URL. Anybody may have a public key, so one address gets some of an app's places, and
   * all public callers together do not get the last ones.
   */
  #isFull(app: string, from: string | undefined): boolean {
    let [all, open, here] = [0, 0, 0]
    for (const asking of this.#asking.values()) {
      if (asking.app !== app) continue
      all += 1
      if (asking.from !== undefined) open += 1
      if (asking.from === from) here += 1
    }
    const { externalPerAppMax, externalPublicMax, externalPerAddressMax } = this.#bounds
    if (all >= externalPerAppMax) return true
    return from !== undefined && (open >= externalPublicMax || here >= externalPerAddressMax)
  }
}

/** Whether this text was revoked here or belongs to another source. Then the verify URL is not asked. */
async function isOver(realm: Realm, { raw }: Presented, source: Source): Promise<boolean> {
  const { record } = await realm.findToEnd(raw)
  if (record !== undefined) return record.source !== source || isRevoked(record, realm.index)
  return wasEnded(realm, raw, source)
}

/**
 * Whether a cutoff covers the token's client. The token has no position in our log, so its claimed times decide. A
 * token issued before the cutoff is over for good. One issued within the clock skew after it may be older than it
 * claims, and is refused until the skew has passed. Any cutoff covers a token without a claimed issue time.
 */
function isBelowCutoff(realm: Realm, app: ChatApp, { patch, issuedAtMs }: Claimed): boolean {
  const isHit = (atMs: number | undefined, skewMs: number): boolean => {
    const principals = { source: sourceOf(app.name), client: patch.id, subject: patch.id }
    const unplaced = { ancestors: [], position: realm.position(), expiresAtMs: 0 }
    const issued = atMs === undefined ? {} : { issuedAtMs: atMs }
    const facts: TokenFacts = { ...principals, ...unplaced, ...issued, foreign: { jti: '', skewMs } }
    return isRevoked(facts, realm.index)
  }
  if (isHit(issuedAtMs, 0)) return true
  return issuedAtMs !== undefined && isHit(Math.max(issuedAtMs, realm.nowMs()), skewMsOf(app))
}

function skewMsOf({ verifySkewSeconds = VERIFY_SKEW_MAX_SECONDS }: ChatApp): number {
  return verifySkewSeconds * 1_000
}

type Keep = { readonly admin: Admin; readonly claimed: Claimed }

async function keep(realm: Realm, presented: Presented, { admin, claimed }: Keep): Promise<Found | Stale> {
  const { raw } = presented
  const { app, caller } = admin
  const nowMs = realm.nowMs()
  const longestMs = assignedLifetimeMaxMs(realm, app)
  const endMs = claimed.expiresAtMs ?? nowMs + app.tokenLifetimeSeconds * 1_000
  const assignment = { kind: 'assignment', raw, expiresAtMs: Math.min(endMs, nowMs + longestMs) } as const
  const write = await planClient(realm, { app: app.name, caller, patch: claimed.patch })
  if (write.kind === 'refused') return NOT_KNOWN
  const act = { admin, client: claimed.patch.id, assignment, also: write.also, claims: { outside: true } }
  const bound = await bindText(realm, act)
  if (bound.kind === 'stale') return 'stale'
  // A held, revoked or foreign token, or one over the app's limits, was not stored, so it is not live.
  return bound.kind === 'refused' ? NOT_KNOWN : realm.find(raw, admin.source)
}

type Times = { readonly nowMs: number; readonly skewMs: number }

/** @returns undefined for an invalid token. @throws StoreUnavailable when the reply is not an answer. */
function claimedIn(reply: ExternalReply, { nowMs, skewMs }: Times): Claimed | undefined {
  if (reply.kind === 'failed' || reply.status >= 500 || reply.status === 429 || reply.status === 408)
    throw new StoreUnavailable('the verify URL gave no answer')
  if (reply.status !== 200) return undefined
  const members = parseStrictObject(withoutBom(reply.body))
  if (members === undefined) return undefined
  const { id, exp, iat, nbf } = members
  const [expiresAtMs, issuedAtMs] = [secondsAsMs(exp), secondsAsMs(iat)]
  if (expiresAtMs === null || issuedAtMs === null || (expiresAtMs ?? nowMs + 1) <= nowMs) return undefined
  // Not valid yet, beyond the clock skew. A token issued in the future would escape every cutoff until then.
  const [startMs, notBeforeMs] = [issuedAtMs ?? 0, secondsAsMs(nbf) ?? 0]
  if (Math.max(startMs, notBeforeMs) > nowMs + skewMs) return undefined
  const patch = parsePatch(profileIn(members, id), ['id', '_id'])
  return patch.kind === 'refused' ? undefined : { patch, expiresAtMs, issuedAtMs }
}

/** The parts of a profile that we store. Members that no client can have are ignored. */
function profileIn({ nickname, avatarUrl }: JsonObject, id: Json | undefined): JsonObject {
  return {
    ...defined({ id }),
    ...(isTextUpTo(nickname, NICKNAME_MAX_CHARS) ? { nickname } : {}),
    ...(isTextUpTo(avatarUrl, AVATAR_URL_MAX_CHARS) ? { avatarUrl } : {}),
  }
}

function isTextUpTo(value: Json | undefined, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars
}

/** @returns null for a value that is not a time. */
function secondsAsMs(value: Json | undefined): number | undefined | null {
  if (value === undefined) return undefined
  return typeof value === 'number' && value >= 0 && value < 1e11 ? Math.floor(value * 1_000) : null
}
