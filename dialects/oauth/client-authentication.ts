import type { Entry, Realm } from '@rescind/authority'
import { sameDigest } from '@rescind/core/bytes'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, tooMany, unauthenticated } from './answers.ts'
import { basicClaims, Claim } from './basic-credentials.ts'
import type { Authenticated, AuthMethod, Call } from './call.ts'
import { callerOf } from './caller.ts'
import { ASSERTION_TYPE, assertedClient } from './client-assertion.ts'
import { OAUTH_CLIENTS, type OauthClient } from './directory.ts'
import { parameter } from './endpoint-body.ts'

type Presented =
  /** Readings of the credentials, likeliest first. The first that is right counts. */
  | { readonly kind: 'claims'; readonly claims: readonly Claim[]; readonly method: AuthMethod }
  | { readonly kind: 'assertion'; readonly text: string }
  | { readonly kind: 'named'; readonly clientId: string }
  | { readonly kind: 'refused'; readonly answer: Answer }

/**
 * Authenticates the client and goes on with `next`, or answers 400, 401 or 429. Methods (RFC 6749 §2.3, RFC 7523 §2.2):
 * Basic, secret in the body, signed assertion, or the client id alone for public clients. Two methods in one request
 * are 400 (§2.3); a `client_id` in the body that repeats the header's is not a second method.
 */
export async function asClient<R extends Answer | Stale>(
  call: Call,
  next: (authenticated: Authenticated) => Promise<R>,
): Promise<Answer | R> {
  const presented = presentedBy(call)
  if (presented.kind === 'refused') return presented.answer
  const { realm } = call
  const judgedAt = realm.position()
  let proof: Proof | undefined
  if (presented.kind === 'claims') {
    // Inline, because every introspection comes this way and one promise more can be measured.
    let isBare = true
    for (const claim of presented.claims) {
      const entry = await realm.directory.get(OAUTH_CLIENTS, claim.clientId)
      isBare &&= claim.isBare
      proof = isBare ? byName(entry) : undefined
      if (proof === undefined && holds(realm, entry, claim))
        proof = { client: entry.value, method: presented.method }
      if (proof !== undefined) break
    }
    // Count after the last await; otherwise many concurrent guesses would each count as the first.
    const waitSeconds = guessed(call, presented.claims, proof)
    if (waitSeconds > 0) return tooMany('wrong client secrets', waitSeconds)
  } else if (presented.kind === 'assertion') {
    const client = await assertedClient(call, presented.text, judgedAt)
    if (client !== undefined) proof = { client, method: 'private_key_jwt' }
  } else {
    proof = byName(await realm.directory.get(OAUTH_CLIENTS, presented.clientId))
  }
  if (proof === undefined) return unauthenticated(call.request.header('authorization') !== undefined)
  const caller = callerOf(realm, proof.client, { from: call.request.from, judgedAt })
  return await next({ ...proof, caller, judgedAt })
}

type Proof = Pick<Authenticated, 'client' | 'method'>

/** A public client is identified by its id alone, also in a Basic header without a secret. That is not a guess. */
function byName(entry: Entry<OauthClient> | undefined): Proof | undefined {
  const client = entry?.value
  return client?.isPublic === true && client.enabled ? { client, method: 'none' } : undefined
}

/** Counts wrong secrets. @returns the seconds that this caller must wait, even if its secret is right. */
function guessed(call: Call, claims: readonly Claim[], proof: Proof | undefined): number {
  if (proof?.method === 'none') return 0
  const waitSeconds = call.guesses.waitSeconds(call, claims)
  if (waitSeconds === 0 && proof === undefined) call.guesses.wrong(call, claims)
  return waitSeconds
}

function presentedBy({ request, values }: Call): Presented {
  const header = request.header('authorization')
  const clientId = parameter(values, 'client_id')
  const secret = parameter(values, 'client_secret')
  const asserted = parameter(values, 'client_assertion')
  const type = parameter(values, 'client_assertion_type')
  if (asserted !== undefined || type !== undefined) {
    if (header !== undefined || secret !== undefined) return refused('use one client authentication method')
    if (type !== ASSERTION_TYPE || asserted === undefined)
      return refused(
        'client_assertion and client_assertion_type belong together, the latter being jwt-bearer',
      )
    return { kind: 'assertion', text: asserted }
  }
  if (header !== undefined) {
    if (secret !== undefined) return refused('use one client authentication method')
    return byHeader(header, clientId)
  }
  if (secret !== undefined) {
    const claims = clientId === undefined ? [] : [new Claim(clientId, secret)]
    return { kind: 'claims', claims, method: 'client_secret_post' }
  }
  if (clientId !== undefined) return { kind: 'named', clientId }
  return { kind: 'claims', claims: [], method: 'none' }
}

function byHeader(header: string, clientId: string | undefined): Presented {
  const claims = basicClaims(header)
  const others = clientId === undefined ? [] : claims.filter((claim) => claim.clientId !== clientId)
  if (others.length > 0 && others.length === claims.length)
    return refused('two different clients in one request')
  const left = others.length === 0 ? claims : claims.filter((claim) => !others.includes(claim))
  return { kind: 'claims', claims: left, method: 'client_secret_basic' }
}

/** An unknown client costs the same comparison as a known one, so that timing does not tell them apart. */
function holds(
  realm: Realm,
  entry: Entry<OauthClient> | undefined,
  claim: Claim,
): entry is Entry<OauthClient> {
  const presented = claim.digestIn(realm)
  const { secrets, secretDigests } = entry?.value ?? UNKNOWN
  let proved = false
  if (secrets !== undefined) {
    for (const { digest, expiresAtMs } of secrets) {
      const isOver = expiresAtMs !== undefined && expiresAtMs <= realm.nowMs()
      if (sameDigest(digest, presented) && !isOver) proved = true
    }
  }
  if (secretDigests !== undefined) {
    for (const digest of secretDigests) if (sameDigest(digest, presented)) proved = true
  }
  return proved && entry !== undefined && entry.value.enabled
}

/** Equals no digest, because `!` is not base64url. */
const UNKNOWN: Pick<OauthClient, 'secrets' | 'secretDigests'> = { secretDigests: ['!'.repeat(43)] }

function refused(description: string): Presented {
  return { kind: 'refused', answer: badRequest(description) }
}
