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

/** Who has proved to be whom, and by what. */
export type Proven = {
  readonly kind: 'proven'
  readonly user: IdentityUser
  /** As v2.0 names them. */
  readonly authenticatedBy: readonly string[]
  /** The token that this login rests on. */
  readonly parent: TokenRecord | undefined
  readonly credential: IdentityAppCredential | undefined
  /** What a passcode leaves behind, so that it serves once. */
  readonly also: readonly Operation[]
}
export type Proof =
  | Proven
  | { readonly kind: 'failed' }
  /** It rests on a live token that makes no others. */
  | { readonly kind: 'no-parent' }
  /** What was proved is right, and this user has to prove more. */
  | { readonly kind: 'incomplete' }
  /** What was proved is right, and is not enough: multi-factor authentication is demanded and not set up. */
  | { readonly kind: 'must-set-up' }
  /** Passcodes are tried too often. */
  | { readonly kind: 'over-limit'; readonly waitSeconds: number }

const FAILED = { kind: 'failed' } as const

/** All methods of one request; they have to be about one user, and each is asked for before any is judged. */
export async function proveAll(call: Call, methods: readonly AuthMethod[]): Promise<Proof> {
  let all: Proof | undefined
  // Passcodes come last: one is used up only where everything else was right.
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

/** @param before what the other methods of the request have proved. */
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

/** Unknown users cost what known ones do: one password hashing. */
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

/** A code of a generator that was verified. Six digits are guessed soon by whoever may try often. */
async function provePasscode(
  call: Call,
  { user: named, passcode }: Extract<AuthMethod, { kind: 'totp' }>,
  before: Proof | undefined,
): Promise<Proof> {
  const { realm, settings } = call
  const user = await userNamed(realm, named)
  const first = before?.kind === 'proven' ? before.user.id : undefined
  // Whoever else it is, the request fails; then it must not tell whether the code was right either.
  if (first !== undefined && first !== user?.id) return FAILED
  const attempt = { presented: JSON.stringify(named), userId: user?.id, isProved: first !== undefined }
  const tried = settings.passcodes.tried(call, attempt, () => {
    // Alone it never logs in who has to prove more, so nothing is learnt from it.
    if (user === undefined || (first === undefined && mfaOf(user).isEnabled)) return undefined
    const proof = proveTotp(realm, user, passcode)
    return proof.kind === 'right' ? { user, also: proof.also } : undefined
  })
  if (tried.kind === 'over-limit') return tried
  if (tried.kind === 'wrong') return FAILED
  return proven(tried.proof.user, { authenticatedBy: ['OTPPASSCODE'], also: tried.proof.also })
}

/** A live token stands for its user. One for one purpose does not, and one of an application credential makes no others. */
async function proveToken({ realm }: Call, text: string): Promise<Proof> {
  const facts = await readTokenContext(realm, parseOwn(realm, text))
  const context = judgeTokenContext(realm, facts)
  if (context.kind !== 'live' || isLimited(context.record)) return FAILED
  const { record, user } = context
  // Copies would outlive the token that they were made from (CVE-2026-80182, CVE-2026-80184).
  if (!isParent(record)) return { kind: 'no-parent' }
  return proven(user, { authenticatedBy: record.authenticatedBy ?? [], parent: record })
}

/** Unknown credentials cost what known ones do: one comparison of digests. */
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

/** What a secret is compared with where there is none: of a digest's length. */
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

/** A password alone, or a passcode alone, is half of what a user with multi-factor authentication has to prove. */
function needsMore({ user, parent, credential, authenticatedBy }: Proven): boolean {
  if (parent !== undefined || credential !== undefined) return false
  return mfaOf(user).isEnabled && !isMultiFactor(authenticatedBy)
}

export function isMultiFactor(authenticatedBy: readonly string[]): boolean {
  return ['PASSWORD', 'OTPPASSCODE'].every((name) => authenticatedBy.includes(name))
}

/** Where more than one factor is demanded, who has set up none gets in neither by a password nor by a credential. */
async function mustSetUp(realm: Realm, { user, parent }: Proven): Promise<boolean> {
  if (parent !== undefined || mfaOf(user).isEnabled) return false
  return isMfaDemanded(realm, user)
}

/** Whether user and domain are enabled; only who has proved to be the user learns that they are not, by a 401. */
export async function isEnabled(realm: Realm, user: IdentityUser): Promise<boolean> {
  return user.enabled && (await domainAt(realm, user.domainId)).domain.enabled
}
