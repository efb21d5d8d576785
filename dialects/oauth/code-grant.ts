import {
  callerFacts,
  EXPIRING_KINDS,
  type ExpiringEntry,
  type IssueAct,
  type Issued,
  issueTokens,
  mintText,
  type Realm,
  readValue,
  shaped,
} from '@rescind/authority'
import {
  type GrantId,
  grantOf,
  isEndedByRule,
  isSuspended,
  mintHandle,
  type TokenRecord,
} from '@rescind/core'
import { defined, formatInstant, sameDigest, sha256Base64url } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, invalidGrant, refusalAnswer, suspended } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import { type OauthClient, refreshLifetimeSeconds } from './directory.ts'
import { endedAnswer, endGrant } from './ended-grants.ts'
import { parameter } from './endpoint-body.ts'
import { grantEndMs, grantedAtMs, isGrantOver, isHeldAlone } from './grant-life.ts'
import { issueAnswer, mintingOf, tooLong, wrongTarget } from './issuing.ts'
import { scopeTokens } from './scopes.ts'
import { audienceMember, targetsInGrant } from './targets.ts'
import { accessToken, type Family, type GrantAudit, grantRows, tokenPair } from './tokens.ts'

/** RFC 6749 §4.1.2 allows ten minutes; a redirect takes seconds. */
export const CODE_LIFETIME_SECONDS = 60
/** RFC 7636 §4.2: SHA-256 in base64url. */
export const CHALLENGE: RegExp = /^[A-Za-z0-9_-]{43}$/
/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/
/** Kind of the expiring entries that remember used codes after their records are collected. */
const USED = EXPIRING_KINDS.oauthUsedCode

type CodeClaims = { readonly redirectUri: string; readonly codeChallenge: string }
type Used = Partial<CodeClaims> & {
  readonly client: string
  readonly grant: GrantId
  readonly token: string
  readonly usedAt: string
}

const IS_USED = shaped({ client: 'text', grant: 'text', token: 'text', usedAt: 'text' })

export type CodeIntent = Pick<Family, 'subject' | 'scope' | 'audience'> &
  CodeClaims &
  GrantAudit & { readonly client: OauthClient }

/** Issues a code for a login that happened elsewhere, bound to client, redirect URI and challenge. */
export async function startCode(
  realm: Realm,
  act: Pick<IssueAct, 'judgedAt' | 'caller'>,
  { client, redirectUri, codeChallenge, subject, scope, audience, audit }: CodeIntent,
): Promise<{ readonly issued: Issued; readonly code: RawToken; readonly expiresInSeconds: number }> {
  const raw = mintText(realm.grammar.prefixes.code, realm.random)
  const claims: CodeClaims = { redirectUri, codeChallenge }
  const handle = mintHandle(realm.random)
  const grant = grantOf(handle)
  const nowMs = realm.nowMs()
  const expiresAtMs = realm.lifetimes.within(nowMs + CODE_LIFETIME_SECONDS * 1_000, nowMs)
  const issued = await issueTokens(realm, {
    ...act,
    tokens: [
      {
        ...{ raw, handle, grant },
        kind: 'code',
        source: 'oauth',
        client: client.clientId,
        subject,
        scope,
        ...defined({ audience }),
        ...(audit === undefined ? {} : { mintedBy: audit.by }),
        claims,
        expiresAtMs,
      },
    ],
    also: grantRows(realm, grant, audit),
  })
  return { issued, code: raw, expiresInSeconds: Math.floor((expiresAtMs - nowMs) / 1_000) }
}

/** What a request must present beside the code. */
type Proof = { readonly redirectUri: string; readonly verifier: string }

/**
 * RFC 6749 §4.1.3 and RFC 7636 §4.5: exchanges a code for tokens, once. Client, redirect URI and verifier are checked
 * before the code has any effect. Codes leak through referrers and logs; a holder of the code alone must neither learn
 * its state nor end what its owner got for it.
 */
export async function redeemCode(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const [text, redirectUri] = [parameter(call.values, 'code'), parameter(call.values, 'redirect_uri')]
  const verifier = parameter(call.values, 'code_verifier')
  if (text === undefined) return badRequest('code is required')
  if (redirectUri === undefined) return badRequest('redirect_uri is required')
  if (verifier === undefined) return badRequest('code_verifier is required')
  const raw = RawToken.parse(text)
  if (raw === undefined) return invalidGrant()
  const proof = { redirectUri, verifier }
  const { verdict, record } = await call.realm.find(raw, 'oauth')
  if (record === undefined) return perhapsCollected(call, authenticated, { raw, proof })
  if (record.kind !== 'code' || record.client !== authenticated.client.clientId) return invalidGrant()
  // Only `startCode` writes these claims.
  if (!isProved(proof, record.claims as CodeClaims)) return invalidGrant()
  if (verdict.kind === 'unknown') return refusalAnswer({ kind: 'outage' })
  if (verdict.kind === 'active') return redeem(call, authenticated, record)
  if (isEndedByRule(verdict)) return endedAnswer(call.realm, record.grant)
  const unused = isHeldAlone(call.realm, { verdict, record }) ? suspended() : invalidGrant()
  return perhapsCollected(call, authenticated, { raw, proof, unused })
}

/** @param claims entries of an earlier version lack these members; a missing member proves nothing. */
function isProved({ redirectUri, verifier }: Proof, claims: Partial<CodeClaims>): boolean {
  const { codeChallenge } = claims
  if (codeChallenge === undefined || !VERIFIER.test(verifier)) return false
  return sameDigest(sha256Base64url(verifier), codeChallenge) && redirectUri === claims.redirectUri
}

async function redeem(
  call: Call,
  authenticated: Authenticated,
  record: TokenRecord,
): Promise<Answer | Stale> {
  const { realm } = call
  const { client } = authenticated
  const { grant, subject = client.clientId } = record
  const [beganAtMs, nowMs] = [grantedAtMs(record), realm.nowMs()]
  const endsAtMs = grantEndMs(client, beganAtMs)
  if (isGrantOver(endsAtMs, nowMs)) return invalidGrant()
  // Scopes taken from the client since the login are not granted.
  const scope = scopeTokens(record.scope)
    .filter((token) => client.scopes.includes(token))
    .join(' ')
  // RFC 8707 §2.2: the access token may be for some of the targets; the grant keeps all of them.
  const targets = targetsInGrant(call.lists, client, record.audience)
  if (targets.kind === 'refused') return wrongTarget(authenticated)
  const began = { grant, grantedAtMs: beganAtMs, endsAtMs, mintedBy: record.mintedBy }
  const family: Family = { subject, scope, ...began, ...audienceMember(targets.audience) }
  const used: Used = {
    ...(record.claims as CodeClaims),
    client: client.clientId,
    grant,
    token: record.handle,
    usedAt: formatInstant(nowMs),
  }
  const entry: ExpiringEntry = {
    kind: USED,
    id: record.digest,
    value: Buffer.from(JSON.stringify(used), 'utf8'),
    expiresAtMs: nowMs + refreshLifetimeSeconds(client) * 1_000,
  }
  const minting = mintingOf(call, authenticated)
  const more = { consume: record, also: [{ kind: 'put-expiring', entry }] as const }
  if (!client.grantTypes.includes('refresh_token')) {
    const access = await accessToken(minting, family)
    return access === undefined
      ? tooLong()
      : issueAnswer(call, authenticated, { texts: { access, scope }, more })
  }
  const pair = await tokenPair(minting, family, { scope, ...audienceMember(record.audience) })
  return pair === undefined
    ? tooLong()
    : issueAnswer(call, authenticated, { texts: { ...pair, scope }, more })
}

/** `unused` is the answer for a code that was never used. */
type Over = { readonly raw: RawToken; readonly proof: Proof; readonly unused?: Answer }

/** Handles a code that is over. If it was used before, this is reuse, which ends what it brought (§4.1.2). */
async function perhapsCollected(
  call: Call,
  authenticated: Authenticated,
  { raw, proof, unused = invalidGrant() }: Over,
): Promise<Answer | Stale> {
  const { realm } = call
  const id = raw.digest(realm.keys.digestKey)
  const entry = await realm.store.expiring(realm.ordinal, { kind: USED, id })
  if (entry === undefined) return unused
  const used = readValue<Used>(entry.value, 'a code that was used', IS_USED)
  if (used.client !== authenticated.client.clientId || !isProved(proof, used)) return invalidGrant()
  const { grant, token, usedAt } = used
  const of = callerFacts({ source: 'oauth', client: used.client }, realm.position())
  const verdict = realm.judge({ ...of, grant })
  // A hold may be released later, so reuse under a hold still counts.
  if (verdict.kind !== 'active' && !isSuspended(verdict)) return endedAnswer(realm, grant)
  const detectedAt = formatInstant(realm.nowMs())
  const cause = { code: 'authorization_code_reuse', token, grant, usedAt, detectedAt }
  return endGrant(call, authenticated, { grant, cause })
}
