import { EXPIRING_KINDS } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { type JsonObject, sha256Base64url } from '@rescind/core/bytes'
import {
  audienceOf,
  candidateKeys,
  foreignKeys,
  numericDateMs,
  type ParsedJws,
  parseJws,
  SIGNATURE_ALGORITHMS,
  type VerificationKey,
  verifyJws,
} from '@rescind/core/tokens'
import type { Call } from './call.ts'
import { callerOf } from './caller.ts'
import { OAUTH_CLIENTS, type OauthClient } from './directory.ts'
import { parameter } from './endpoint-body.ts'

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * RFC 7523 does not define `typ`; its successor asks for `client-authentication+jwt`. Other types are JWTs made for
 * another purpose.
 */
const TYPES: ReadonlySet<string | undefined> = new Set([undefined, 'jwt', 'client-authentication+jwt'])
/** How far a client's clock may be ahead of ours. */
const SKEW_MS = 60_000
/** Longest life of an assertion; we remember its `jti` for as long. */
const LIFE_MAX_MS = 3_660_000
const JTI_MAX = 256
/** Kind of the expiring entries for spent assertions. */
const SPENT = EXPIRING_KINDS.oauthAssertion

/**
 * `private_key_jwt` (RFC 7523 §2.2, §3): the client whose key signed the assertion. @returns undefined if anything is
 * wrong with it or if it was presented before. The caller is not told which.
 */
export async function assertedClient(
  call: Call,
  text: string,
  judgedAt: Position,
): Promise<OauthClient | undefined> {
  const jws = parseJws(text)
  // §3: for client authentication both issuer and subject are the client.
  const clientId = jws?.claims.sub
  const named = parameter(call.values, 'client_id')
  if (jws === undefined || typeof clientId !== 'string' || jws.claims.iss !== clientId) return undefined
  if (!TYPES.has(jws.typ) || (named !== undefined && named !== clientId)) return undefined
  const client = (await call.realm.directory.get(OAUTH_CLIENTS, clientId))?.value
  if (client === undefined || !client.enabled || !isSignedBy(jws, client)) return undefined
  const endsAtMs = endOf(call, jws.claims, client)
  return endsAtMs === undefined ? undefined : spend({ call, client, judgedAt }, jws.claims.jti, endsAtMs)
}

const imported: WeakMap<JsonObject, readonly VerificationKey[]> = new WeakMap()

/**
 * A client's keys, imported once per version of its record. A key without `alg` is tried with every supported algorithm
 * that fits its type.
 */
function keysOf({ jwks }: OauthClient): readonly VerificationKey[] {
  if (jwks === undefined) return []
  const known = imported.get(jwks)
  if (known !== undefined) return known
  const keys = foreignKeys(jwks, SIGNATURE_ALGORITHMS) ?? []
  imported.set(jwks, keys)
  return keys
}

function isSignedBy(jws: ParsedJws, client: OauthClient): boolean {
  return candidateKeys(jws, keysOf(client)).some((key) => verifyJws(jws, key))
}

/** @returns when the assertion expires; undefined if it is not for us or not valid now. */
function endOf(call: Call, claims: JsonObject, client: OauthClient): number | undefined {
  const nowMs = call.realm.nowMs()
  const [endsAtMs, startsAtMs, issuedAtMs] = [claims.exp, claims.nbf ?? 0, claims.iat ?? 0].map(numericDateMs)
  if (endsAtMs === undefined || startsAtMs === undefined || issuedAtMs === undefined) return undefined
  if (endsAtMs <= nowMs || endsAtMs > nowMs + LIFE_MAX_MS) return undefined
  if (startsAtMs > nowMs + SKEW_MS || issuedAtMs > nowMs + SKEW_MS) return undefined
  return isMeantForUs(call, claims, client) ? endsAtMs : undefined
}

/**
 * The audience must be the issuer alone. With a list or an endpoint's URL, another server that the client talks to
 * could present the assertion here. `assertionAudience: 'endpoint'` allows it for a client, and every use is logged.
 */
function isMeantForUs(call: Call, { aud }: JsonObject, client: OauthClient): boolean {
  if (aud === call.issuer) return true
  if (client.assertionAudience !== 'endpoint') return false
  const ours = [call.issuer, call.url, `${call.issuer}/auth/token`]
  const isOurs = (audienceOf(aud) ?? []).some((one) => ours.includes(one))
  if (isOurs) {
    const { realm, request } = call
    const of = { realm: realm.name, client: client.clientId, from: request.from }
    call.options.onNotice?.({ event: 'loose-assertion-audience', ...of })
  }
  return isOurs
}

type Spending = { readonly call: Call; readonly client: OauthClient; readonly judgedAt: Position }

/** §3 (jti): the entry is durable before the request goes on, so that neither a restart nor another node accepts it again. */
async function spend(
  { call, client, judgedAt }: Spending,
  jti: unknown,
  endsAtMs: number,
): Promise<OauthClient | undefined> {
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_MAX) return undefined
  if (call.once.assertionSpent) return client
  const { realm, request } = call
  const id = sha256Base64url(`${client.clientId}\0${jti}`)
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [callerOf(realm, client, { from: request.from, judgedAt }).dependency],
    expects: [],
    operations: [
      {
        kind: 'put-expiring',
        entry: { kind: SPENT, id, value: new Uint8Array(0), expiresAtMs: endsAtMs },
        unlessAliveAtMs: realm.nowMs(),
      },
    ],
  })
  if (outcome.kind !== 'applied') return undefined
  call.once.assertionSpent = true
  return client
}
