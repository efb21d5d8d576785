import { type IssueAct, type Issued, issueTokens } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, refuse, success, suspended, tooMany } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import { type Minting, type Texts, tokenMembers } from './tokens.ts'

export function mintingOf({ realm, issuer }: Call, { client, judgedAt }: Authenticated): Minting {
  return { realm, issuer, client, judgedAt }
}

export type More = Pick<IssueAct, 'consume' | 'consumeSealed' | 'also'>

/** Issues the minted tokens in one write and answers with them, or with the reason why not. */
export async function issueAnswer(
  { realm }: Call,
  { judgedAt, caller }: Authenticated,
  { texts, more = {} }: { readonly texts: Texts; readonly more?: More },
): Promise<Answer | Stale> {
  const { access, refresh } = texts
  const issued = await issueTokens(realm, {
    judgedAt,
    caller,
    ...more,
    tokens: refresh === undefined ? [access.intent] : [access.intent, refresh.intent],
    also: more.also === undefined ? access.also : [...access.also, ...more.also],
  })
  return issued.kind === 'issued' ? success(tokenMembers(texts)) : refusedIssue(issued)
}

function refusedIssue(issued: Exclude<Issued, { kind: 'issued' }>): Answer | Stale {
  switch (issued.kind) {
    case 'stale':
    case 'token-exists':
    // Another request consumed it meanwhile. Judged again, this request is a replay.
    case 'consumed':
      return 'stale'
    case 'held':
      return suspended()
    case 'too-deep':
      return badRequest('the token has been exchanged too often')
    case 'over-quota':
      return tooMany('tokens were issued for this client', issued.waitSeconds)
    default:
      return unreachable(issued)
  }
}

export function tooLong(): Answer {
  return badRequest('the token would be too long: ask for fewer scopes or targets')
}

export function wrongScope(): Answer {
  return refuse(400, 'invalid_scope', 'the scope is malformed or not allowed')
}

/** Only an authenticated client is told which targets are registered for it. */
export function wrongTarget({ client, method }: Authenticated): Answer {
  const why = 'the resource or audience is malformed or not allowed'
  if (method === 'none') return refuse(400, 'invalid_target', why)
  // RFC 6749 §5.2 allows neither quotes nor backslashes nor non-ASCII in descriptions.
  const sayable = (client.audiences ?? []).filter((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))
  const registered = sayable.length === 0 ? 'none is registered' : `registered: ${sayable.join(' ')}`
  return refuse(400, 'invalid_target', `${why}; ${registered}`)
}
