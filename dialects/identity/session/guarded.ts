import type { Realm } from '@rescind/authority'
import { type GuardedAct, mayDelegated } from '@rescind/core'
import { hasToUseMfa } from '../directory/mfa-demand.ts'
import { PROOF } from '../directory/names.ts'
import { type IdentityUser, mfaOf } from '../directory/users.ts'
import { isSetupMfa } from './limited.ts'
import type { LiveTokenContext } from './token-context.ts'

/** An act upon a user that makes a right, or shows the text of one. */
export type Guarded = {
  readonly act: GuardedAct
  readonly of: IdentityUser
  /** The application credential that the caller's token was made with is unrestricted. */
  readonly isUnrestricted?: boolean
}

type Caller = Pick<LiveTokenContext, 'record' | 'user'>

/**
 * The one question of both versions before an act of this kind, beside that of authority over the user. A delegated
 * token does none of it (`core/verdict/delegation.ts`). A token that was made without the second factor does none of
 * it to who has to use one: else an API key, or half a login, would remove what the other half protects. Who governs
 * the user may, with all the factors that are demanded of itself: that is how lock-outs are solved.
 */
export async function mayAct(
  realm: Realm,
  { record, user }: Caller,
  { act, of, isUnrestricted }: Guarded,
): Promise<boolean> {
  if (!mayDelegated(record, act, isUnrestricted)) return false
  if (act === 'outlive' || record.client === PROOF.multi) return true
  // Made to set up the first device; it is late when that has happened.
  if (isSetupMfa(record)) return !mfaOf(of).isEnabled
  if (!(await hasToUseMfa(realm, user))) return true
  return user.id !== of.id && !(await hasToUseMfa(realm, of))
}

/** An update of a user, as far as it matters here. */
export type UserUpdate = {
  readonly before: IdentityUser
  readonly after: Pick<IdentityUser, 'username' | 'email' | 'tenantId' | 'accountId' | 'enabled'>
  readonly setsPassword: boolean
}

/** Whether an update may be made where it touches what a user logs in by, or where it belongs. */
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

/** Whether a user, domain or project may become what it would be: who was shut out of it gets in again for good. */
export function mayEnable({ record }: Pick<Caller, 'record'>, before: Enabled, becomes: Enabled): boolean {
  return before.enabled || !becomes.enabled || mayDelegated(record, 'outlive')
}
