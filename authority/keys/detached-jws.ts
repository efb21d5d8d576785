import {
  isCanonicalBase64url,
  type SigningKey,
  signText,
  type VerificationKey,
  verifySignature,
} from '@rescind/core/tokens'

/**
 * A compact JWS without its payload (RFC 7515, appendix F), which the reader has already.
 * @param payload any text; it is signed as UTF-8.
 */
export function signDetached(payload: string, typ: string, by: SigningKey): string {
  const head = headOf(typ, by)
  return `${head}..${signText(by, inputOf(head, payload)).toString('base64url')}`
}

/**
 * Whether this key signed exactly this payload as this type. The header must be the one that `signDetached` writes: nothing
 * in it is left to choose.
 */
export function verifyDetached(
  jws: string,
  { payload, typ }: { readonly payload: string; readonly typ: string },
  by: VerificationKey,
): boolean {
  const head = headOf(typ, by)
  if (!jws.startsWith(`${head}..`)) return false
  const signature = jws.slice(head.length + 2)
  if (!isCanonicalBase64url(signature)) return false
  return verifySignature(by, inputOf(head, payload), Buffer.from(signature, 'base64url'))
}

function headOf(typ: string, { algorithm, keyId }: Pick<SigningKey, 'algorithm' | 'keyId'>): string {
  return segment(JSON.stringify({ alg: algorithm, typ, kid: keyId }))
}

function inputOf(head: string, payload: string): string {
  return `${head}.${segment(payload)}`
}

function segment(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
