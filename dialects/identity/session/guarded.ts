import type { Realm } from '@rescind/authority'
import { type GuardedAct, mayDelegated } from '@rescind/core'
import { hasToUseMfa } from '../directory/mfa-demand.ts'
import { PROOF } from '../directory/names.ts'
import { type IdentityUser, mfaOf } from '../directory/users.ts'
import { isSetupMfa } from './limited.ts'
import type { LiveTokenContext } from './token-context.ts'

/** An act on a user that creates a right, or shows the text of one. */
export type Guarded = {
  readonly act: GuardedAct
  readonly of: IdentityUser
  /** The caller's token comes from an application credential that is unrestricted. */
  readonly isUnrestricted?: boolean
}

type Caller = Pick<LiveTokenContext, 'record' | 'user'>

/**
 * Whether such an act is allowed, beside authority over the user; both versions ask this. A delegated token may do none
 * of it (`core/verdict/delegation.ts`). A token without the second factor may not do it to a user who must use one,
 * because otherwise an API key or a half-finished login could remove what the other factor protects. A governing user
 * may, with all the factors that it must use itself: that is how lock-outs are solved.
 */
export async function mayAct(
  realm: Realm,
  { record, user }: Caller,
  { act, of, isUnrestricted }: Guarded,
): Promise<boolean> {
  if (!mayDelegated(record, act, isUnrestricted)) return false
  if (act === 'outlive' || record.client === PROOF.multi) return true
  // The token is for setting up the first device; it is void once MFA is enabled.
  if (isSetupMfa(record)) return !mfaOf(of).isEnabled
  if (!(await hasToUseMfa(realm, user))) return true
  return user.id !== of.id && !(await hasToUseMfa(realm, of))
}

/** The relevant parts of an update of a user. */
export type UserUpdate = {
  readonly before: IdentityUser
  readonly after: Pick<IdentityUser, 'username' | 'email' | 'tenantId' | 'accountId' | 'enabled'>
  readonly setsPassword: boolean
}

/** Whether an update may change the login data of a user, or where it belongs. */
export async function mayUpdate(realm: Realm, caller: Caller, update: UserUpdate): Promise<boolean> {
  const { before, after: becomes, setsPassword } = update
  const isMoved = becomes.tenantId !== before.tenantId || becomes.accountId !== before.accountId
  if (isMoved && !mayDelegated(caller.record, 'outlive')) return false
  if (!mayEnable(caller, before, becomes)) return false
  const isTouched =
    isMoved || setsPassword || becomes.username !== before.username || becomes.email !== before.email
  return !isTouched || mayAct(realm, caller, { act: 'change-credential', of: before })
}

type Enabled = { readonly enabled: boolean }

/** Whether a user, domain or project may be enabled: enabling lets everybody in it back in permanently. */
export function mayEnable({ record }: Pick<Caller, 'record'>, before: Enabled, becomes: Enabled): boolean {
  return before.enabled || !becomes.enabled || mayDelegated(record, 'outlive')
}
