import { grantId, parseHandle, tokenDigest } from './ids.ts'
import type { Position } from './position.ts'
import {
  ANCESTORS_MAX,
  type Ancestor,
  type ForeignFacts,
  type Principals,
  type TokenFacts,
} from './records.ts'
import { isObject, type Json, type JsonObject } from './strict-json.ts'

/**
 * The facts of a token as they travel to a verifier, which judges them again whenever a rule arrives. Positions are the
 * numbers that the core compares by.
 */
export function factsJson(facts: TokenFacts): JsonObject {
  return defined({
    ...principalsJson(facts),
    digest: facts.digest,
    handle: facts.handle,
    grant: facts.grant,
    session: facts.session,
    keyId: facts.keyId,
    ancestors: facts.ancestors.map(ancestorJson),
    position: facts.position,
    issuedAtMs: facts.issuedAtMs,
    expiresAtMs: facts.expiresAtMs,
    notBeforeMs: facts.notBeforeMs,
    foreign: facts.foreign === undefined ? undefined : defined({ ...facts.foreign }),
  })
}

/** @returns undefined for what does not state the facts of a token. */
export function readFacts(value: Json | undefined): TokenFacts | undefined {
  if (!isObject(value)) return undefined
  const { digest, handle, grant, session, keyId, position, issuedAtMs, expiresAtMs, notBeforeMs } = value
  const principals = readPrincipals(value)
  const ancestors = readAncestors(value.ancestors)
  const foreign = value.foreign === undefined ? undefined : readForeignFacts(value.foreign)
  if (principals === undefined || ancestors === undefined) return undefined
  if (value.foreign !== undefined && foreign === undefined) return undefined
  if (!isTime(position) || !isTime(expiresAtMs)) return undefined
  if (!isMaybe(issuedAtMs, isTime) || !isMaybe(notBeforeMs, isTime)) return undefined
  if (!isMaybe(digest, isDigest) || !isMaybe(grant, isText)) return undefined
  if (!isMaybe(session, isText) || !isMaybe(keyId, isText)) return undefined
  const parsed = isText(handle) ? parseHandle(handle) : undefined
  if (handle !== undefined && parsed === undefined) return undefined
  return {
    ...principals,
    ...(digest === undefined ? {} : { digest: tokenDigest(digest) }),
    ...(parsed === undefined ? {} : { handle: parsed }),
    ...(grant === undefined ? {} : { grant: grantId(grant) }),
    ...(session === undefined ? {} : { session }),
    ...(keyId === undefined ? {} : { keyId }),
    ancestors,
    // Written by `factsJson` as what it is.
    position: position as Position,
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    expiresAtMs,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(foreign === undefined ? {} : { foreign }),
  }
}

function principalsJson({ source, subject, client, tenant }: Principals): Record<string, Json | undefined> {
  return { source, subject, client, tenant }
}

function ancestorJson(up: Ancestor): JsonObject {
  const { handle, position, issuedAtMs, expiresAtMs } = up
  return defined({ ...principalsJson(up), handle, position, issuedAtMs, expiresAtMs })
}

function readPrincipals({ source, subject, client, tenant }: JsonObject): Principals | undefined {
  if (!isText(source) || !isMaybe(subject, isText) || !isMaybe(client, isText) || !isMaybe(tenant, isText))
    return undefined
  return {
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
  }
}

function readAncestors(value: Json | undefined): readonly Ancestor[] | undefined {
  if (!Array.isArray(value) || value.length > ANCESTORS_MAX) return undefined
  const read = (value as readonly Json[]).map(readAncestor)
  return read.every((one): one is Ancestor => one !== undefined) ? read : undefined
}

function readAncestor(value: Json): Ancestor | undefined {
  if (!isObject(value)) return undefined
  const principals = readPrincipals(value)
  const handle = isText(value.handle) ? parseHandle(value.handle) : undefined
  const { position, issuedAtMs, expiresAtMs } = value
  if (principals === undefined || handle === undefined) return undefined
  if (!isTime(position) || !isTime(issuedAtMs) || !isTime(expiresAtMs)) return undefined
  return { ...principals, handle, position: position as Position, issuedAtMs, expiresAtMs }
}

function readForeignFacts(value: Json): ForeignFacts | undefined {
  if (!isObject(value)) return undefined
  const { jti, skewMs, authenticatedAtMs } = value
  if (!isText(jti) || !isTime(skewMs) || !isMaybe(authenticatedAtMs, isTime)) return undefined
  return { jti, skewMs, ...(authenticatedAtMs === undefined ? {} : { authenticatedAtMs }) }
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string'
}

function isTime(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isDigest(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)
}

function isMaybe<T extends Json>(
  value: Json | undefined,
  is: (value: Json | undefined) => value is T,
): value is T | undefined {
  return value === undefined || is(value)
}

function defined(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value
  return kept
}
