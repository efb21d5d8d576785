import type { Realm } from '@rescind/authority'
import { type SealPurpose, sealText, unsealText } from './sealed-text.ts'
import type { Mfa, MfaEnforcement, OtpDevice } from './users.ts'

/** A TOTP generator's record. `seedBase32` is what an authenticator app gets (RFC 4648, without padding). */
export function otpDevice(
  realm: Realm,
  userId: string,
  given: {
    readonly id: string
    readonly name: string
    readonly seedBase32: string
    readonly isVerified: boolean
  },
): OtpDevice {
  const { id, name, seedBase32, isVerified } = given
  return { id, name, isVerified, seedSealed: sealText(realm, seedPurpose(userId, id), seedBase32) }
}

/** @returns undefined when the seed was sealed for another user or device. */
export function unsealOtpSeed(realm: Realm, userId: string, device: OtpDevice): string | undefined {
  return unsealText(realm, seedPurpose(userId, device.id), device.seedSealed)
}

function seedPurpose(userId: string, deviceId: string): SealPurpose {
  return { label: 'identity-totp-seed', id: `${userId}:${deviceId}` }
}

export type SeededMfa = {
  readonly isEnabled: boolean
  readonly enforcement: MfaEnforcement
  readonly totpBase32: string | undefined
}

/** MFA as in a seed file: at most one TOTP generator, already verified. */
export function seededMfa(realm: Realm, userId: string, given: SeededMfa): Mfa {
  const { isEnabled, enforcement, totpBase32 } = given
  const device = { id: 'seed', name: 'seed', isVerified: true }
  const otpDevices =
    totpBase32 === undefined ? [] : [otpDevice(realm, userId, { ...device, seedBase32: totpBase32 })]
  return { isEnabled, enforcement, otpDevices, phones: [] }
}
