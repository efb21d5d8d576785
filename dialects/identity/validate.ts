import type { Awaitable } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import { untilFresh } from '../wire/dialect.ts'
import { accessAnswer } from './access.ts'
import type { Call } from './call.ts'
import { asCaller, asCallerAbout } from './caller.ts'
import { fault, tokenNotFound, unauthorized } from './faults.ts'
import { belongsTo, isTokenText } from './naming.ts'

/**
 * `GET` and `HEAD /v2.0/tokens/{id}`: 200 with `access` and no catalog while the token is good. A dead caller
 * is 401, a dead subject 404: gateways tell by this whose token has ended.
 */
export function validate(call: Call, [id = '']: readonly string[]): Awaitable<Answer> {
  const { request } = call
  const asked = belongsTo(request.query)
  return untilFresh(() => {
    if (asked.kind === 'malformed') return asCaller(call, () => fault('badRequest', asked.detail))
    if (!isTokenText(id))
      return asCaller(call, () => fault('badRequest', 'This cannot be the id of a token.'))
    return asCallerAbout(call, id, ({ target }) => {
      if (target.kind === 'held') return tokenNotFound()
      const { tenantId } = asked
      // By id only, and 401 for a token without a tenant too: Keystone's answer, and the vendor has no other.
      if (tenantId !== undefined && target.record.tenant !== tenantId)
        return unauthorized(request, `Token doesn't belong to Tenant with Id/Name: '${tenantId}'`)
      return accessAnswer(call, { id, ...target }, 'without-catalog')
    })
  })
}
