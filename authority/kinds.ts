import type { Brand, Handle } from '@rescind/core'

/** The kind of an expiring entry, as `EXPIRING_KINDS` lists it. */
export type ExpiringKind = Brand<string, 'ExpiringKind'>
/** The purpose of a subkey, as `KEY_PURPOSES` lists it: no two purposes share a key. */
export type KeyPurpose = Brand<string, 'KeyPurpose'>

/**
 * Every kind of entry that a store keeps beside a log until it expires. The texts are stored and never change. One module
 * owns each kind and alone defines what its entries hold.
 */
const KINDS = {
  accepted: 'accepted',
  acceptedDropped: 'accepted-dropped',
  bulkProgress: 'bulk',
  endedApproval: 'approvals',
  endedHold: 'holds',
  endedSchedule: 'schedules',
  feedInstance: 'feed-instance',
  fork: 'fork',
  idempotency: 'idempotency',
  identityPasswordReset: 'identity-password-reset',
  identityPhoneCode: 'identity-phone-code',
  identitySmsLogin: 'identity-sms',
  identityTotpStep: 'identity-totp',
  lastUse: 'last-used',
  logAnchor: 'log-anchor',
  logCheckpoint: 'log-checkpoint',
  oauthAssertion: 'oauth-assertion',
  oauthEndedGrant: 'oauth-ended-grant',
  oauthUsedCode: 'oauth-used-code',
  receiptBlock: 'receipts',
  runningCall: 'running-call',
} as const

/** Every purpose of a subkey of the master key or of a realm's seal key. The texts are key material and never change. */
const PURPOSES = {
  checkpoints: 'positions',
  controlCursors: 'control-cursors',
  evidence: 'evidence',
  logAnchor: 'log-anchor',
  masterKeyId: 'master-key-id',
  realmKeys: 'realm-keys',
} as const

export const EXPIRING_KINDS: Readonly<Record<keyof typeof KINDS, ExpiringKind>> = branded(KINDS)

type Purposes = Readonly<Record<keyof typeof PURPOSES, KeyPurpose>> & {
  readonly chatTokens: (app: string) => KeyPurpose
  readonly idempotentAnswer: (id: string) => KeyPurpose
  readonly identityText: (label: IdentitySeal, id: string) => KeyPurpose
  readonly refreshAnswer: (handle: Handle) => KeyPurpose
  readonly signingKey: (keyId: string) => KeyPurpose
  readonly tokenText: (handle: Handle) => KeyPurpose
}

/** What Identity seals, each kind under its own keys. */
export type IdentitySeal = 'identity-api-key' | 'identity-mfa-session' | 'identity-totp-seed'

export const KEY_PURPOSES: Purposes = {
  ...branded<keyof typeof PURPOSES, KeyPurpose>(PURPOSES),
  chatTokens: (app) => `chat-jwt:${app}` as KeyPurpose,
  idempotentAnswer: (id) => `idempotency:${id}` as KeyPurpose,
  identityText: (label, id) => `${label}:${id}` as KeyPurpose,
  refreshAnswer: (handle) => `refresh-answer:${handle}` as KeyPurpose,
  signingKey: (keyId) => `signing-key:${keyId}` as KeyPurpose,
  tokenText: (handle) => handle as string as KeyPurpose,
}

/** For stores, which return the kinds they were given: a newer version may have written kinds that are not listed. */
export function storedKind(text: string): ExpiringKind {
  return text as ExpiringKind
}

function branded<Name extends string, Text extends string>(
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, Text>> {
  return texts as Readonly<Record<Name, Text>>
}
