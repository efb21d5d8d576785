import { formatInstant, instantOf } from '../bytes/iso-date.ts'
import type { Json } from '../bytes/strict-json.ts'
import { ordinalOf, type Position, seqOf } from '../position.ts'
import type { Ancestor, TokenFacts } from '../records.ts'
import type { Credential } from '../verdict/admit.ts'
import { foreignIssuer } from './foreign-source.ts'

type Names = {
  readonly source: string
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly tenant?: string | undefined
}

/** What a rule can name of an ancestor. */
type AncestorJson = NamedJson & {
  readonly handle?: string | undefined
  readonly grant?: string | undefined
  readonly session?: string | undefined
  readonly keyId?: string | undefined
  readonly position?: PositionJson | undefined
  readonly issuedAt?: string | undefined
  readonly expiresAt: string
}

/** Only for tokens of foreign issuers. */
type ForeignJson = {
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly skewSeconds?: number | undefined
  readonly authenticatedAt?: string | undefined
}

type NamedJson = Names & ForeignJson

/** Epoch ordinal and seq. */
export type PositionJson = [ordinal: number, seq: number]

/**
 * A token's facts as the control API shows them: everything that a verdict is based on, so that a verifier can judge again
 * whenever a rule arrives. It never holds the text; the digest is keyed and grants nothing.
 */
export type FactsJson = NamedJson & {
  readonly handle?: string | undefined
  readonly digest?: string | undefined
  readonly kind?: string | undefined
  readonly grant?: string | undefined
  readonly session?: string | undefined
  readonly keyId?: string | undefined
  readonly ancestors: AncestorJson[]
  /** The position at which it was issued; absent for tokens of foreign issuers. */
  readonly position?: PositionJson | undefined
  readonly issuedAt?: string | undefined
  readonly expiresAt: string
  readonly notBefore?: string | undefined
  readonly scope?: string | undefined
  readonly audience?: string[] | undefined
  /** What it may be used as; also in facts of foreign tokens, from the claims that their issuer signed. */
  readonly scopes?: string[] | undefined
  readonly typ?: string | undefined
  readonly cnf?: Record<string, Json> | undefined
  readonly delegated?: string | undefined
}

/** `readFacts` reads this. Add a new member in both places, or verifiers judge without it. */
export function factsJson(facts: TokenFacts, credential?: Credential): FactsJson {
  const { source, subject, client, tenant, grant, session, keyId, handle, digest } = facts
  const { issuedAtMs, notBeforeMs } = facts
  return {
    handle,
    digest,
    kind: credential?.kind,
    ...{ source, subject, client, tenant, grant, session, keyId },
    ancestors: facts.ancestors.map(ancestorJson),
    ...placedJson(facts),
    issuedAt: instantOf(issuedAtMs),
    expiresAt: formatInstant(facts.expiresAtMs),
    notBefore: instantOf(notBeforeMs),
    scope:
      credential === undefined || credential.scopes.length === 0 ? undefined : credential.scopes.join(' '),
    ...credentialJson(credential),
  }
}

function credentialJson(
  credential: Credential | undefined,
): Pick<FactsJson, 'audience' | 'scopes' | 'typ' | 'cnf' | 'delegated'> {
  if (credential === undefined) return {}
  const { audience, scopes, typ, cnf, delegated } = credential
  return {
    audience: audience && [...audience],
    scopes: [...scopes],
    typ,
    cnf,
    delegated,
  }
}

function ancestorJson(up: Ancestor): AncestorJson {
  const { handle, source, subject, client, tenant, grant, session, keyId } = up
  return {
    ...{ handle, source, subject, client, tenant, grant, session, keyId },
    ...placedJson(up),
    issuedAt: instantOf(up.issuedAtMs),
    expiresAt: formatInstant(up.expiresAtMs),
  }
}

/** Our tokens have a position in the log; foreign ones have their issuer's statements instead. */
function placedJson({
  source,
  foreign,
  position,
}: Ancestor): ForeignJson & { readonly position?: PositionJson } {
  if (foreign === undefined) return { position: positionJson(position) }
  return {
    issuer: foreignIssuer(source),
    jti: foreign.jti,
    skewSeconds: foreign.skewMs / 1_000,
    authenticatedAt: instantOf(foreign.authenticatedAtMs),
  }
}

function positionJson(at: Position): PositionJson {
  return [ordinalOf(at), seqOf(at)]
}
