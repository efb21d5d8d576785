import {
  ANCESTORS_MAX,
  type Ancestor,
  BEYOND_LOGS,
  type ForeignFacts,
  grantId,
  ORDINAL_MAX,
  type Position,
  type Principals,
  parseHandle,
  position,
  SEQ_MAX,
  type TokenFacts,
  tokenDigest,
} from '@rescind/core'

/** What is remembered of a token: what a verdict is made from, and what callers are told. */
export type Known = {
  readonly facts: TokenFacts
  readonly scopes: readonly string[]
  /** Its state is the server's to keep: one use may have ended it. */
  readonly singleUse: boolean
}

type Members = Readonly<Record<string, unknown>>

const DIGEST = /^[A-Za-z0-9_-]{43}$/

/** The facts of `POST /control/v1/verify`. @returns undefined for what does not state the facts of a token. */
export function readKnown(value: unknown): Known | undefined {
  if (!isMembers(value)) return undefined
  const { digest, kind, grant, session, keyId, issuedAt, expiresAt, notBefore, issuer, scope } = value
  const principals = principalsOf(value)
  const ancestors = ancestorsOf(value['ancestors'])
  const expiresAtMs = instantOf(expiresAt)
  const at = issuer === undefined ? placeOf(value['position']) : BEYOND_LOGS
  const foreign = issuer === undefined ? undefined : foreignOf(value)
  if (principals === undefined || ancestors === undefined || expiresAtMs === undefined || at === undefined)
    return undefined
  if (issuer !== undefined && foreign === undefined) return undefined
  const [issuedAtMs, notBeforeMs] = [instantOf(issuedAt), instantOf(notBefore)]
  const handle = typeof value['handle'] === 'string' ? parseHandle(value['handle']) : undefined
  const facts: TokenFacts = {
    ...principals,
    ...(typeof digest === 'string' && DIGEST.test(digest) ? { digest: tokenDigest(digest) } : {}),
    ...(handle === undefined ? {} : { handle }),
    ...(typeof grant === 'string' ? { grant: grantId(grant) } : {}),
    ...(typeof session === 'string' ? { session } : {}),
    ...(typeof keyId === 'string' ? { keyId } : {}),
    ancestors,
    position: at,
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    expiresAtMs,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(foreign === undefined ? {} : { foreign }),
  }
  return { facts, scopes: scopesOf(scope), singleUse: !REUSABLE.has(String(kind)) && issuer === undefined }
}

/** Kinds of tokens of ours that no use ends. What a newer server may add is not taken for one. */
const REUSABLE: ReadonlySet<string> = new Set(['access', 'identity', 'chat', 'assigned'])

/** Space-separated text (RFC 6749 §3.3), or a list, as some issuers have it. */
export function scopesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((one) => one !== '')
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
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

function ancestorOf(value: unknown): Ancestor | undefined {
  if (!isMembers(value)) return undefined
  const principals = principalsOf(value)
  const handle = typeof value['handle'] === 'string' ? parseHandle(value['handle']) : undefined
  const at = placeOf(value['position'])
  const [issuedAtMs, expiresAtMs] = [instantOf(value['issuedAt']), instantOf(value['expiresAt'])]
  if (principals === undefined || handle === undefined || at === undefined) return undefined
  if (issuedAtMs === undefined || expiresAtMs === undefined) return undefined
  const up = { ...principals, handle, position: at, issuedAtMs, expiresAtMs }
  return typeof value['keyId'] === 'string' ? { ...up, keyId: value['keyId'] } : up
}

function foreignOf({ jti, skewSeconds, authenticatedAt }: Members): ForeignFacts | undefined {
  const authenticatedAtMs = instantOf(authenticatedAt)
  if (typeof jti !== 'string' || typeof skewSeconds !== 'number') return undefined
  return {
    jti,
    skewMs: skewSeconds * 1_000,
    ...(authenticatedAtMs === undefined ? {} : { authenticatedAtMs }),
  }
}

function placeOf(value: unknown): Position | undefined {
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
