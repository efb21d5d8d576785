import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { IDENTITY_USERS, userEntry } from '../directory/users.ts'
import type { Named } from '../session/credentials.ts'
import { rescoped } from '../session/descent.ts'
import { isParent } from '../session/limited.ts'
import type { Mint } from '../session/mint.ts'
import { judgeTokenContext, parseOwn, readTokenContext } from '../session/token-context.ts'
import { accessAnswer } from './access.ts'
import { fault, unauthorized, WRONG_CREDENTIALS } from './faults.ts'
import { issued } from './issued.ts'
import { scopeOf } from './tenant-scope.ts'

/** Makes a token of a tenant from a token. Not from limited tokens. */
export async function byToken(call: Call, id: string, asked: Named | undefined): Promise<Answer | Stale> {
  const { realm, request } = call
  const judgedAt = realm.position()
  const facts = await readTokenContext(realm, parseOwn(realm, id))
  const subject = facts?.record.subject
  const entry = subject === undefined ? undefined : await userEntry(realm, subject)
  const scope = entry === undefined ? undefined : await scopeOf(realm, entry.value, asked)
  // Judge after the last await.
  const context = judgeTokenContext(realm, facts)
  if (context.kind !== 'live' || entry === undefined || scope === undefined)
    return unauthorized(request, WRONG_CREDENTIALS)
  const parent = context.record
  if (!isParent(parent)) return fault('forbidden', 'This token is good for one purpose only.')
  if (scope.kind === 'not-theirs')
    return unauthorized(request, `Token doesn't belong to Tenant with Id/Name: '${scope.asked}'`)
  const { tenant } = scope
  const user = entry.value
  const given: Mint = {
    ...rescoped(parent, call.settings.isChained),
    judgedAt,
    user,
    tenant: tenant?.id,
    expects: [{ collection: IDENTITY_USERS.name, id: user.id, version: entry.version }, ...scope.expects],
  }
  return issued(call, given, (minted) => accessAnswer(call, { ...minted, user, tenant }, 'with-catalog'))
}
