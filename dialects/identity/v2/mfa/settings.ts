import type { Answer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject } from '../../../wire/strict-json.ts'
import type { Call } from '../../call.ts'
import { put, updated } from '../../directory/changes.ts'
import { type AccountMfaEnforcement, IDENTITY_ACCOUNTS } from '../../directory/domains.ts'
import { rankOf } from '../../directory/grants.ts'
import { accountOf, type Mfa, type MfaEnforcement, mfaOf } from '../../directory/users.ts'
import { mayAct } from '../../session/guarded.ts'
import { isSetupMfa } from '../../session/limited.ts'
import { asWholeCaller } from '../caller.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, notAuthorized } from '../faults.ts'
import { booleanIn, textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { heightOf, isOperator } from '../role-ranks.ts'
import { changeMfaOf, withElement } from './on-user.ts'

const LEVELS: readonly string[] = ['DEFAULT', 'OPTIONAL', 'REQUIRED']
const ACCOUNT_LEVELS: readonly string[] = ['OPTIONAL', 'REQUIRED', 'RACKSPACE_MANDATED']

/**
 * `PUT /v2.0/users/{id}/RAX-AUTH/multi-factor`. `enabled` needs a verified device, and switching it on ends all tokens.
 * `userMultiFactorEnforcementLevel` is set by a governing user, and raising it ends one-factor tokens.
 */
export function putMultiFactor(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return withElement(call, { userId, name: 'RAX-AUTH:multiFactor' }, ({ caller, entry }, element) => {
    const mfa = mfaOf(entry.value)
    const isEnabled = booleanIn(element, 'enabled')
    const level = textIn(element, 'userMultiFactorEnforcementLevel')
    if ((isEnabled === undefined) === (level === undefined))
      return fault('badRequest', 'Either "enabled" or "userMultiFactorEnforcementLevel" is needed.')
    if (level !== undefined && isSetupMfa(caller.record)) return notAuthorized()
    if (level !== undefined && !LEVELS.includes(level)) return fault('badRequest', 'There is no such level.')
    if (
      level !== undefined &&
      caller.user.id === userId &&
      heightOf(rankOf(caller.user)) < heightOf('user-admin')
    )
      return notAuthorized()
    if (isEnabled === true && !hasDevice(mfa))
      return fault('badRequest', 'A verified device is needed before multi-factor is enabled.')
    const after: Mfa =
      isEnabled === undefined ? { ...mfa, enforcement: level as MfaEnforcement } : { ...mfa, isEnabled }
    const changes = [updated('user', entry, { ...entry.value, mfa: after })]
    return change(call, { caller, how: 'mfa.update', changes }, () => NO_CONTENT)
  })
}

export function hasDevice({ otpDevices, phones }: Mfa): boolean {
  return [...otpDevices, ...phones].some(({ isVerified }) => isVerified)
}

/** `DELETE`: switches MFA off and deletes the devices. Tokens stay, because less is required now. */
export function deleteMultiFactor(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return changeMfaOf(call, userId, ({ caller, entry }) => {
    if (isSetupMfa(caller.record)) return notAuthorized()
    const { enforcement } = mfaOf(entry.value)
    const mfa: Mfa = { isEnabled: false, enforcement, otpDevices: [], phones: [] }
    const changes = [updated('user', entry, { ...entry.value, mfa })]
    return change(call, { caller, how: 'mfa.delete', changes }, () => NO_CONTENT)
  })
}

/** `PUT /v2.0/RAX-AUTH/domains/{id}/multi-factor`: the level of an account. Only operators mandate. */
export function putAccountMultiFactor(call: Call, [accountId = '']: readonly string[]): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asWholeCaller(call, async (caller) => {
      const { user } = caller
      const isOwn = rankOf(user) === 'user-admin' && accountOf(user) === accountId
      if (!isOwn && !isOperator(user)) return notAuthorized()
      if (!(await mayAct(call.realm, caller, { act: 'change-credential', of: user }))) return notAuthorized()
      if (read.kind !== 'body') return bodyFault(read)
      const element = read.body['RAX-AUTH:multiFactorDomain']
      const level = isObject(element) ? textIn(element, 'domainMultiFactorEnforcementLevel') : undefined
      if (level === undefined || !ACCOUNT_LEVELS.includes(level))
        return fault('badRequest', '"RAX-AUTH:multiFactorDomain" with a level is needed.')
      const state = await call.realm.directory.state(IDENTITY_ACCOUNTS, accountId)
      const was = state.entry?.value.mfaEnforcement
      if ((level === 'RACKSPACE_MANDATED' || was === 'RACKSPACE_MANDATED') && !isOperator(user))
        return notAuthorized()
      const after = { id: accountId, mfaEnforcement: level as AccountMfaEnforcement }
      const changes = [put('account', accountId, { state, after })]
      return change(call, { caller, how: 'mfa.account', changes }, () => NO_CONTENT)
    }),
  )
}
