import { type Awaitable, after } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import { isObject, type JsonObject } from '../../wire/strict-json.ts'
import type { Call } from '../call.ts'
import { asAnyCaller } from '../caller.ts'
import { userEntry } from '../directory/users.ts'
import { bodyFault, fault, NO_VALID_TOKEN, notAuthorized, unauthorized } from '../faults.ts'
import { readDocument } from '../format.ts'
import { isSetupMfa } from '../limited.ts'
import { judgeParty } from '../party.ts'
import { asGovernorOf, type OnUser } from '../permission.ts'

type Next = (on: OnUser) => Awaitable<Answer | Stale>

/** Goes on with the user whose MFA it is about: for who governs it, for itself, and for its token for setting up MFA. */
export function onMfaOf(call: Call, userId: string, next: Next): Awaitable<Answer> {
  return untilFresh(() =>
    asAnyCaller(call, (first, facts) => {
      if (!isSetupMfa(first.record)) return asGovernorOf(call, { userId, reach: 'self-or-governed' }, next)
      if (first.user.id !== userId) return notAuthorized()
      return after(userEntry(call.realm, userId), (entry) => {
        const caller = judgeParty(call.realm, facts)
        if (caller.kind !== 'live' || entry === undefined) return unauthorized(call.request, NO_VALID_TOKEN)
        return next({ caller, entry })
      })
    }),
  )
}

/** The same with the one element of a body. */
export function withElement(
  call: Call,
  { userId, name }: { readonly userId: string; readonly name: string },
  next: (on: OnUser, element: JsonObject) => Awaitable<Answer | Stale>,
): Awaitable<Answer> {
  const read = readDocument(call.request)
  return onMfaOf(call, userId, (on) => {
    if (read.kind !== 'body') return bodyFault(read)
    const element = read.body[name]
    return isObject(element) ? next(on, element) : fault('badRequest', `"${name}" is missing.`)
  })
}
