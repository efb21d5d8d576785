import type { TokenRecord } from '@rescind/core'
import type { Call } from '../../call.ts'
import type { IdentityDomain } from '../../directory/domains.ts'
import type { IdentityUser } from '../../directory/users.ts'
import type { ScopeGrant } from '../scopes/scope-grant.ts'
import { type CatalogForm, catalogJson } from './catalog.ts'
import { microInstant } from './instant.ts'

/** The parts of a `token` object. */
export type TokenParts = {
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly userDomain: IdentityDomain
  readonly grant: ScopeGrant
}

/** `{"token": {…}}` with the current roles. The token's text is only in a header, never here. */
export async function tokenBody(call: Call, parts: TokenParts, form: CatalogForm): Promise<object> {
  const { record, user, userDomain, grant } = parts
  const token = {
    methods: methodsOf(record),
    user: {
      id: user.id,
      name: user.username,
      domain: named(userDomain),
      password_expires_at: null,
    },
    audit_ids: auditIds(record),
    issued_at: microInstant(record.issuedAtMs),
    expires_at: microInstant(record.expiresAtMs),
    ...scopeMembers(grant),
    ...credentialMember(grant),
  }
  if (grant.scope.kind === 'unscoped' || form === 'without-catalog') return { token }
  return { token: { ...token, catalog: await catalogJson(call, grant) } }
}

function scopeMembers(grant: ScopeGrant): object {
  const roles = grant.roles.map(named)
  const { scope } = grant
  switch (scope.kind) {
    case 'unscoped':
      return {}
    case 'project': {
      const { project, domain } = grant
      return {
        is_domain: false,
        project: { id: scope.id, name: project?.name ?? scope.id, domain: domain && named(domain) },
        roles,
      }
    }
    case 'domain':
      return { domain: grant.domain && named(grant.domain), roles }
    case 'system':
      return { system: { all: true }, roles }
  }
}

function credentialMember({ credential }: ScopeGrant): object {
  if (credential === undefined) return {}
  const { id, name, isUnrestricted } = credential
  return { application_credential: { id, name, restricted: !isUnrestricted } }
}

function named({ id, name }: { readonly id: string; readonly name: string }): object {
  return { id, name }
}

/** The token's handle, and that of its chain if it was made from another token. */
function auditIds({ handle, claims }: TokenRecord): readonly string[] {
  const chain = claims?.['chain']
  return typeof chain === 'string' ? [handle, chain] : [handle]
}

/** Method names of v2.0 and of Keystone. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['PASSWORD', 'password'],
  ['APIKEY', 'api_key'],
  ['PASSCODE', 'totp'],
  ['OTPPASSCODE', 'totp'],
  ['FEDERATED', 'saml2'],
  ['IMPERSONATION', 'impersonation'],
  ['APPLICATION_CREDENTIAL', 'application_credential'],
])

function methodsOf({ authenticatedBy = [], claims }: TokenRecord): readonly string[] {
  const own = authenticatedBy.map((name) => METHODS.get(name) ?? name.toLowerCase())
  const all = claims?.['chain'] === undefined ? own : ['token', ...own]
  return [...new Set(all)]
}
