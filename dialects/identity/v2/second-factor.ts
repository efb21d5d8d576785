import { type Entry, EXPIRING_KINDS, type Operation } from '@rescind/authority'
import { type Position, unreachable } from '@rescind/core'
import { SETUP_SCOPE } from '@rescind/core/tokens'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { PROOF } from '../directory/names.ts'
import { IDENTITY_USERS, type IdentityUser, type MobilePhone, mfaOf, userEntry } from '../directory/users.ts'
import type { Named } from '../session/credentials.ts'
import type { Mint } from '../session/mint.ts'
import { proveTotp } from '../session/totp.ts'
import { accessAnswer } from './access.ts'
import { fault, overLimit, unauthorized, WRONG_CREDENTIALS, writeV2Fault } from './faults.ts'
import { issued } from './issued.ts'
import { isSmsCode, MFA_SESSION_MS, type MfaSession, openSession, sealSession } from './mfa-session.ts'
import { passcode } from './passcode.ts'
import { notTheirs, scopeOf } from './tenant-scope.ts'

type Half = { readonly judgedAt: Position; readonly user: IdentityUser; readonly tenant: Named | undefined }

/** Answers a right password of a user with MFA: 401 with a session. A text message is sent only if there is no generator. */
export function challenge(call: Call, half: Half): Answer {
  const { realm, settings } = call
  const { judgedAt, user, tenant } = half
  const mfa = mfaOf(user)
  const phone = mfa.otpDevices.some(({ isVerified }) => isVerified) ? undefined : verified(mfa.phones)
  let smsDigest: string | undefined
  if (phone !== undefined) {
    const waitSeconds = settings.messages.take(call, 'sms', user.id)
    if (waitSeconds > 0) return overLimit(waitSeconds, realm.nowMs())
    const code = passcode(realm)
    smsDigest = realm.secretDigest(code)
    settings.notifier.deliver({ kind: 'passcode', number: phone.number, code })
  }
  const expiresAtMs = realm.nowMs() + MFA_SESSION_MS
  const sessionId = sealSession(realm, { userId: user.id, tenant, basis: judgedAt, expiresAtMs, smsDigest })
  return writeV2Fault({
    name: 'unauthorized',
    message: 'Additional authentication credentials required.',
    headers: { 'www-authenticate': `OS-MF sessionId='${sessionId}', factor='PASSCODE'` },
  })
}

function verified(phones: readonly MobilePhone[]): MobilePhone | undefined {
  return phones.find(({ isVerified }) => isVerified)
}

/** The second step: X-SessionId and a passcode. Every fault of either is the same 401. */
export async function byPasscode(call: Call, code: string): Promise<Answer | Stale> {
  const { realm, request } = call
  const judgedAt = realm.position()
  const text = request.header('x-sessionid')
  const opened = text === undefined ? undefined : openSession(realm, text)
  if (text === undefined || opened === undefined) return unauthorized(request, WRONG_CREDENTIALS)
  const entry = await userEntry(realm, opened.userId)
  if (entry === undefined || !entry.value.enabled || !mfaOf(entry.value).isEnabled)
    return unauthorized(request, WRONG_CREDENTIALS)
  const user = entry.value
  const scope = await scopeOf(realm, user, opened.tenant)
  // Judge again after the last await: the user may have been cut off meanwhile.
  const session = openSession(realm, text)
  if (session === undefined) return unauthorized(request, WRONG_CREDENTIALS)
  // The session proves the first factor.
  const attempt = { presented: user.id, userId: user.id, isProved: true }
  const step = { session, user, text }
  const tried = call.settings.passcodes.tried(call, attempt, () => proofOf(call, step, code))
  if (tried.kind === 'over-limit') return overLimit(tried.waitSeconds, realm.nowMs())
  if (tried.kind === 'wrong') return unauthorized(request, WRONG_CREDENTIALS)
  if (scope.kind === 'not-theirs') return unauthorized(request, notTheirs(scope.asked, user))
  const { tenant } = scope
  const { proof } = tried
  const given = {
    judgedAt,
    user,
    tenant: tenant?.id,
    client: PROOF.multi,
    authenticatedBy: [proof.method, 'PASSWORD'],
    expects: [{ collection: IDENTITY_USERS.name, id: user.id, version: entry.version }, ...scope.expects],
    also: proof.also,
  }
  return issued(call, given, (minted) => accessAnswer(call, { ...minted, user, tenant }, 'with-catalog'))
}

type Proof = { readonly method: 'PASSCODE' | 'OTPPASSCODE'; readonly also: readonly Operation[] }
type Step = { readonly session: MfaSession; readonly user: IdentityUser; readonly text: string }

/** Each code works once, whether from a message or a generator. */
function proofOf({ realm }: Call, { session, user, text }: Step, code: string): Proof | undefined {
  if (isSmsCode(realm, session, code)) {
    const id = realm.secretDigest(text)
    const entry = {
      kind: EXPIRING_KINDS.identitySmsLogin,
      id,
      value: new Uint8Array(0),
      expiresAtMs: session.expiresAtMs,
    }
    return {
      method: 'PASSCODE',
      also: [{ kind: 'put-expiring', entry, unlessAliveAtMs: realm.nowMs() }],
    }
  }
  const totp = proveTotp(realm, user, code)
  switch (totp.kind) {
    case 'right':
      return { method: 'OTPPASSCODE', also: totp.also }
    case 'wrong':
      return undefined
    default:
      return unreachable(totp)
  }
}

type Setup = { readonly judgedAt: Position; readonly entry: Entry<IdentityUser> }

/**
 * `RAX-AUTH:scope: SETUP-MFA`: a token only for setting up MFA, without tenant and catalog. Not for users who have MFA,
 * because a password alone must not bypass it.
 */
export function setUpToken(call: Call, { judgedAt, entry }: Setup): Promise<Answer | Stale> {
  const user = entry.value
  if (mfaOf(user).isEnabled)
    return Promise.resolve(fault('forbidden', 'Multi-factor authentication is set up already.'))
  const given: Mint = {
    judgedAt,
    user,
    tenant: undefined,
    client: PROOF.setupMfa,
    authenticatedBy: ['PASSWORD'],
    scope: SETUP_SCOPE,
    isLimited: true,
    expects: [{ collection: IDENTITY_USERS.name, id: user.id, version: entry.version }],
  }
  return issued(call, given, (minted) =>
    accessAnswer(call, { ...minted, user, tenant: undefined }, 'without-catalog'),
  )
}
