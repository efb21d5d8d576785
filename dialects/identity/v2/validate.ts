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
 * `GET` and `HEAD /v2.0/tokens/{id}`: 200 with `access` and no catalog while the token is good. A dead caller
 * is 401, a dead subject 404: gateways tell by this whose token has ended.
 */
export function validate(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return ofSubject(call, id, (target) => accessAnswer(call, { ...target, id }, 'without-catalog'))
}

/** `GET /v2.0/tokens/{id}/endpoints`: what the token's login was told, as a flat list. */
export function endpoints(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return ofSubject(call, id, async ({ tenant }) => {
    const entries = await catalogOf(call, tenant)
    return jsonAnswer(200, { endpoints: endpointList(entries), endpoints_links: [] }, VARY)
  })
}

/** `OS-KSVALIDATE`: the same two, with the token in X-Subject-Token, so that it stands in no URL. */
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

/** Nothing is written here, so that no answer can be stale. */
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
        // What is good for one purpose only lets nobody in anywhere else.
        if (isLimited(target.record)) return tokenNotFound()
        const { tenantId } = asked
        // By id only, and 401 for a token without a tenant too: Keystone's answer, and the vendor has no other.
        if (tenantId !== undefined && target.record.tenant !== tenantId)
          return unauthorized(request, `Token doesn't belong to Tenant with Id/Name: '${tenantId}'`)
        return next(target)
      }
      default:
        return unreachable(target)
    }
  })
}

/** `GET /v2.0/tokens/revoked`: lists by token id are off, as in today's Keystone; only operators learn even that. */
export function revokedList(call: Call): Promise<Answer> {
  return untilFresh(() => asOperator(call, () => fault('gone', 'Lists of revoked token ids are not kept.')))
}
