import { type Entry, EXPIRING_KINDS, type ExpiringName, type Realm } from '@rescind/authority'
import { sameDigest } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import type { Call, Reply } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import { otpDevice } from '../../directory/mfa.ts'
import {
  type IdentityUser,
  type Mfa,
  type MobilePhone,
  mfaOf,
  type OtpDevice,
} from '../../directory/users.ts'
import { isSetupMfa } from '../../session/limited.ts'
import type { Attempt, Tried } from '../../session/passcode-guesses.ts'
import { encodeBase32, proveDevice } from '../../session/totp.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { fault, notAuthorized, overLimit, unauthorized, VARY, WRONG_CODE } from '../faults.ts'
import { textIn } from '../fields.ts'
import { passcode } from '../passcode.ts'
import type { OnUser } from '../permission.ts'
import { newId } from '../users/secrets.ts'
import { changeMfaOf, seeMfaOf, withElement } from './on-user.ts'
import { hasDevice } from './settings.ts'

/** Generators per user, and phones per user. */
export const DEVICES_MAX = 8
/** Bytes of a seed, as RFC 4226 §4 recommends. */
const SEED_BYTES = 20
const CODE_MS = 10 * 60_000
const CODE_KIND = EXPIRING_KINDS.identityPhoneCode

const otpJson = ({ id, name, isVerified }: OtpDevice): object => ({ id, name, verified: isVerified })
const phoneJson = ({ id, number, isVerified }: MobilePhone): object => ({
  id,
  number,
  verified: isVerified,
})

function withMfa(entry: Entry<IdentityUser>, mfa: Mfa): readonly [ReturnType<typeof updated<'user'>>] {
  return [updated('user', entry, { ...entry.value, mfa })]
}

/** A token from a password alone may set up only the first device; otherwise it would bypass the existing one. */
function isTooLate({ caller, entry }: OnUser): boolean {
  return isSetupMfa(caller.record) && hasDevice(mfaOf(entry.value))
}

/** `POST …/multi-factor/otp-devices`: 201 with the URI for an authenticator app, shown only this once. */
export function addOtpDevice(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return withElement(call, { userId, name: 'RAX-AUTH:otpDevice' }, (on, element) => {
    const { caller, entry } = on
    const name = textIn(element, 'name')
    const mfa = mfaOf(entry.value)
    if (name === undefined) return fault('badRequest', 'The device needs a "name".')
    if (isTooLate(on)) return notAuthorized()
    if (mfa.otpDevices.length >= DEVICES_MAX) return fault('badRequest', 'The user has too many devices.')
    const id = newId(call.realm)
    const seedBase32 = encodeBase32(call.realm.random.bytes(SEED_BYTES))
    const device = otpDevice(call.realm, userId, { id, name, seedBase32, isVerified: false })
    const label = encodeURIComponent(`Rescind:${entry.value.username}`)
    const keyUri = `otpauth://totp/${label}?secret=${seedBase32}&issuer=Rescind`
    const changes = withMfa(entry, { ...mfa, otpDevices: [...mfa.otpDevices, device] })
    const location = `${call.request.base}${call.request.path}/${id}`
    return change(call, { caller, how: 'mfa.otp.add', changes }, () =>
      jsonAnswer(201, { 'RAX-AUTH:otpDevice': { ...otpJson(device), keyUri } }, { ...VARY, location }),
    )
  })
}

export function listOtpDevices(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return seeMfaOf(call, userId, ({ entry }) =>
    jsonAnswer(200, { 'RAX-AUTH:otpDevices': mfaOf(entry.value).otpDevices.map(otpJson) }, VARY),
  )
}

export function getOtpDevice(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return seeMfaOf(call, userId, ({ entry }) => {
    const device = mfaOf(entry.value).otpDevices.find((one) => one.id === id)
    return device === undefined
      ? noDevice()
      : jsonAnswer(200, { 'RAX-AUTH:otpDevice': otpJson(device) }, VARY)
  })
}

export function deleteOtpDevice(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return changeMfaOf(call, userId, (on) => {
    const { otpDevices, ...mfa } = mfaOf(on.entry.value)
    const rest = otpDevices.filter((one) => one.id !== id)
    if (rest.length === otpDevices.length) return noDevice()
    return removed(call, on, { ...mfa, otpDevices: rest })
  })
}

/** An enabled user must keep one device, or it would be locked out. */
function removed(call: Call, { caller, entry }: OnUser, mfa: Mfa): Reply {
  if (isSetupMfa(caller.record)) return notAuthorized()
  if (mfa.isEnabled && !hasDevice(mfa))
    return fault('badRequest', 'Disable multi-factor before its last device is removed.')
  return change(call, { caller, how: 'mfa.remove', changes: withMfa(entry, mfa) }, () => NO_CONTENT)
}

/** `POST …/otp-devices/{id}/verify`: the first right code makes a device count. */
export function verifyOtpDevice(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return withElement(call, { userId, name: 'RAX-AUTH:verificationCode' }, (on, element) => {
    const { caller, entry } = on
    const code = textIn(element, 'code')
    const mfa = mfaOf(entry.value)
    const device = mfa.otpDevices.find((one) => one.id === id)
    if (device === undefined) return noDevice()
    if (code === undefined) return fault('badRequest', 'A "code" is needed.')
    const tried = call.settings.passcodes.tried(call, ofUser(userId), () => {
      const proof = proveDevice(call.realm, { userId, device }, code)
      return proof.kind === 'right' ? proof : undefined
    })
    if (tried.kind !== 'right') return refusedCode(call, tried)
    const otpDevices = mfa.otpDevices.map((one) => (one.id === id ? { ...one, isVerified: true } : one))
    const changes = withMfa(entry, { ...mfa, otpDevices })
    return change(call, { caller, how: 'mfa.otp.verify', changes, also: tried.proof.also }, () => NO_CONTENT)
  })
}

/** `POST …/multi-factor/mobile-phones`. */
export function addPhone(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return withElement(call, { userId, name: 'RAX-AUTH:mobilePhone' }, (on, element) => {
    const { caller, entry } = on
    const number = textIn(element, 'number')
    const mfa = mfaOf(entry.value)
    if (number === undefined || !/^\+?[0-9 ()-]{5,32}$/.test(number))
      return fault('badRequest', 'The phone needs a "number".')
    if (isTooLate(on)) return notAuthorized()
    if (mfa.phones.length >= DEVICES_MAX) return fault('badRequest', 'The user has too many phones.')
    const phone = { id: newId(call.realm), number, isVerified: false }
    const changes = withMfa(entry, { ...mfa, phones: [...mfa.phones, phone] })
    const location = `${call.request.base}${call.request.path}/${phone.id}`
    return change(call, { caller, how: 'mfa.phone.add', changes }, () =>
      jsonAnswer(201, { 'RAX-AUTH:mobilePhone': phoneJson(phone) }, { ...VARY, location }),
    )
  })
}

export function listPhones(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return seeMfaOf(call, userId, ({ entry }) =>
    jsonAnswer(200, { 'RAX-AUTH:mobilePhones': mfaOf(entry.value).phones.map(phoneJson) }, VARY),
  )
}

export function deletePhone(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return changeMfaOf(call, userId, (on) => {
    const { phones, ...mfa } = mfaOf(on.entry.value)
    const rest = phones.filter((one) => one.id !== id)
    if (rest.length === phones.length) return noDevice()
    return removed(call, on, { ...mfa, phones: rest })
  })
}

/** `POST …/mobile-phones/{id}/verificationcode`: 202, a passcode is being sent. */
export function sendPhoneCode(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return changeMfaOf(call, userId, async ({ entry }) => {
    const { realm, settings } = call
    const phone = mfaOf(entry.value).phones.find((one) => one.id === id)
    if (phone === undefined) return noDevice()
    const waitSeconds = settings.messages.take(call, 'sms', userId)
    if (waitSeconds > 0) return overLimit(waitSeconds, realm.nowMs())
    const code = passcode(realm)
    const value = Buffer.from(realm.secretDigest(code), 'utf8')
    const expiring = { ...codeEntry(userId, id), value, expiresAtMs: realm.nowMs() + CODE_MS }
    await realm.commit({
      realm: realm.ordinal,
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'put-expiring', entry: expiring }],
    })
    settings.notifier.deliver({ kind: 'passcode', number: phone.number, code })
    return { ...NO_CONTENT, status: 202 }
  })
}

function codeEntry(userId: string, phoneId: string): ExpiringName {
  return { kind: CODE_KIND, id: `${userId}:${phoneId}` }
}

export function verifyPhone(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return withElement(call, { userId, name: 'RAX-AUTH:verificationCode' }, async (on, element) => {
    const { caller, entry } = on
    const { realm } = call
    const code = textIn(element, 'code')
    const mfa = mfaOf(entry.value)
    if (!mfa.phones.some((one) => one.id === id)) return noDevice()
    if (code === undefined) return fault('badRequest', 'A "code" is needed.')
    const sent = await sentDigest(realm, codeEntry(userId, id))
    const tried = call.settings.passcodes.tried(call, ofUser(userId), () =>
      sent !== undefined && sameDigest(sent, realm.secretDigest(code)) ? sent : undefined,
    )
    if (tried.kind !== 'right') return refusedCode(call, tried)
    const phones = mfa.phones.map((one) => (one.id === id ? { ...one, isVerified: true } : one))
    const changes = withMfa(entry, { ...mfa, phones })
    const also = [{ kind: 'drop-expiring', entry: codeEntry(userId, id) }] as const
    return change(call, { caller, how: 'mfa.phone.verify', changes, also }, () => NO_CONTENT)
  })
}

/** The digest of the last code sent, if it is still valid. */
async function sentDigest(realm: Realm, name: ExpiringName): Promise<string | undefined> {
  const expiring = await realm.store.expiring(realm.ordinal, name)
  if (expiring === undefined || expiring.expiresAtMs <= realm.nowMs()) return undefined
  return Buffer.from(expiring.value).toString('utf8')
}

/** A caller that verifies a device has a token, which proves another factor. */
function ofUser(userId: string): Attempt {
  return { presented: userId, userId, isProved: true }
}

function refusedCode({ request, realm }: Call, tried: Exclude<Tried<unknown>, { kind: 'right' }>): Answer {
  return tried.kind === 'wrong'
    ? unauthorized(request, WRONG_CODE)
    : overLimit(tried.waitSeconds, realm.nowMs())
}

function noDevice(): Answer {
  return fault('itemNotFound', 'Device not found.')
}
