import type { Realm, TokenReads } from '@rescind/authority'
import { isSuspended, StoreUnavailable, type TokenRecord, unreachable } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { domainOfScope, IDENTITY, SYSTEM_SCOPE } from '../directory/names.ts'
import { IDENTITY_TENANTS, type IdentityTenant, tenantById } from '../directory/tenants.ts'
import { accountOf, IDENTITY_USERS, type IdentityUser } from '../directory/users.ts'

/** A token's stored record, user and project, not judged yet. */
export type TokenContextFacts = {
  readonly record: TokenRecord
  readonly user: IdentityUser | undefined
  /** The token's project; absent for unscoped, domain and system tokens. */
  readonly tenant: IdentityTenant | undefined
}

/**
 * A judged token text. `unknown`: not ours. `dead`: ended, or its user or tenant is gone or disabled. `held`:
 * suspended, so that it is useless but can still be revoked. `live`: good.
 */
export type TokenContext =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'dead'; readonly record: TokenRecord; readonly user: IdentityUser | undefined }
  | { readonly kind: 'held'; readonly record: TokenRecord; readonly user: IdentityUser }
  | LiveTokenContext

export type LiveTokenContext = {
  readonly kind: 'live'
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
}

/** @returns undefined for text that cannot be a token of this server. */
export function parseOwn(realm: Realm, text: string): RawToken | undefined {
  return realm.grammar.shapeOf(text) === 'ours' ? RawToken.parse(text) : undefined
}

/** @returns undefined for text that is not a token of this dialect. */
export async function readTokenContext(
  realm: Realm,
  raw: RawToken | undefined,
  reads?: TokenReads,
): Promise<TokenContextFacts | undefined> {
  if (raw === undefined) return undefined
  const { record } = await realm.find(raw, IDENTITY, reads)
  if (record === undefined) return undefined
  const { subject } = record
  const entry = subject === undefined ? undefined : await realm.directory.get(IDENTITY_USERS, subject)
  const projectId = projectIdOf(record)
  if (projectId === undefined) return { record, user: entry?.value, tenant: undefined }
  // The cache has nearly every project. Asking it here saves two promises per validation.
  const project = await realm.directory.get(IDENTITY_TENANTS, projectId)
  return { record, user: entry?.value, tenant: project?.value ?? (await tenantById(realm, projectId)) }
}

function projectIdOf({ tenant }: TokenRecord): string | undefined {
  if (tenant === undefined || tenant === SYSTEM_SCOPE) return undefined
  return domainOfScope(tenant) === undefined ? tenant : undefined
}

/**
 * Call after the last await.
 * @throws StoreUnavailable when the token's state cannot be known now.
 */
export function judgeTokenContext(realm: Realm, facts: TokenContextFacts | undefined): TokenContext {
  if (facts === undefined) return { kind: 'unknown' }
  const { record, user, tenant } = facts
  const verdict = realm.judge(record)
  // Disabling a user or a tenant ends its tokens in the same write. This check holds even if that failed.
  if (user === undefined || !user.enabled || tenant?.enabled === false) return { kind: 'dead', record, user }
  switch (verdict.kind) {
    case 'active':
      realm.accepted(record)
      return { kind: 'live', record, user, tenant }
    case 'inactive': {
      const isHeld = isSuspended(verdict) && record.expiresAtMs > realm.nowMs()
      return isHeld ? { kind: 'held', record, user } : { kind: 'dead', record, user }
    }
    case 'unknown':
      throw new StoreUnavailable(`the state of a token cannot be known now: ${verdict.why}`)
    default:
      return unreachable(verdict)
  }
}

/** The account of a token. A deleted user's tokens stay in the account that they were issued in. */
export function accountOfToken(record: TokenRecord, user: IdentityUser | undefined): string | undefined {
  if (user !== undefined) return accountOf(user)
  const account = record.claims?.['account']
  return typeof account === 'string' ? account : undefined
}
