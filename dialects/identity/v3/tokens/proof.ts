import type { Operation, Realm } from '@rescind/authority'
import { type TokenRecord, unreachable } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import type { Call } from '../../call.ts'
import { IDENTITY_APP_CREDENTIALS, type IdentityAppCredential } from '../../directory/app-credentials.ts'
import { domainAt, domainByName } from '../../directory/domains.ts'
import { isMfaDemanded } from '../../directory/mfa-demand.ts'
import { jointKey } from '../../directory/names.ts'
import { claimedUser, type IdentityUser, mfaOf, userById } from '../../directory/users.ts'
import { isLimited, isParent } from '../../session/limited.ts'
import { turnOf } from '../../session/password-check.ts'
import { judgeTokenContext, parseOwn, readTokenContext } from '../../session/token-context.ts'
import { proveTotp } from '../../session/totp.ts'
import type { AppCredentialNamed, AuthMethod, DomainNamed, InDomain } from './auth-body.ts'

/** An authenticated user, and how it was proved. */
export type Proven = {
  readonly kind: 'proven'
  readonly user: IdentityUser
  /** With v2.0's names. */
  readonly authenticatedBy: readonly string[]
  /** The token that this login builds on. */
  readonly parent: TokenRecord | undefined
  readonly credential: IdentityAppCredential | undefined
  /** Records that a passcode was used, so that it works only once. */
  readonly also: readonly Operation[]
}
export type Proof =
  | Proven
  | { readonly kind: 'failed' }
  /** The token presented is live but may not make others. */
  | { readonly kind: 'no-parent' }
  /** The proof is right, but this user must give more factors. */
  | { readonly kind: 'incomplete' }
  /** The proof is right but insufficient: MFA is required and not set up. */
  | { readonly kind: 'must-set-up' }
  /** Too many wrong passcodes. */
  | { readonly kind: 'over-limit'; readonly waitSeconds: number }

const FAILED = { kind: 'failed' } as const

/** Proves all methods of a request. They must be about one user, and all are tried before any is judged. */
export async function proveAll(call: Call, methods: readonly AuthMethod[]): Promise<Proof> {
  let all: Proof | undefined
  // Passcodes come last, so that one is used up only if everything else is right.
  for (const method of methods.toSorted((one, other) => order(one) - order(other)))
    all = isRefused(all) && method.kind === 'totp' ? all : both(all, await prove(call, method, all))
  if (all?.kind !== 'proven') return all ?? FAILED
  if (needsMore(all)) return { kind: 'incomplete' }
  return (await mustSetUp(call.realm, all)) ? { kind: 'must-set-up' } : all
}

function isRefused(proof: Proof | undefined): proof is Exclude<Proof, Proven> {
  return proof !== undefined && proof.kind !== 'proven'
}

function order({ kind }: AuthMethod): number {
  return kind === 'totp' ? 1 : 0
}

function both(one: Proof | undefined, other: Proof): Proof {
  if (one === undefined || other.kind === 'over-limit') return other
  if (one.kind !== 'proven') return one
  if (other.kind !== 'proven') return other
  if (one.user.id !== other.user.id) return FAILED
  return {
    kind: 'proven',
    user: other.user,
    authenticatedBy: [...new Set([...one.authenticatedBy, ...other.authenticatedBy])],
    parent: one.parent ?? other.parent,
    credential: one.credential ?? other.credential,
    also: [...one.also, ...other.also],
  }
}

/** @param before the result of the request's other methods. */
function prove(call: Call, method: AuthMethod, before: Proof | undefined): Promise<Proof> {
  switch (method.kind) {
    case 'password':
      return provePassword(call, method)
    case 'token':
      return proveToken(call, method.id)
    case 'application_credential':
      return proveCredential(call, method)
    case 'totp':
      return provePasscode(call, method, before)
    default:
      return unreachable(method)
  }
}

/** Unknown users cost the same as known ones: one password hash. */
async function provePassword(
  call: Call,
  { user: named, password }: Extract<AuthMethod, { kind: 'password' }>,
): Promise<Proof> {
  const { realm, settings } = call
  const user = await userNamed(realm, named)
  const hash = user?.passwordHash
  const isRight = await settings.passwords.verify({ hash, password, ...turnOf(call, named.value) })
  return user === undefined || !isRight ? FAILED : proven(user, { authenticatedBy: ['PASSWORD'] })
}

/** A code of a verified generator. Wrong ones are limited, because six digits are soon guessed. */
async function provePasscode(
  call: Call,
  { user: named, passcode }: Extract<AuthMethod, { kind: 'totp' }>,
  before: Proof | undefined,
): Promise<Proof> {
  const { realm, settings } = call
  const user = await userNamed(realm, named)
  const first = before?.kind === 'proven' ? before.user.id : undefined
  // The request fails for any other user, so it must not tell whether the code was right.
  if (first !== undefined && first !== user?.id) return FAILED
  const attempt = { presented: JSON.stringify(named), userId: user?.id, isProved: first !== undefined }
  const tried = settings.passcodes.tried(call, attempt, () => {
    // A code alone never logs in a user who must prove more, so it is not checked and reveals nothing.
    if (user === undefined || (first === undefined && mfaOf(user).isEnabled)) return undefined
    const proof = proveTotp(realm, user, passcode)
    return proof.kind === 'right' ? { user, also: proof.also } : undefined
  })
  if (tried.kind === 'over-limit') return tried
  if (tried.kind === 'wrong') return FAILED
  return proven(tried.proof.user, { authenticatedBy: ['OTPPASSCODE'], also: tried.proof.also })
}

/** A live token proves its user, unless it is limited or comes from an application credential. */
async function proveToken({ realm }: Call, text: string): Promise<Proof> {
  const facts = await readTokenContext(realm, parseOwn(realm, text))
  const context = judgeTokenContext(realm, facts)
  if (context.kind !== 'live' || isLimited(context.record)) return FAILED
  const { record, user } = context
  // Copies would outlive the token that they were made from (CVE-2026-80182, CVE-2026-80184).
  if (!isParent(record)) return { kind: 'no-parent' }
  return proven(user, { authenticatedBy: record.authenticatedBy ?? [], parent: record })
}

/** Unknown credentials cost the same as known ones: one comparison of digests. */
async function proveCredential(
  { realm }: Call,
  { credential: named, secret }: Extract<AuthMethod, { kind: 'application_credential' }>,
): Promise<Proof> {
  const credential = await credentialNamed(realm, named)
  const isSame = sameDigest(credential?.secretDigest ?? NO_DIGEST, realm.secretDigest(secret))
  if (!isSame || credential === undefined) return FAILED
  if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= realm.nowMs()) return FAILED
  const user = await userById(realm, credential.userId)
  if (user === undefined) return FAILED
  return proven(user, { authenticatedBy: ['APPLICATION_CREDENTIAL'], credential })
}

/** Compared where there is no secret. It has a digest's length. */
const NO_DIGEST = 'A'.repeat(43)

async function credentialNamed(
  realm: Realm,
  named: AppCredentialNamed,
): Promise<IdentityAppCredential | undefined> {
  if (named.by === 'id') return (await realm.directory.get(IDENTITY_APP_CREDENTIALS, named.id))?.value
  const user = await userNamed(realm, named.user)
  if (user === undefined) return undefined
  const key = { name: 'name', value: jointKey(user.id, named.name) }
  return (await realm.directory.find(IDENTITY_APP_CREDENTIALS, key))?.value
}

async function userNamed(realm: Realm, named: InDomain): Promise<IdentityUser | undefined> {
  if (named.by === 'id') return (await claimedUser(realm, named))?.value
  const domainId = await domainIdNamed(realm, named.domain)
  const user = (await claimedUser(realm, named))?.value
  return user?.domainId === domainId ? user : undefined
}

/** @returns undefined for a name that no domain has. */
export async function domainIdNamed(realm: Realm, named: DomainNamed): Promise<string | undefined> {
  return named.by === 'id' ? named.value : (await domainByName(realm, named.value))?.id
}

function proven(user: IdentityUser, by: Partial<Proven> & Pick<Proven, 'authenticatedBy'>): Proven {
  return { parent: undefined, credential: undefined, also: [], ...by, kind: 'proven', user }
}

/** A password or a passcode alone is half of what a user with MFA must prove. */
function needsMore({ user, parent, credential, authenticatedBy }: Proven): boolean {
  if (parent !== undefined || credential !== undefined) return false
  return mfaOf(user).isEnabled && !isMultiFactor(authenticatedBy)
}

export function isMultiFactor(authenticatedBy: readonly string[]): boolean {
  return ['PASSWORD', 'OTPPASSCODE'].every((name) => authenticatedBy.includes(name))
}

/** If MFA is required, a user without it can log in neither by a password nor by a credential. */
async function mustSetUp(realm: Realm, { user, parent }: Proven): Promise<boolean> {
  if (parent !== undefined || mfaOf(user).isEnabled) return false
  return isMfaDemanded(realm, user)
}

/** Whether user and domain are enabled. If not, only an authenticated user gets here, and gets a 401. */
export async function isEnabled(realm: Realm, user: IdentityUser): Promise<boolean> {
  return user.enabled && (await domainAt(realm, user.domainId)).domain.enabled
}
