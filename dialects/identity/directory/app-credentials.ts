import { type Collection, shaped } from '@rescind/authority'
import { jointKey } from './names.ts'

/** An application credential of v3: a secret that stands for a user in one project, with some of its roles. */
export type IdentityAppCredential = {
  readonly id: string
  readonly userId: string
  readonly tenantId: string
  /** Unique among its user's. */
  readonly name: string
  readonly description?: string
  readonly secretDigest: string
  readonly roleIds: readonly string[]
  readonly expiresAtMs?: number
  /** Absent in records older than this member. */
  readonly madeAtMs?: number
  readonly isUnrestricted: boolean
  /** The one whose token made it: it ends with that, and no later. */
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
