import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import type { Call } from '../../call.ts'
import { settled } from '../../directory/home.ts'
import { accountOf, type IdentityUser, mfaOf } from '../../directory/users.ts'
import { VARY } from '../faults.ts'

/** A user in v2.0's form. `name` and `tenantId` are Keystone's, the rest is the vendor's. */
export async function userJson(
  { realm, settings }: Pick<Call, 'realm' | 'settings'>,
  given: IdentityUser,
): Promise<object> {
  const user = await settled(realm, given)
  const account = accountOf(user)
  return {
    id: user.id,
    username: user.username,
    name: user.username,
    ...defined({ email: user.email }),
    enabled: user.enabled,
    ...defined({ tenantId: user.tenantId }),
    'RAX-AUTH:defaultRegion': user.defaultRegion ?? settings.region,
    ...(account === undefined ? {} : { 'RAX-AUTH:domainId': account }),
    'RAX-AUTH:multiFactorEnabled': mfaOf(user).isEnabled,
  }
}

export async function userAnswer(call: Call, user: IdentityUser): Promise<Answer> {
  return jsonAnswer(200, { user: await userJson(call, user) }, VARY)
}
