import type { Entry, Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import type { Answer } from '../wire/answer.ts'
import { badRequest, tooMany, unauthenticated } from './answers.ts'
import { basicClaims, Claim } from './basic-credentials.ts'
import type { Authenticated, AuthMethod, Call } from './call.ts'
import { callerOf } from './caller.ts'
import { ASSERTION_TYPE, assertedClient } from './client-assertion.ts'
import { OAUTH_CLIENTS, type OauthClient } from './directory.ts'
import { parameter } from './endpoint-body.ts'

export type Authentication = Authenticated | { readonly kind: 'refused'; readonly answer: Answer }

type Presented =
  /** Readings of what was sent, likeliest first; the first that proves itself counts. */
  | { readonly kind: 'claims'; readonly claims: readonly Claim[]; readonly method: AuthMethod }
  | { readonly kind: 'assertion'; readonly text: string }
  | { readonly kind: 'named'; readonly clientId: string }
  | { readonly kind: 'refused'; readonly answer: Answer }

/**
 * RFC 6749 §2.3 and RFC 7523 §2.2: by Basic, by body, by a signed assertion, or, for public clients, by name alone.
 * More than one method in a request is 400 (§2.3); a body that only repeats who the header speaks for is none.
 */
export async function authenticateClient(call: Call): Promise<Authentication> {
  const presented = presentedBy(call)
  if (presented.kind === 'refused') return presented
  const { realm } = call
  const judgedAt = realm.position()
  if (presented.kind === 'assertion') {
    const client = await assertedClient(call, presented.text, judgedAt)
    return settled(call, { client, method: 'private_key_jwt', judgedAt })
  }
  if (presented.kind === 'named') {
    const client = await publicClient(realm, presented.clientId)
    return settled(call, { client, method: 'none', judgedAt })
  }
  const { claims, method } = presented
  // A public client that writes a header around its name has named itself, and guessed nothing.
  const named = claims[0]?.isBare === true ? await publicAmong(realm, claims) : undefined
  if (named !== undefined) return settled(call, { client: named, method: 'none', judgedAt })
  let client: OauthClient | undefined
  for (const claim of claims) {
    const entry = await realm.directory.get(OAUTH_CLIENTS, claim.clientId)
    if (holds(realm, entry, claim)) client = entry?.value
    if (client !== undefined) break
  }
  // After the last await, or of many that come at once each would be the first.
  const waitSeconds = call.guesses.waitSeconds(call, claims)
  if (waitSeconds > 0) return { kind: 'refused', answer: tooMany('wrong client secrets', waitSeconds) }
  if (client === undefined) call.guesses.wrong(call, claims)
  return settled(call, { client, method, judgedAt })
}

async function publicClient(realm: Realm, clientId: string): Promise<OauthClient | undefined> {
  const entry = await realm.directory.get(OAUTH_CLIENTS, clientId)
  return entry?.value.isPublic === true && entry.value.enabled ? entry.value : undefined
}

/** The public client that the first readable name of credentials without a secret is of. */
async function publicAmong(realm: Realm, claims: readonly Claim[]): Promise<OauthClient | undefined> {
  for (const claim of claims) {
    if (!claim.isBare) return undefined
    const client = await publicClient(realm, claim.clientId)
    if (client !== undefined) return client
  }
  return undefined
}

type Proof = {
  readonly client: OauthClient | undefined
  readonly method: AuthMethod
  readonly judgedAt: Position
}

function settled({ request, realm }: Call, { client, method, judgedAt }: Proof): Authentication {
  if (client === undefined)
    return { kind: 'refused', answer: unauthenticated(request.header('authorization') !== undefined) }
  return {
    kind: 'client',
    client,
    method,
    caller: callerOf(realm, client, { from: request.from, judgedAt }),
    judgedAt,
  }
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
function holds(realm: Realm, entry: Entry<OauthClient> | undefined, claim: Claim): boolean {
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
