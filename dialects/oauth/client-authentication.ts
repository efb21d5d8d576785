import type { Entry, Realm } from '@rescind/authority'
import { type Awaitable, after, type Position } from '@rescind/core'
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
export function authenticateClient(call: Call): Awaitable<Authentication> {
  const presented = presentedBy(call)
  if (presented.kind === 'refused') return presented
  const { realm } = call
  const basis = realm.basis()
  switch (presented.kind) {
    case 'claims':
      // A public client that writes a header around its name has named itself, and guessed nothing.
      return after(publicAmong(realm, presented.claims), (client) =>
        client === undefined
          ? bySecret(call, presented, basis)
          : settled(call, { client, method: 'none', basis }),
      )
    case 'assertion': {
      const proved = assertedClient(call, presented.text, basis)
      return after(proved, (client) => settled(call, { client, method: 'private_key_jwt', basis }))
    }
    case 'named':
      return after(publicClient(realm, presented.clientId), (client) =>
        settled(call, { client, method: 'none', basis }),
      )
  }
}

function publicClient(realm: Realm, clientId: string): Awaitable<OauthClient | undefined> {
  return after(realm.directory.get(OAUTH_CLIENTS, clientId), (entry) =>
    entry?.value.isPublic === true && entry.value.enabled ? entry.value : undefined,
  )
}

/** The public client that the first readable name of credentials without a secret is of. */
function publicAmong(realm: Realm, claims: readonly Claim[]): Awaitable<OauthClient | undefined> {
  const [claim] = claims
  if (claim === undefined || !claim.isBare) return undefined
  return after(publicClient(realm, claim.clientId), (client) => client ?? publicAmong(realm, claims.slice(1)))
}

type Presenting = Extract<Presented, { readonly kind: 'claims' }>

function bySecret(call: Call, { claims, method }: Presenting, basis: Position): Awaitable<Authentication> {
  return prove(call.realm, claims, (client) => {
    // After the last await, or of many that come at once each would be the first.
    const waitSeconds = call.guesses.waitSeconds(call, claims)
    if (waitSeconds > 0) return { kind: 'refused', answer: tooMany('wrong client secrets', waitSeconds) }
    if (client === undefined) call.guesses.wrong(call, claims)
    return settled(call, { client, method, basis })
  })
}

type Proof = {
  readonly client: OauthClient | undefined
  readonly method: AuthMethod
  readonly basis: Position
}

function settled({ request, realm }: Call, { client, method, basis }: Proof): Authentication {
  if (client === undefined)
    return { kind: 'refused', answer: unauthenticated(request.header('authorization') !== undefined) }
  return {
    kind: 'client',
    client,
    method,
    caller: callerOf(realm, client, { from: request.from, basis }),
    basis,
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

type Proved = (client: OauthClient | undefined) => Authentication

function prove(realm: Realm, claims: readonly Claim[], next: Proved): Awaitable<Authentication> {
  const claim = claims[0]
  if (claim === undefined) return next(undefined)
  return after(realm.directory.get(OAUTH_CLIENTS, claim.clientId), (entry) =>
    holds(realm, entry, claim) && entry !== undefined
      ? next(entry.value)
      : prove(realm, claims.slice(1), next),
  )
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
