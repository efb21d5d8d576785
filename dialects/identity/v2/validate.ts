import { unreachable } from '@rescind/core'
import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import type { Call } from '../call.ts'
import { isLimited } from '../session/limited.ts'
import { belongsTo, isTokenText } from '../session/naming.ts'
import type { LiveTokenContext } from '../session/token-context.ts'
import { accessAnswer } from './access.ts'
import { asCaller, asCallerAbout } from './caller.ts'
import { catalogOf, endpointList } from './catalog.ts'
import { fault, tokenNotFound, unauthorized, VARY } from './faults.ts'
import { asOperator } from './permission.ts'

/**
 * `GET` and `HEAD /v2.0/tokens/{id}`: 200 with `access` and no catalog while the token is live. A dead caller gets 401,
 * a dead subject 404; gateways tell by this whose token has ended.
 */
export function validate(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return ofSubject(call, id, (target) => accessAnswer(call, { ...target, id }, 'without-catalog'))
}

/** `GET /v2.0/tokens/{id}/endpoints`: the catalog of the token's login as a flat list. */
export function endpoints(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return ofSubject(call, id, async ({ tenant }) => {
    const entries = await catalogOf(call, tenant)
    return jsonAnswer(200, { endpoints: endpointList(entries), endpoints_links: [] }, VARY)
  })
}

/** `OS-KSVALIDATE`: the same two calls with the token in X-Subject-Token, which keeps it out of URLs. */
export function validateSubject(call: Call): Promise<Answer> {
  return bySubjectHeader(call, (id) => validate(call, [id]))
}

export function subjectEndpoints(call: Call): Promise<Answer> {
  return bySubjectHeader(call, (id) => endpoints(call, [id]))
}

function bySubjectHeader(call: Call, next: (id: string) => Promise<Answer>): Promise<Answer> {
  const id = call.request.header('x-subject-token')
  if (id !== undefined) return next(id)
  return asCaller(call, () => fault('badRequest', 'X-Subject-Token is missing.'))
}

/** These calls write nothing, so their answers cannot be stale. */
function ofSubject(
  call: Call,
  id: string,
  next: (target: LiveTokenContext) => Answer | Promise<Answer>,
): Promise<Answer> {
  const { request } = call
  const asked = belongsTo(request.query)
  if (asked.kind === 'malformed') return asCaller(call, () => fault('badRequest', asked.detail))
  if (!isTokenText(id)) return asCaller(call, () => fault('badRequest', 'This cannot be the id of a token.'))
  return asCallerAbout(call, id, ({ target }) => {
    switch (target.kind) {
      case 'held':
        return tokenNotFound()
      case 'live': {
        // A limited token must not be accepted elsewhere.
        if (isLimited(target.record)) return tokenNotFound()
        const { tenantId } = asked
        // Compared by id only. A token without a tenant is 401 too: that is Keystone's answer, and the vendor documents
        // none.
        if (tenantId !== undefined && target.record.tenant !== tenantId)
          return unauthorized(request, `Token doesn't belong to Tenant with Id/Name: '${tenantId}'`)
        return next(target)
      }
      default:
        return unreachable(target)
    }
  })
}

/** `GET /v2.0/tokens/revoked`: such lists are not kept, as in current Keystone. Only operators learn that. */
export function revokedList(call: Call): Promise<Answer> {
  return untilFresh(() => asOperator(call, () => fault('gone', 'Lists of revoked token ids are not kept.')))
}
