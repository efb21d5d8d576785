import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { parseFormText } from '../../../wire/form.ts'
import type { Call } from '../../call.ts'
import { domainAt } from '../../directory/domains.ts'
import { endAnother } from '../../session/end-another.ts'
import { endOneself } from '../../session/end-oneself.ts'
import { callerOf } from '../acting.ts'
import { malformed, NO_CONTENT, success, unauthorized } from '../answers.ts'
import { grantedBy } from '../scopes/scope-grant.ts'
import { catalogForm } from './catalog.ts'
import { type About, asActingAbout } from './subject.ts'
import { tokenBody } from './token-body.ts'

/**
 * `GET` and `HEAD /v3/auth/tokens`: the current state of the token in X-Subject-Token. A dead caller gets 401, a dead
 * subject 404; middleware tells by this whose token has ended.
 */
export function validate(call: Call): Promise<Answer> {
  const allowsExpired = isAskedFor(call, 'allow_expired')
  return untilFresh(() =>
    asActingAbout(call, allowsExpired ? 'validate-expired' : 'validate', async ({ target, text }) => {
      const { record, user } = target
      const grant = await grantedBy(call.realm, record, user)
      const userDomain = (await domainAt(call.realm, user.domainId)).domain
      const body = await tokenBody(call, { record, user, userDomain, grant }, catalogForm(call.request))
      // Judge again after the last read: a token revoked meanwhile must not be shown as live.
      if (!target.isStillGood()) return 'stale'
      return success(200, body, { 'x-subject-token': text })
    }),
  )
}

const HOW = 'identity.v3.revoke'

/**
 * `DELETE /v3/auth/tokens`: ends one token and, with chain revocation, the tokens made from it. `?cascade=` of newer
 * Keystones is accepted if it agrees with the setting, and refused otherwise.
 */
export async function revoke(call: Call): Promise<Answer> {
  const cascade = flagNamed(call, 'cascade')
  const { isChained } = call.settings
  if (cascade !== undefined && cascade !== isChained)
    return malformed(
      `This server ${isChained ? 'always' : 'never'} ends what was made from a token along with it.`,
    )
  const { request } = call
  const own = request.header('x-auth-token')
  const isOwn = own !== undefined && own === request.header('x-subject-token')
  return untilFresh(() => (isOwn ? endOwn(call) : asActingAbout(call, 'revoke', (about) => end(call, about))))
}

async function endOwn(call: Call): Promise<Answer | Stale> {
  const outcome = await endOneself(call, HOW)
  switch (outcome) {
    case 'ended':
      return NO_CONTENT
    case 'nobody':
      return unauthorized(call.request)
    case 'stale':
      return outcome
    default:
      return unreachable(outcome)
  }
}

async function end(call: Call, { acting, target }: About): Promise<Answer | Stale> {
  const act = { caller: callerOf(call, acting), how: HOW }
  return (await endAnother(call.realm, target, act)) === 'stale' ? 'stale' : NO_CONTENT
}

function isAskedFor(call: Call, name: string): boolean {
  return flagNamed(call, name) === true
}

const TRUTHS: readonly string[] = ['1', 't', 'true', 'on', 'y', 'yes']

/** A query flag as Keystone parses it; undefined when absent. */
function flagNamed({ request }: Call, name: string): boolean | undefined {
  const form = parseFormText(request.query ?? '')
  const value = form.kind === 'form' ? form.values.get(name) : undefined
  return value === undefined ? undefined : TRUTHS.includes(value.trim().toLowerCase())
}
