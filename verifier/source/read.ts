import { defined, type Json } from '@rescind/core/bytes'
import {
  type ClaimMap,
  FOREIGN_TYPES,
  foreignKeys,
  importPublicJwk,
  SIGNATURE_ALGORITHMS,
} from '@rescind/core/tokens'
import type { AckAnswer, FeedConfig, Hello, KnownIssuer } from './transport.ts'
import { SourceFailed } from './trouble.ts'

type Members = Readonly<Record<string, unknown>>

/** @throws SourceFailed when the text is not a JSON object. */
export function readObject(text: string): Members {
  try {
    const value: unknown = JSON.parse(text)
    if (isMembers(value)) return value
  } catch {
    // Reported below.
  }
  throw new SourceFailed('the server did not answer with a JSON object')
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws SourceFailed when it differs from what a server of this version sends. */
export function readConfig(text: string): FeedConfig {
  const { digestKey, floor, keys, issuers } = readObject(text)
  if (
    typeof digestKey !== 'string' ||
    !Array.isArray(keys) ||
    !Array.isArray(issuers) ||
    typeof floor !== 'number'
  )
    throw new SourceFailed('the configuration is invalid')
  return {
    digestKey,
    floorMs: floor,
    keys: keys.map((jwk: Json) => importPublicJwk(jwk)).filter((key) => key !== undefined),
    issuers: issuers.filter(isMembers).flatMap(readIssuer),
    text: stableText(text),
  }
}

/** Without positions and floors, which change all the time and do not affect the configuration. */
function stableText(text: string): string {
  const { position: _position, ...rest } = readObject(text)
  return JSON.stringify({ ...rest, floor: 0 })
}

function readIssuer(value: Members): KnownIssuer[] {
  const { issuer, algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds, keys, withoutIat } =
    value
  if (typeof issuer !== 'string' || !isTexts(algorithms) || !isMembers(claims)) return []
  if (typeof skewSeconds !== 'number' || typeof maxLifetimeSeconds !== 'number') return []
  if (audience !== undefined && !isTexts(audience)) return []
  if (types !== undefined && !isTexts(types)) return []
  const agreed = SIGNATURE_ALGORITHMS.filter((one) => algorithms.includes(one))
  const known = Array.isArray(keys) ? foreignKeys({ keys }, agreed) : undefined
  const settings = { algorithms: agreed, claims: claims as ClaimMap, skewSeconds, maxLifetimeSeconds }
  const narrowed = defined({
    audience,
    withoutIat: withoutIat === true ? withoutIat : undefined,
    // Types that only a newer server knows are ignored: such tokens cannot be read here.
    types: types === undefined ? undefined : FOREIGN_TYPES.filter((one) => types.includes(one)),
  })
  return [{ issuer: { issuer, ...settings, ...narrowed }, keys: known }]
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** @returns undefined for an invalid hello. */
export function readHello(text: string): Hello | undefined {
  const { instance, position, floor, ackEveryMs, acceptedMax } = readObject(text)
  if (typeof instance !== 'string' || typeof position !== 'string' || typeof floor !== 'number')
    return undefined
  return {
    instance,
    position,
    floorMs: floor,
    ackEveryMs: typeof ackEveryMs === 'number' ? ackEveryMs : 0,
    acceptedMax: typeof acceptedMax === 'number' ? acceptedMax : undefined,
  }
}

export function readAck(text: string): AckAnswer {
  const { position, floor } = readObject(text)
  if (typeof position !== 'string' || typeof floor !== 'number')
    throw new SourceFailed('the answer to the acknowledgement is invalid')
  return { position, floorMs: floor }
}
