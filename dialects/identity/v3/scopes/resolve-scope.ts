import type { Realm } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import { domainAt } from '../../directory/domains.ts'
import { isMemberOf } from '../../directory/grants.ts'
import { isProjectId } from '../../directory/names.ts'
import { tenantEntryByName } from '../../directory/tenants.ts'
import type { InDomain, ScopeAsked } from '../tokens/auth-body.ts'
import { domainIdNamed, type Proven } from '../tokens/proof.ts'
import { isSameScope, type Scope } from './scope.ts'
import { grantIn, type ScopeGrant } from './scope-grant.ts'

export type Resolved =
  | { readonly kind: 'resolved'; readonly grant: ScopeGrant }
  /** The scope is unknown, disabled, or not the user's. */
  | { readonly kind: 'no-access' }
  /** The proof is for one scope only, and the request names another. */
  | { readonly kind: 'narrower' }

const NO_ACCESS = { kind: 'no-access' } as const

export async function resolveScope(realm: Realm, proven: Proven, asked: ScopeAsked): Promise<Resolved> {
  const { user, credential } = proven
  const only = onlyScope(proven)
  const scope = asked.kind === 'default' ? (only ?? defaultScope(proven)) : await scopeNamed(realm, asked)
  if (scope === undefined) return NO_ACCESS
  if (only !== undefined && !isSameScope(only, scope)) return { kind: 'narrower' }
  const grant = await grantIn(realm, user, { scope, credential })
  if (await isOpen(realm, grant, proven)) return { kind: 'resolved', grant }
  // As in Keystone, a default project that is unusable is ignored.
  if (asked.kind !== 'default' || only !== undefined) return NO_ACCESS
  return { kind: 'resolved', grant: await grantIn(realm, user, { scope: { kind: 'unscoped' }, credential }) }
}

/** An application credential is for one project, and so are tokens made with it. */
function onlyScope({ credential }: Proven): Scope | undefined {
  return credential === undefined ? undefined : { kind: 'project', id: credential.tenantId }
}

/** A login without a scope is for the user's own project, even if it builds on a token of another scope, as in Keystone. */
function defaultScope({ user }: Proven): Scope {
  return user.tenantId === undefined ? { kind: 'unscoped' } : { kind: 'project', id: user.tenantId }
}

async function scopeNamed(realm: Realm, asked: ScopeAsked): Promise<Scope | undefined> {
  switch (asked.kind) {
    case 'project': {
      const id = await projectIdNamed(realm, asked.project)
      return id === undefined ? undefined : { kind: 'project', id }
    }
    case 'domain': {
      const id = await domainIdNamed(realm, asked.domain)
      return id === undefined ? undefined : { kind: 'domain', id }
    }
    case 'system':
      return { kind: 'system' }
    case 'unscoped':
    case 'default':
    case 'trust':
      return { kind: 'unscoped' }
    default:
      return unreachable(asked)
  }
}

async function projectIdNamed(realm: Realm, named: InDomain): Promise<string | undefined> {
  if (named.by === 'id') return isProjectId(named.value) ? named.value : undefined
  const domainId = await domainIdNamed(realm, named.domain)
  if (domainId === undefined) return undefined
  return (await tenantEntryByName(realm, domainId, named.value))?.id
}

/** Whether the scope exists, is enabled, and gives the user a role. */
async function isOpen(realm: Realm, grant: ScopeGrant, { user }: Proven): Promise<boolean> {
  const { scope, project, domain, roles } = grant
  switch (scope.kind) {
    case 'unscoped':
      return true
    case 'project':
      return (
        project?.enabled === true &&
        domain?.enabled === true &&
        isMemberOf(user, scope.id) &&
        roles.length > 0
      )
    case 'domain':
      return roles.length > 0 && (await domainAt(realm, scope.id)).domain.enabled
    case 'system':
      return roles.length > 0
    default:
      return unreachable(scope)
  }
}
