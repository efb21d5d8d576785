import {
  type Awaitable,
  after,
  type Caller,
  callerFacts,
  type Entry,
  type Position,
  type Realm,
  sameDigest,
} from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import { decodeFormText } from '../wire/form.ts'
import type { WireRequest } from '../wire/request.ts'
import { decodeUtf8 } from '../wire/text.ts'
import { badRequest, unauthenticated } from './answers.ts'
import { OAUTH_CLIENTS, type OauthClient } from './directory.ts'
import { type Parameters, parameter } from './endpoint-body.ts'

/** A client that has proved itself, and the position at which it was judged. */
export type Authenticated = {
  readonly kind: 'client'
  readonly client: OauthClient
  readonly caller: Caller
  readonly basis: Position
}
export type Authentication = Authenticated | { readonly kind: 'refused'; readonly answer: Answer }

type Claim = { readonly clientId: string; readonly secret: string }
type Presented =
  /** Readings of what was sent, likeliest first; the first that proves itself counts. */
  | { readonly kind: 'claims'; readonly claims: readonly Claim[]; readonly byHeader: boolean }
  | { readonly kind: 'refused'; readonly answer: Answer }

/**
 * RFC 6749 §2.3.1, by Basic or by body. Basic credentials come form-encoded, as the RFC says, and raw, as many
 * clients send them: both readings are tried, raw first. More than one method in a request is 400 (§2.3).
 */
export function authenticateClient(
  realm: Realm,
  request: WireRequest,
  values: Parameters,
): Awaitable<Authentication> {
  const presented = presentedBy(request, values)
  if (presented.kind === 'refused') return presented
  const basis = realm.basis()
  return prove(realm, presented.claims, (client) => {
    if (client === undefined) return { kind: 'refused', answer: unauthenticated(presented.byHeader) }
    const facts = callerFacts({ source: 'oauth', client: client.clientId }, basis)
    const caller = {
      id: `oauth:${client.clientId}`,
      from: request.from,
      standing: { realm: realm.ordinal, facts },
    }
    return { kind: 'client', client, caller, basis }
  })
}

function presentedBy(request: WireRequest, values: Parameters): Presented {
  const header = request.header('authorization')
  const clientId = parameter(values, 'client_id')
  const secret = parameter(values, 'client_secret')
  if (header === undefined) {
    const claims = clientId === undefined || secret === undefined ? [] : [{ clientId, secret }]
    return { kind: 'claims', claims, byHeader: false }
  }
  if (secret !== undefined || values.has('client_assertion'))
    return refused('use one client authentication method')
  const claims = basicClaims(header)
  // A body that only repeats who the header speaks for is no second method.
  const others = clientId === undefined ? [] : claims.filter((claim) => claim.clientId !== clientId)
  if (others.length > 0 && others.length === claims.length)
    return refused('two different clients in one request')
  return { kind: 'claims', claims: claims.filter((claim) => !others.includes(claim)), byHeader: true }
}

/** @returns no claims for anything but well-formed Basic credentials. */
function basicClaims(header: string): readonly Claim[] {
  if (header.slice(0, 6).toLowerCase() !== 'basic ') return []
  const bytes = Buffer.from(header.slice(6), 'base64')
  // Some clients (authlib) send raw credentials in Latin-1. Bytes that are UTF-8 are never read so.
  const text = decodeUtf8(bytes) ?? bytes.toString('latin1')
  const split = text.indexOf(':')
  if (split < 0) return []
  const raw = { clientId: text.slice(0, split), secret: text.slice(split + 1) }
  if (!text.includes('%') && !text.includes('+')) return [raw]
  const clientId = decodeFormText(raw.clientId)
  const secret = decodeFormText(raw.secret)
  return clientId === undefined || secret === undefined ? [raw] : [raw, { clientId, secret }]
}

type Proved = (client: OauthClient | undefined) => Authentication

function prove(realm: Realm, claims: readonly Claim[], next: Proved): Awaitable<Authentication> {
  const [claim, ...rest] = claims
  if (claim === undefined) return next(undefined)
  return after(realm.directory.get(OAUTH_CLIENTS, claim.clientId), (entry) =>
    holds(realm, entry, claim.secret) && entry !== undefined ? next(entry.value) : prove(realm, rest, next),
  )
}

/** An unknown client costs the same comparison as a known one. */
function holds(realm: Realm, entry: Entry<OauthClient> | undefined, secret: string): boolean {
  const presented = realm.secretDigest(secret)
  let proved = false
  for (const digest of entry?.value.secretDigests ?? [NO_DIGEST])
    if (sameDigest(digest, presented)) proved = true
  return proved && entry !== undefined && entry.value.enabled
}

/** Equal to no digest: it holds a character that base64url has not. */
const NO_DIGEST = '!'.repeat(43)

function refused(description: string): Presented {
  return { kind: 'refused', answer: badRequest(description) }
}
