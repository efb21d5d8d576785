import { callerFacts, type Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import { IDENTITY } from '../directory/names.ts'
import { sealText, unsealText } from '../directory/sealed-text.ts'
import type { Named } from '../session/credentials.ts'

/** How long a password that was right waits for its passcode; SMS passcodes live as long. */
export const MFA_SESSION_MS: number = 10 * 60_000

/** A login whose first half was right. It is kept by the client, sealed. */
export type MfaSession = {
  readonly userId: string
  readonly tenant: Named | undefined
  /** What the first half was judged by: a rule on the user since then ends the session. */
  readonly basis: Position
  readonly expiresAtMs: number
  /** Of the passcode that was sent as a text message; absent: a generator is asked. */
  readonly smsDigest: string | undefined
}

/** The text for X-SessionId. */
export function sealSession(realm: Realm, session: MfaSession): string {
  return sealText(realm, PURPOSE, JSON.stringify(session))
}

/** @returns undefined for what was not sealed here, has ended, or whose user was cut off since. */
export function openSession(realm: Realm, text: string): MfaSession | undefined {
  if (text.length > SESSION_MAX_CHARS) return undefined
  const plain = unsealText(realm, PURPOSE, text)
  // Sealed by us, so of our type.
  const session = plain === undefined ? undefined : (JSON.parse(plain) as MfaSession)
  if (session === undefined || session.expiresAtMs <= realm.nowMs()) return undefined
  const facts = callerFacts({ source: IDENTITY, subject: session.userId }, session.basis)
  return realm.judge(facts).kind === 'active' ? session : undefined
}

export function isSmsCode(realm: Realm, session: MfaSession, code: string): boolean {
  return session.smsDigest !== undefined && sameDigest(session.smsDigest, realm.secretDigest(code))
}

const PURPOSE = { label: 'identity-mfa-session', id: 'login' } as const
const SESSION_MAX_CHARS = 8_192
