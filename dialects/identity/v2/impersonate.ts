import { actRow } from '@rescind/authority'
import { mayDelegated } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import { isObject, type JsonObject } from '../../wire/strict-json.ts'
import type { Call } from '../call.ts'
import { IDENTITY_USERS, userEntryByName } from '../directory/users.ts'
import { callerOf } from '../session/caller.ts'
import { descent } from '../session/descent.ts'
import { isParent } from '../session/limited.ts'
import type { Mint } from '../session/mint.ts'
import { judgeTokenContext, type LiveTokenContext, type TokenContextFacts } from '../session/token-context.ts'
import { asWholeCaller } from './caller.ts'
import { bodyFault, fault, NO_VALID_TOKEN, notAuthorized, unauthorized, VARY } from './faults.ts'
import { numberIn, textIn } from './fields.ts'
import { readDocument } from './format.ts'
import { issued } from './issued.ts'
import { governs } from './permission.ts'
import { isOperator } from './role-ranks.ts'
import { scopeOf } from './tenant-scope.ts'

/** Default seconds of an impersonation, as at the vendor. */
const DEFAULT_SECONDS = 10_800

type Asked = { readonly username: string; readonly seconds: number }

/**
 * `POST /v2.0/RAX-AUTH/impersonation-tokens`: an operator's token for acting as a user below it. It ends with the
 * operator's token at the latest, and names the operator. No other token is made from it.
 */
export function impersonate(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asWholeCaller(call, (caller, facts) => {
      if (!isOperator(caller.user) || !mayDelegated(caller.record, 'outlive')) return notAuthorized()
      if (read.kind !== 'body') return bodyFault(read)
      const asked = parse(read.body, secondsMax(call))
      if (asked === undefined)
        return fault(
          'badRequest',
          'A "user" with a "username" is needed; "expire-in-seconds" must be above 0 and within a login’s life.',
        )
      return grant(call, { caller, facts, asked })
    }),
  )
}

/** Longest impersonation in seconds. A longer request is refused; the default is shortened to it. */
function secondsMax({ realm, settings }: Call): number {
  return Math.min(settings.tokenLifeMs, realm.lifetimes.maxMs) / 1_000
}

function parse(body: JsonObject, maxSeconds: number): Asked | undefined {
  const element = body['RAX-AUTH:impersonation']
  const user = isObject(element) ? element['user'] : undefined
  if (!isObject(element) || !isObject(user)) return undefined
  const username = textIn(user, 'username')
  const seconds = 'expire-in-seconds' in element ? numberIn(element, 'expire-in-seconds') : DEFAULT_SECONDS
  if (username === undefined || seconds === undefined || seconds < 1) return undefined
  if (seconds > maxSeconds && 'expire-in-seconds' in element) return undefined
  return { username, seconds: Math.min(seconds, maxSeconds) }
}

type Granting = {
  readonly caller: LiveTokenContext
  readonly facts: TokenContextFacts
  readonly asked: Asked
}

async function grant(call: Call, { facts, asked }: Granting): Promise<Answer | Stale> {
  const { realm, request } = call
  const judgedAt = realm.position()
  const entry = await userEntryByName(realm, asked.username)
  const scope = entry === undefined ? undefined : await scopeOf(realm, entry.value, undefined)
  // Judge after the last await.
  const caller = judgeTokenContext(realm, facts)
  if (caller.kind !== 'live') return unauthorized(request, NO_VALID_TOKEN)
  if (entry === undefined || scope === undefined)
    return fault('itemNotFound', `User ${asked.username} not found`)
  const user = entry.value
  if (!governs(caller.user, user) || !isParent(caller.record)) return notAuthorized()
  if (!user.enabled) return fault('userDisabled', `User '${user.username}' is disabled.`)
  const tenant = scope.kind === 'scope' ? scope.tenant : undefined
  // Impersonation is an act on the user, so the audit log records it.
  const by = callerOf(realm, request, caller)
  const audit = { by: by.id, from: by.from, how: 'identity.impersonate' }
  const given: Mint = {
    judgedAt,
    user,
    tenant: tenant?.id,
    client: caller.record.client ?? '',
    authenticatedBy: ['IMPERSONATION'],
    expiresAtMs: Math.min(caller.record.expiresAtMs, realm.nowMs() + asked.seconds * 1_000),
    family: descent(caller.record, true),
    claims: { impersonator: caller.user.id },
    delegated: 'impersonation',
    mintedBy: by.id,
    also: [actRow(realm, { collection: 'impersonations', id: user.id }, audit)],
    restsOn: caller.record,
    by: caller.user.id,
    expects: [
      { collection: IDENTITY_USERS.name, id: user.id, version: entry.version },
      ...(scope.kind === 'scope' ? scope.expects : []),
    ],
  }
  return issued(call, given, ({ id, record }) => {
    const token = { id, expires: formatInstant(record.expiresAtMs) }
    return jsonAnswer(200, { access: { token } }, VARY)
  })
}
