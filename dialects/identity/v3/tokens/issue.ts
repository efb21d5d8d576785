import { type Position, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call } from '../../call.ts'
import { domainAt } from '../../directory/domains.ts'
import { appCredentialClient, PROOF } from '../../directory/names.ts'
import { rescoped } from '../../session/descent.ts'
import { type Mint, mint } from '../../session/mint.ts'
import { forbidden, malformed, overLimit, success, suspended, unauthorized } from '../answers.ts'
import { readJson } from '../entity.ts'
import { resolveScope } from '../scopes/resolve-scope.ts'
import { tenantOfScope } from '../scopes/scope.ts'
import type { ScopeGrant } from '../scopes/scope-grant.ts'
import { type AuthAsked, parseAuth } from './auth-body.ts'
import { catalogForm } from './catalog.ts'
import { isEnabled, isMultiFactor, type Proven, proveAll } from './proof.ts'
import { tokenBody } from './token-body.ts'

/**
 * `POST /v3/auth/tokens`: all named methods must prove the same user. Every failure is the same 401, because an
 * unauthenticated caller must not learn which part was wrong, or whether a user or project exists.
 */
export async function issue(call: Call): Promise<Answer> {
  const read = readJson(call.request)
  if (read.kind === 'malformed') return malformed(read.detail)
  const asked = parseAuth(read.body)
  if (asked.kind === 'malformed') return malformed(asked.detail)
  if (asked.kind === 'unknown-method') return unauthorized(call.request)
  if (asked.scope.kind === 'trust') return forbidden('Trusts are disabled.')
  return untilFresh(() => attempt(call, asked))
}

async function attempt(call: Call, asked: AuthAsked): Promise<Answer | Stale> {
  const judgedAt = call.realm.position()
  const proven = await proveAll(call, asked.methods)
  switch (proven.kind) {
    case 'failed':
      return unauthorized(call.request)
    case 'incomplete':
      return unauthorized(call.request, 'Additional authentication credentials required.')
    case 'no-parent':
      return forbidden('A token of an application credential makes no other tokens.')
    case 'must-set-up':
      return forbidden('User must setup multi-factor')
    case 'over-limit':
      return overLimit(proven.waitSeconds)
    case 'proven':
      return scoped(call, { judgedAt, proven, scope: asked.scope })
    default:
      return unreachable(proven)
  }
}

type Scoping = { readonly judgedAt: Position; readonly proven: Proven; readonly scope: AuthAsked['scope'] }

async function scoped(call: Call, { judgedAt, proven, scope }: Scoping): Promise<Answer | Stale> {
  if (!(await isEnabled(call.realm, proven.user))) return unauthorized(call.request)
  const resolved = await resolveScope(call.realm, proven, scope)
  if (resolved.kind === 'narrower') return forbidden('What was proved is good for one project only.')
  if (resolved.kind === 'no-access') return unauthorized(call.request)
  return granted(call, { judgedAt, proven, grant: resolved.grant })
}

type Granting = { readonly judgedAt: Position; readonly proven: Proven; readonly grant: ScopeGrant }

async function granted(call: Call, { judgedAt, proven, grant }: Granting): Promise<Answer | Stale> {
  const { realm, request } = call
  const { user, also } = proven
  const tenant = tenantOfScope(grant.scope)
  const outcome = await mint(call, { ...proofOf(call, proven), judgedAt, user, tenant, also })
  switch (outcome.kind) {
    case 'minted': {
      const { id, record } = outcome
      const userDomain = (await domainAt(realm, user.domainId)).domain
      const body = await tokenBody(call, { record, user, userDomain, grant }, catalogForm(request))
      return success(201, body, { 'x-subject-token': id })
    }
    case 'stale':
      return 'stale'
    case 'consumed':
      return unauthorized(request)
    case 'held':
      return suspended()
    case 'too-deep':
      return forbidden('This token is at the end of too long a chain of tokens: log in again.')
    case 'over-quota':
      return overLimit(outcome.waitSeconds)
    default:
      return unreachable(outcome)
  }
}

/** A token made from another token, or with a credential, expires with it at the latest. */
function proofOf({ realm, settings }: Call, proven: Proven): ProofMembers {
  const { parent, credential, authenticatedBy } = proven
  const inherited = parent === undefined ? undefined : rescoped(parent, settings.isChained)
  const endMs = inherited?.expiresAtMs ?? realm.nowMs() + settings.tokenLifeMs
  return {
    ...(credential === undefined ? {} : { delegated: 'app-credential' }),
    ...inherited,
    client: clientOf(proven),
    authenticatedBy,
    expiresAtMs: Math.min(endMs, credential?.expiresAtMs ?? endMs),
  }
}

type ProofMembers = Omit<Mint, 'judgedAt' | 'user' | 'tenant'>

function clientOf({ parent, credential, authenticatedBy }: Proven): string {
  if (credential !== undefined) return appCredentialClient(credential.id)
  if (parent?.client !== undefined) return parent.client
  return isMultiFactor(authenticatedBy) ? PROOF.multi : PROOF.single
}
