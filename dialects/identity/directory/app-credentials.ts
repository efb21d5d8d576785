import { type Collection, shaped } from '@rescind/authority'
import { jointKey } from './names.ts'

/** A v3 application credential: a secret that acts for a user in one project, with some of its roles. */
export type IdentityAppCredential = {
  readonly id: string
  readonly userId: string
  readonly tenantId: string
  /** Unique per user. */
  readonly name: string
  readonly description?: string
  readonly secretDigest: string
  readonly roleIds: readonly string[]
  readonly expiresAtMs?: number
  /** Absent in older records. */
  readonly madeAtMs?: number
  readonly isUnrestricted: boolean
  /** The application credential whose token created this one. It ends with that one, at the latest. */
  readonly parentId?: string
}

export const IDENTITY_APP_CREDENTIALS: Collection<IdentityAppCredential> = {
  name: 'identityAppCredentials',
  keys: ({ userId, name }) => [{ name: 'name', value: jointKey(userId, name) }],
  isValue: shaped(
    {
      ...{ id: 'text', userId: 'text', tenantId: 'text', name: 'text', secretDigest: 'text' },
      ...{ roleIds: 'texts', isUnrestricted: 'flag' },
    },
    { description: 'text', expiresAtMs: 'number', madeAtMs: 'number', parentId: 'text' },
  ),
  lists: ({ userId, tenantId, parentId }) => [
    { name: 'user', value: userId },
    { name: 'tenant', value: tenantId },
    ...(parentId === undefined ? [] : [{ name: 'parent', value: parentId }]),
  ],
}
