import { isObject, type Json, type JsonObject, parseStrictJson } from '../bytes/strict-json.ts'
import { type SignedBy, signText, verifySignature } from '../crypto/signatures.ts'
import { algorithmNamed, isCanonicalBase64url, type SigningKey, type VerificationKey } from './jwk.ts'
import { JWS_MAX_CHARS } from './raw-token.ts'

const HEADER_MAX_CHARS = 2_048
const SEGMENTS = 3
const KID_MAX = 256

/** A compact JWS taken apart. Trust nothing in it before `verifyJws` has accepted it. */
export type ParsedJws = {
  /** As the header states it. It decides nothing: the key's own algorithm does. */
  readonly algorithm: string
  readonly kid?: string
  /** Lower-case, without `application/` (RFC 7515 §4.1.9). */
  readonly typ?: string
  readonly header: JsonObject
  readonly claims: JsonObject
  /** The signed text; it also identifies a JWS without `jti`. */
  readonly signingInput: string
  readonly signature: Uint8Array
}

/**
 * Reads the compact serialisation (RFC 7515 §7.1) of a JWT strictly: three segments of canonical base64url, header and
 * payload JSON objects without repeated members, no `crit` (§4.1.11: no extension is understood here), nothing encrypted,
 * compressed or unencoded. @returns undefined for anything else.
 */
export function parseJws(text: string): ParsedJws | undefined {
  if (text.length > JWS_MAX_CHARS) return undefined
  const segments = text.split('.', SEGMENTS + 1)
  const [head = '', payload = '', signature = ''] = segments
  if (segments.length !== SEGMENTS || head.length > HEADER_MAX_CHARS) return undefined
  const header = objectIn(head)
  if (header === undefined || !isPlainHeader(header)) return undefined
  const claims = objectIn(payload)
  if (claims === undefined || !isCanonicalBase64url(signature)) return undefined
  const { alg, kid, typ } = header
  return {
    // `isPlainHeader` has checked that it is text.
    algorithm: alg as string,
    header,
    claims,
    signingInput: text.slice(0, head.length + 1 + payload.length),
    signature: Buffer.from(signature, 'base64url'),
    ...(typeof kid === 'string' ? { kid } : {}),
    ...(typeof typ === 'string' ? { typ: mediaName(typ) } : {}),
  }
}

/**
 * Whether this key signed it, by the algorithm that the key is pinned to (RFC 8725 §3.1, §3.2). A header that names another
 * algorithm, including `none` and symmetric ones, is refused without checking the signature.
 */
export function verifyJws(jws: ParsedJws, by: VerificationKey): boolean {
  if (algorithmNamed(jws.algorithm) !== by.algorithm) return false
  return verifySignature(by, jws.signingInput, jws.signature)
}

/**
 * The keys that may have signed it: those that its `kid` names, by the owner's name or by thumbprint; without a `kid`,
 * all of its algorithm, up to a small bound.
 */
export function candidateKeys(jws: ParsedJws, keys: readonly VerificationKey[]): readonly VerificationKey[] {
  const { kid } = jws
  const fitting = keys.filter(({ algorithm }) => algorithmNamed(jws.algorithm) === algorithm)
  if (kid === undefined) return fitting.slice(0, TRIED_MAX)
  return fitting.filter((key) => key.kid === kid || key.keyId === kid).slice(0, TRIED_MAX)
}

/** Maximum signatures tried for one token. */
const TRIED_MAX = 4

/** A compact JWS over these claims; `kid` is the key's thumbprint. */
export function signJws(claims: JsonObject, typ: string, by: SigningKey): string {
  const header = { alg: by.algorithm, typ, kid: by.keyId }
  const input = `${segment(JSON.stringify(header))}.${segment(JSON.stringify(claims))}`
  const signing: SignedBy = by
  return `${input}.${signText(signing, input).toString('base64url')}`
}

/** A NumericDate (RFC 7519 §2) in milliseconds. @returns undefined for anything but a number from 0 to the year 9999. */
export function numericDateMs(value: Json | undefined): number | undefined {
  if (typeof value !== 'number' || !(value >= 0 && value <= LAST_NUMERIC_DATE)) return undefined
  return Math.round(value * 1_000)
}

/** The last second of the year 9999. */
const LAST_NUMERIC_DATE = 253_402_300_799

/** `aud` as a list (RFC 7519 §4.1.3). @returns undefined when it is absent, or neither text nor a list of texts. */
export function audienceOf(value: Json | undefined): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return undefined
  return value.every((one): one is string => typeof one === 'string') ? value : undefined
}

function isPlainHeader({ alg, kid, typ, crit, b64, enc, zip }: JsonObject): boolean {
  if (typeof alg !== 'string') return false
  if (crit !== undefined || b64 !== undefined || enc !== undefined || zip !== undefined) return false
  if (kid !== undefined && (typeof kid !== 'string' || kid.length === 0 || kid.length > KID_MAX)) return false
  return typ === undefined || typeof typ === 'string'
}

function mediaName(typ: string): string {
  const lower = typ.toLowerCase()
  return lower.startsWith('application/') ? lower.slice('application/'.length) : lower
}

function objectIn(text: string): JsonObject | undefined {
  if (!isCanonicalBase64url(text)) return undefined
  const value = parseStrictJson(Buffer.from(text, 'base64url'))
  return isObject(value) ? value : undefined
}

function segment(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
