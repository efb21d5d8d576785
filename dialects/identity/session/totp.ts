import { EXPIRING_KINDS, type Operation, type Realm } from '@rescind/authority'
import { hmacSha1 } from '@rescind/core/bytes'
import { unsealOtpSeed } from '../directory/mfa.ts'
import { type IdentityUser, mfaOf, type OtpDevice } from '../directory/users.ts'

/** RFC 6238 as authenticator apps implement it: SHA-1, 30 seconds, six digits. */
const STEP_MS = 30_000
const DIGITS = 6
/** Steps that a code may be off either way, for clock skew and typing time. */
const WINDOW = 1

export type TotpProof =
  | { readonly kind: 'wrong' }
  /** `also` belongs in the same write as the use of the code, so that each code works once. */
  | { readonly kind: 'right'; readonly also: readonly Operation[] }

/** Whether a code matches one of a user's verified generators now. */
export function proveTotp(realm: Realm, user: IdentityUser, code: string): TotpProof {
  for (const device of mfaOf(user).otpDevices) {
    if (!device.isVerified) continue
    const proof = proveDevice(realm, { userId: user.id, device }, code)
    if (proof.kind === 'right') return proof
  }
  return WRONG
}

const WRONG: TotpProof = { kind: 'wrong' }

/** The same for one device, verified or not. */
export function proveDevice(
  realm: Realm,
  { userId, device }: { readonly userId: string; readonly device: OtpDevice },
  code: string,
): TotpProof {
  const seed = unsealOtpSeed(realm, userId, device)
  const key = seed === undefined ? undefined : decodeBase32(seed)
  if (key === undefined || code.length !== DIGITS) return WRONG
  const now = Math.floor(realm.nowMs() / STEP_MS)
  for (let step = now - WINDOW; step <= now + WINDOW; step += 1) {
    if (codeAt(key, step) !== code) continue
    const entry = {
      kind: EXPIRING_KINDS.identityTotpStep,
      id: `${userId}:${device.id}:${step}`,
      value: new Uint8Array(0),
      expiresAtMs: (step + WINDOW + 1) * STEP_MS,
    }
    return { kind: 'right', also: [{ kind: 'put-expiring', entry, unlessAliveAtMs: realm.nowMs() }] }
  }
  return WRONG
}

/** RFC 4226 §5.3. */
export function codeAt(key: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = hmacSha1(key, counter)
  const offset = (mac.at(-1) ?? 0) & 0xf
  const number = mac.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 §6; padding, spaces and lower case are accepted. @returns undefined for anything else. */
export function decodeBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const char of text.toUpperCase().replaceAll(/[\s=]/g, '')) {
    const digit = BASE32.indexOf(char)
    if (digit < 0) return undefined
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  return bytes.length === 0 ? undefined : Buffer.from(bytes)
}

export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(value >> bits) & 31] ?? ''
    }
  }
  return bits > 0 ? text + (BASE32[(value << (5 - bits)) & 31] ?? '') : text
}
