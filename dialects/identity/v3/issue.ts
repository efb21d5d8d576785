import {
  type Awaitable,
  ContractBroken,
  callerFacts,
  issueTokens,
  mintText,
  type Position,
  PREFIX,
  type TokenIntent,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import type { Call } from '../call.ts'
import { chainOf, descent } from '../descent.ts'
import { domainAt } from '../directory/domains.ts'
import { appCredentialClient, IDENTITY, PROOF } from '../directory/names.ts'
import { accountOf } from '../directory/users.ts'
import { forbidden, malformed, overLimit, success, unauthorized } from './answers.ts'
import { type AuthAsked, parseAuth } from './auth-body.ts'
import { catalogForm } from './catalog.ts'
import { readJson } from './entity.ts'
import { isEnabled, isMultiFactor, type Proven, proveAll } from './proof.ts'
import { resolveScope } from './resolve-scope.ts'
import { tenantOfScope } from './scope.ts'
import type { ScopeGrant } from './scope-grant.ts'
import { tokenBody } from './token-body.ts'

/**
 * `POST /v3/auth/tokens`: every method that is named must prove the same user. Whatever fails is 401 and says no more:
 * which part was wrong, and whether a user or project exists, is nobody's business who has not proved anything.
 */
export function issue(call: Call): Awaitable<Answer> {
  const read = readJson(call.request)
  if (read.kind === 'malformed') return malformed(read.detail)
  const asked = parseAuth(call.request.body)
  if (asked.kind === 'malformed') return malformed(asked.detail)
  if (asked.kind === 'unknown-method') return unauthorized(call.request)
  if (asked.scope.kind === 'trust') return forbidden('Trusts are disabled.')
  return untilFresh(() => attempt(call, asked))
}

async function attempt(call: Call, asked: AuthAsked): Promise<Answer | Stale> {
  const basis = call.realm.basis()
  const proven = await proveAll(call, asked.methods)
  switch (proven.kind) {
    case 'failed':
      return unauthorized(call.request)
    case 'incomplete':
      return unauthorized(call.request, 'Additional authentication credentials required.')
    case 'must-set-up':
      return forbidden('User must setup multi-factor')
    case 'over-limit':
      return overLimit(proven.waitSeconds)
    case 'proven':
      return scoped(call, { basis, proven, scope: asked.scope })
    default:
      return unreachable(proven)
  }
}

type Scoping = { readonly basis: Position; readonly proven: Proven; readonly scope: AuthAsked['scope'] }

async function scoped(call: Call, { basis, proven, scope }: Scoping): Promise<Answer | Stale> {
  if (!(await isEnabled(call.realm, proven.user))) return unauthorized(call.request)
  const resolved = await resolveScope(call.realm, proven, scope)
  if (resolved.kind === 'narrower') return forbidden('What was proved is good for one project only.')
  if (resolved.kind === 'no-access') return unauthorized(call.request)
  return mint(call, { basis, proven, grant: resolved.grant })
}

type Mint = { readonly basis: Position; readonly proven: Proven; readonly grant: ScopeGrant }

async function mint(call: Call, { basis, proven, grant }: Mint): Promise<Answer | Stale> {
  const { realm, request } = call
  const { user, parent } = proven
  const intent = intentOf(call, proven, grant)
  const standing = { realm: realm.ordinal, facts: parent ?? callerFacts(intent, basis) }
  const caller = { id: `${IDENTITY}:${user.id}`, from: request.from, standing }
  const issued = await issueTokens(realm, { basis, caller, tokens: [intent], also: proven.also })
  switch (issued.kind) {
    case 'issued': {
      const [record] = issued.records
      if (record === undefined) throw new ContractBroken('one intent makes one record')
      const userDomain = (await domainAt(realm, user.domainId)).domain
      const body = await tokenBody(call, { record, user, userDomain, grant }, catalogForm(request))
      return success(201, body, { 'x-subject-token': intent.raw.reveal() })
    }
    case 'stale':
    // 178 random bits drawn twice: draw again.
    case 'token-exists':
      return 'stale'
    // Somebody used the same passcode first.
    case 'consumed':
      return unauthorized(request)
    case 'held':
      return forbidden('This user or project is suspended.')
    case 'too-deep':
      return forbidden('This token was made from a token too many times.')
    case 'lifetime-too-long':
      throw new ContractBroken('settings bound the life of a token')
    default:
      return unreachable(issued)
  }
}

/** What is made from a token ends with it at the latest, and stays in its family: no chain of logins outlives the first. */
function intentOf({ realm, settings }: Call, proven: Proven, { scope }: ScopeGrant): TokenIntent {
  const { user, parent, credential, authenticatedBy } = proven
  const tenant = tenantOfScope(scope)
  const account = accountOf(user)
  const expiriesMs = [parent?.expiresAtMs ?? realm.nowMs() + settings.tokenLifeMs, credential?.expiresAtMs]
  return {
    source: IDENTITY,
    subject: user.id,
    client: clientOf(proven),
    ...(tenant === undefined ? {} : { tenant }),
    raw: mintText(PREFIX.identity, realm.random),
    kind: 'identity',
    expiresAtMs: Math.min(...expiriesMs.filter((ms) => ms !== undefined)),
    authenticatedBy,
    ...(parent === undefined ? {} : descent(parent, settings.isChained)),
    claims: {
      ...(account === undefined ? {} : { account }),
      ...(parent === undefined ? {} : inherited(parent)),
    },
  }
}

/** Who stands behind a token stands behind what is made from it. */
function inherited(parent: TokenRecord): Readonly<Record<string, unknown>> {
  const impersonator = parent.claims?.['impersonator']
  return { chain: chainOf(parent), ...(impersonator === undefined ? {} : { impersonator }) }
}

function clientOf({ parent, credential, authenticatedBy }: Proven): string {
  if (credential !== undefined) return appCredentialClient(credential.id)
  if (parent?.client !== undefined) return parent.client
  return isMultiFactor(authenticatedBy) ? PROOF.multi : PROOF.single
}
