import type { TokenRecord } from '@rescind/core'
import { domainOfScope, domainScope, SYSTEM_SCOPE } from '../../directory/names.ts'

/** The scope of a token. */
export type Scope =
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'project'; readonly id: string }
  | { readonly kind: 'domain'; readonly id: string }
  | { readonly kind: 'system' }

/** The `tenant` of tokens with this scope, so that one kind of cutoff covers all scopes. */
export function tenantOfScope(scope: Scope): string | undefined {
  switch (scope.kind) {
    case 'unscoped':
      return undefined
    case 'project':
      return scope.id
    case 'domain':
      return domainScope(scope.id)
    case 'system':
      return SYSTEM_SCOPE
  }
}

export function scopeOfTenant(tenant: string | undefined): Scope {
  if (tenant === undefined) return { kind: 'unscoped' }
  if (tenant === SYSTEM_SCOPE) return { kind: 'system' }
  const domainId = domainOfScope(tenant)
  return domainId === undefined ? { kind: 'project', id: tenant } : { kind: 'domain', id: domainId }
}

export function scopeOf(record: Pick<TokenRecord, 'tenant'>): Scope {
  return scopeOfTenant(record.tenant)
}

export function isSameScope(one: Scope, other: Scope): boolean {
  return tenantOfScope(one) === tenantOfScope(other)
}
