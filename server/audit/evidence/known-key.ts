import { isObject, parseStrictFile } from '@rescind/core/bytes'
import { importPublicJwk, isCanonicalBase64url } from '@rescind/core/tokens'

const THUMBPRINT_CHARS = 43

/**
 * The thumbprint of an evidence key in a text: itself, a public JWK, or the answer of `GET /control/v1/evidence/key`.
 * @returns undefined for anything else.
 */
export function evidenceKeyIn(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length === THUMBPRINT_CHARS && isCanonicalBase64url(trimmed)) return trimmed
  const value = parseStrictFile(Buffer.from(trimmed, 'utf8'))
  if (!isObject(value)) return undefined
  return importPublicJwk(value.jwk ?? value, 'EdDSA')?.keyId
}
