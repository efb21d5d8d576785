import { type Principals, unreachable } from '@rescind/core'
import type { CutoffShape } from '@rescind/core/log'
import type { Change } from './changes.ts'
import { isGlobal, isMemberOf, isSameGrant } from './grants.ts'
import { appCredentialClient, domainScope, IDENTITY, PROOF, SYSTEM_SCOPE } from './names.ts'
import { type Grant, type IdentityUser, mfaOf } from './users.ts'

/** A cutoff that belongs to the same write as the change. */
export type Cutoff = { readonly shape: CutoffShape; readonly principals: Principals }

/**
 * The consequences of a change: what one changed record ends by itself. They depend only on the record before and
 * after, so no caller can omit one. Effects on other records (members of a domain, users of a role) are in
 * `cascade.ts`. docs/identity.md has the table.
 *
 * user      deleted, disabled, password set, MFA switched on        everything of the user
 *           a global role is taken away                             everything of the user
 *           a role on a project, domain or the system is taken away tokens scoped to that
 *           its default project changes, and it has no role there   tokens scoped to the old one
 *           an OTP device or a phone is verified                    its tokens for setting up MFA
 *           an API key is reset or removed, anything else           nothing
 * tenant    deleted, disabled                                       tokens scoped to it
 * domain    deleted, disabled                                       tokens scoped to it
 * app cred. deleted                                                 tokens made with it
 */
export function consequencesOf(change: Change): readonly Cutoff[] {
  switch (change.of) {
    case 'user':
      return change.before === undefined ? [] : userConsequences(change.before, change.after)
    case 'tenant':
      return isSwitchedOff(change) ? [tenantCutoff(change.id)] : []
    case 'domain':
      return isSwitchedOff(change) ? [tenantCutoff(domainScope(change.id))] : []
    case 'appCredential':
      return change.before !== undefined && change.after === undefined ? [appCredentialCutoff(change.id)] : []
    case 'account':
    case 'role':
    case 'service':
    case 'endpoint':
      return []
    default:
      return unreachable(change)
  }
}

/** Deleted or disabled. A record that never existed counts as enabled (`tenantById`). */
export function isSwitchedOff(change: {
  readonly fromVersion: number
  readonly before: { readonly enabled: boolean } | undefined
  readonly after: { readonly enabled: boolean } | undefined
}): boolean {
  const was = change.before?.enabled ?? change.fromVersion === 0
  return was && change.after?.enabled !== true
}

function userConsequences(before: IdentityUser, after: IdentityUser | undefined): readonly Cutoff[] {
  if (after === undefined || endsAll(before, after)) return [subjectCutoff(before.id)]
  const lost = grantsLost(before, after)
  if (lost.some(isGlobal)) return [subjectCutoff(before.id)]
  const scopes = new Set(lost.map(scopeOfGrant))
  const old = before.tenantId
  if (old !== undefined && !isMemberOf(after, old)) scopes.add(old)
  const cutoffs = [...scopes].map((tenant) => subjectTenantCutoff(before.id, tenant))
  return gainedDevice(before, after) ? [...cutoffs, subjectClientCutoff(before.id, PROOF.setupMfa)] : cutoffs
}

function endsAll(before: IdentityUser, after: IdentityUser): boolean {
  const isMfaSwitchedOn = !mfaOf(before).isEnabled && mfaOf(after).isEnabled
  return endsCredentials(before, after) || isMfaSwitchedOn
}

/**
 * Whether application credentials end too. A changed password or a disabled user points to an intruder, who may have
 * made one. Switching on MFA or losing a role does not.
 */
export function endsCredentials(before: IdentityUser, after: IdentityUser): boolean {
  return (before.enabled && !after.enabled) || before.passwordHash !== after.passwordHash
}

export function grantsLost(before: IdentityUser, after: IdentityUser): readonly Grant[] {
  return before.grants.filter((grant) => !after.grants.some((one) => isSameGrant(one, grant)))
}

/** The `tenant` of tokens that are scoped to where this role is granted. */
function scopeOfGrant({ tenantId, domainId }: Grant): string {
  if (tenantId !== undefined) return tenantId
  return domainId === undefined ? SYSTEM_SCOPE : domainScope(domainId)
}

function gainedDevice(before: IdentityUser, after: IdentityUser): boolean {
  const verified = (user: IdentityUser): number => {
    const { otpDevices, phones } = mfaOf(user)
    return [...otpDevices, ...phones].filter(({ isVerified }) => isVerified).length
  }
  return verified(after) > verified(before)
}

export function subjectCutoff(subject: string): Cutoff {
  return { shape: 'subject', principals: { source: IDENTITY, subject } }
}

function subjectTenantCutoff(subject: string, tenant: string): Cutoff {
  return { shape: 'subject+tenant', principals: { source: IDENTITY, subject, tenant } }
}

export function subjectClientCutoff(subject: string, client: string): Cutoff {
  return { shape: 'subject+client', principals: { source: IDENTITY, subject, client } }
}

export function tenantCutoff(tenant: string): Cutoff {
  return { shape: 'tenant', principals: { source: IDENTITY, tenant } }
}

export function appCredentialCutoff(id: string): Cutoff {
  return { shape: 'client', principals: { source: IDENTITY, client: appCredentialClient(id) } }
}
