import type { Answer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject, type JsonObject } from '../../../wire/strict-json.ts'
import type { Call, Reply } from '../../call.ts'
import { userEntry } from '../../directory/users.ts'
import { mayAct } from '../../session/guarded.ts'
import { isSetupMfa } from '../../session/limited.ts'
import { judgeTokenContext } from '../../session/token-context.ts'
import { asAnyCaller } from '../caller.ts'
import { bodyFault, fault, NO_VALID_TOKEN, notAuthorized, unauthorized } from '../faults.ts'
import { readDocument } from '../format.ts'
import { asGovernorOf, type Governing, type OnUser } from '../permission.ts'

type Next = (on: OnUser) => Reply

/** Goes on with the user whose MFA is read: for users who govern it, for itself, and for its token for setting up MFA. */
export function seeMfaOf(call: Call, userId: string, next: Next): Promise<Answer> {
  return onMfaOf(call, { userId }, next)
}

/** The same for a change. */
export function changeMfaOf(call: Call, userId: string, next: Next): Promise<Answer> {
  return onMfaOf(call, { userId, act: 'change-credential' }, next)
}

function onMfaOf(call: Call, given: Pick<Governing, 'userId' | 'act'>, next: Next): Promise<Answer> {
  const { realm, request } = call
  const { userId, act } = given
  return untilFresh(() =>
    asAnyCaller(call, async (first, facts) => {
      if (!isSetupMfa(first.record)) return asGovernorOf(call, { ...given, reach: 'self-or-governed' }, next)
      if (first.user.id !== userId) return notAuthorized()
      const entry = await userEntry(realm, userId)
      const may =
        act === undefined || entry === undefined || (await mayAct(realm, first, { act, of: entry.value }))
      const caller = judgeTokenContext(realm, facts)
      if (caller.kind !== 'live' || entry === undefined) return unauthorized(request, NO_VALID_TOKEN)
      return may ? next({ caller, entry }) : notAuthorized()
    }),
  )
}

/** A change, with the one element of its body. */
export function withElement(
  call: Call,
  { userId, name }: { readonly userId: string; readonly name: string },
  next: (on: OnUser, element: JsonObject) => Reply,
): Promise<Answer> {
  const read = readDocument(call.request)
  return changeMfaOf(call, userId, (on) => {
    if (read.kind !== 'body') return bodyFault(read)
    const element = read.body[name]
    return isObject(element) ? next(on, element) : fault('badRequest', `"${name}" is missing.`)
  })
}
