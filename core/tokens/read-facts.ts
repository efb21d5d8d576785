import { defined } from '../bytes/defined.ts'
import type { Json } from '../bytes/strict-json.ts'
import { grantId, parseHandle, tokenDigest } from '../ids.ts'
import { BEYOND_LOGS, ORDINAL_MAX, type Position, position, SEQ_MAX } from '../position.ts'
import {
  ANCESTORS_MAX,
  type Ancestor,
  type ForeignFacts,
  type Principals,
  type TokenFacts,
} from '../records.ts'
import type { Credential } from '../verdict/admit.ts'
import { isWhole } from '../verdict/ancestry.ts'
import { confirmationOf } from './credential.ts'
import { isCredentialKind, SINGLE_USE } from './kinds.ts'

/** What is remembered of a token: the facts for a verdict, and what it may be used as. */
export type Known = { readonly facts: TokenFacts; readonly credential: Credential }

type Members = Readonly<Record<string, unknown>>

const DIGEST = /^[A-Za-z0-9_-]{43}$/

/**
 * Reads what `factsJson` wrote into answers of `POST /control/v1/verify`. A member that an older server leaves out is never
 * replaced by a value that would let a token pass. @returns undefined unless all facts are there.
 */
export function readFacts(value: unknown): Known | undefined {
  if (!isMembers(value) || isOdd(value)) return undefined
  const { digest, grant, session, keyId, issuedAt, expiresAt, notBefore, issuer } = value
  const principals = principalsOf(value)
  const credential = credentialOf(value)
  const ancestors = ancestorsOf(value['ancestors'])
  const expiresAtMs = instantOf(expiresAt)
  const at = issuer === undefined ? positionOf(value['position']) : BEYOND_LOGS
  const foreign = issuer === undefined ? undefined : foreignOf(value)
  if (principals === undefined || ancestors === undefined || expiresAtMs === undefined || at === undefined)
    return undefined
  if (credential === undefined || (issuer !== undefined && foreign === undefined)) return undefined
  const [issuedAtMs, notBeforeMs] = [instantOf(issuedAt), instantOf(notBefore)]
  const handle = typeof value['handle'] === 'string' ? parseHandle(value['handle']) : undefined
  const facts: TokenFacts = defined({
    ...principals,
    digest: typeof digest === 'string' && DIGEST.test(digest) ? tokenDigest(digest) : undefined,
    handle,
    grant: typeof grant === 'string' ? grantId(grant) : undefined,
    session: typeof session === 'string' ? session : undefined,
    keyId: typeof keyId === 'string' ? keyId : undefined,
    ancestors,
    position: at,
    issuedAtMs,
    expiresAtMs,
    notBeforeMs,
    foreign,
  })
  return { facts, credential }
}

/** Members that may be absent; an absent one does not limit the token. */
const INSTANTS = ['issuedAt', 'notBefore', 'expiresAt', 'authenticatedAt'] as const
const NAMES = ['digest', 'handle', 'subject', 'client', 'tenant', 'grant', 'session', 'keyId'] as const
const TEXTS = [...NAMES, ...INSTANTS, 'issuer', 'jti', 'typ', 'delegated'] as const

/** Whether a member is present but malformed: ignoring it would ignore every rule that names it. */
function isOdd(value: Members): boolean {
  const { digest, handle, cnf } = value
  if (TEXTS.some((name) => value[name] !== undefined && typeof value[name] !== 'string')) return true
  if (INSTANTS.some((name) => value[name] !== undefined && instantOf(value[name]) === undefined)) return true
  if (typeof digest === 'string' && !DIGEST.test(digest)) return true
  return cnf === null || (typeof handle === 'string' && parseHandle(handle) === undefined)
}

function credentialOf({
  kind,
  source,
  audience,
  scopes,
  typ,
  cnf,
  delegated,
}: Members): Credential | undefined {
  // This version does not understand a kind added by a newer server, so the token opens nothing.
  if (typeof kind !== 'string' || !isCredentialKind(kind) || typeof source !== 'string') return undefined
  if (!isTexts(scopes) || (audience !== undefined && !isTexts(audience))) return undefined
  const binding = confirmationOf(cnf as Json | undefined)
  return {
    kind,
    source,
    ...(audience === undefined ? {} : { audience }),
    scopes,
    ...(binding === undefined ? {} : { cnf: binding }),
    ...(typeof typ === 'string' ? { typ } : {}),
    ...(typeof delegated === 'string' ? { delegated } : {}),
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** One use may have ended it, and only the server knows. */
export function isSingleUse({ credential }: Known): boolean {
  return SINGLE_USE.has(credential.kind)
}

function principalsOf({ source, subject, client, tenant }: Members): Principals | undefined {
  if (typeof source !== 'string') return undefined
  return {
    source,
    ...(typeof subject === 'string' ? { subject } : {}),
    ...(typeof client === 'string' ? { client } : {}),
    ...(typeof tenant === 'string' ? { tenant } : {}),
  }
}

function ancestorsOf(value: unknown): readonly Ancestor[] | undefined {
  if (!Array.isArray(value) || value.length > ANCESTORS_MAX) return undefined
  const read = value.map(ancestorOf)
  return read.every((one) => one !== undefined) ? read : undefined
}

/** @returns undefined also for an entry that lacks an id by which it could be ended: it must not be remembered. */
function ancestorOf(value: unknown): Ancestor | undefined {
  if (!isMembers(value) || isOdd(value)) return undefined
  const { grant, session, keyId, issuer } = value
  const principals = principalsOf(value)
  const handle = typeof value['handle'] === 'string' ? parseHandle(value['handle']) : undefined
  const foreign = issuer === undefined ? undefined : foreignOf(value)
  const at = issuer === undefined ? positionOf(value['position']) : BEYOND_LOGS
  const [issuedAtMs, expiresAtMs] = [instantOf(value['issuedAt']), instantOf(value['expiresAt'])]
  if (principals === undefined || at === undefined || expiresAtMs === undefined) return undefined
  if (foreign === undefined && (issuer !== undefined || handle === undefined || issuedAtMs === undefined))
    return undefined
  const up: Ancestor = defined({
    ...principals,
    handle,
    grant: typeof grant === 'string' ? grantId(grant) : undefined,
    session: typeof session === 'string' ? session : undefined,
    keyId: typeof keyId === 'string' ? keyId : undefined,
    position: at,
    issuedAtMs,
    expiresAtMs,
    foreign,
  })
  return isWhole(up) ? up : undefined
}

function foreignOf({ jti, skewSeconds, authenticatedAt }: Members): ForeignFacts | undefined {
  const authenticatedAtMs = instantOf(authenticatedAt)
  if (typeof jti !== 'string' || typeof skewSeconds !== 'number') return undefined
  return defined({ jti, skewMs: skewSeconds * 1_000, authenticatedAtMs })
}

function positionOf(value: unknown): Position | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [ordinal, seq] = value as readonly unknown[]
  if (!isCount(ordinal, ORDINAL_MAX) || !isCount(seq, SEQ_MAX)) return undefined
  return position(ordinal, seq)
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function instantOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
