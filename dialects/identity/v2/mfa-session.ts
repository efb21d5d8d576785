import { callerFacts, type Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import { IDENTITY } from '../directory/names.ts'
import { sealText, unsealText } from '../directory/sealed-text.ts'
import type { Named } from '../session/credentials.ts'

/** How long a login waits for its passcode after the password. SMS passcodes live as long. */
export const MFA_SESSION_MS: number = 10 * 60_000

/** A login after its first step. The client keeps it, sealed. */
export type MfaSession = {
  readonly userId: string
  readonly tenant: Named | undefined
  /** The position at which the first step was judged. A later rule on the user ends the session. */
  readonly basis: Position
  readonly expiresAtMs: number
  /** Digest of the passcode sent by text message; absent: a generator's code is expected. */
  readonly smsDigest: string | undefined
}

/** The text for X-SessionId. */
export function sealSession(realm: Realm, session: MfaSession): string {
  return sealText(realm, PURPOSE, JSON.stringify(session))
}

/** @returns undefined for text not sealed here, an expired session, or a user cut off since. */
export function openSession(realm: Realm, text: string): MfaSession | undefined {
  if (text.length > SESSION_MAX_CHARS) return undefined
  const plain = unsealText(realm, PURPOSE, text)
  // We sealed it, so it has this type.
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
