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
  /** Readings of what was sent, likeliest first; the first that proves itself counts. */
  | { readonly kind: 'claims'; readonly claims: readonly Claim[]; readonly method: AuthMethod }
  | { readonly kind: 'assertion'; readonly text: string }
  | { readonly kind: 'named'; readonly clientId: string }
  | { readonly kind: 'refused'; readonly answer: Answer }

/**
 * Goes on as the client that has proved itself, or answers 400, 401 or 429. RFC 6749 §2.3 and RFC 7523 §2.2: by Basic,
 * by body, by a signed assertion, or, for public clients, by name alone. More than one method in a request is 400
 * (§2.3); a body that only repeats who the header speaks for is none.
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
    // Not in a function of its own: every introspection comes this way, and each promise less shows in what it takes.
    let isBare = true
    for (const claim of presented.claims) {
      const entry = await realm.directory.get(OAUTH_CLIENTS, claim.clientId)
      isBare &&= claim.isBare
      proof = isBare ? byName(entry) : undefined
      if (proof === undefined && holds(realm, entry, claim))
        proof = { client: entry.value, method: presented.method }
      if (proof !== undefined) break
    }
    // After the last await, or of many that come at once each would be the first.
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

/** A public client is known by its name alone, also where it writes a header around it: it has guessed nothing. */
function byName(entry: Entry<OauthClient> | undefined): Proof | undefined {
  const client = entry?.value
  return client?.isPublic === true && client.enabled ? { client, method: 'none' } : undefined
}

/** Counts wrong secrets. @returns the seconds that this caller, right or wrong, has to wait before it is heard. */
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

/** An unknown client costs the same comparison as a known one. */
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

/** Equal to no digest: it holds a character that base64url has not. */
const UNKNOWN: Pick<OauthClient, 'secrets' | 'secretDigests'> = { secretDigests: ['!'.repeat(43)] }

function refused(description: string): Presented {
  return { kind: 'refused', answer: badRequest(description) }
}
