import { z } from 'zod'
import { type ControlRole, reaches } from '../../records/control-keys.ts'

const reason = z.string().optional()
const off = z.literal(false)
const yes = z.literal(true)

const DISABLED = z.strictObject({ enabled: off, reason })
/** Shut out, or all of its tokens ended, or both; `revokeTokens` is false where the caller left it out. */
const SHUT_OR_ENDED = z.union([
  z.strictObject({ enabled: off, revokeTokens: z.boolean().optional(), reason }),
  z.strictObject({ revokeTokens: yes, reason }),
])

/**
 * The bodies that end a leak, by operation: a responder may call these operations with such a body, and everything else in them
 * is an admin's. An operation that is not here belongs to its own role as a whole. A new member of a body is an admin's until it is
 * named here.
 */
export const NARROWING: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['changeClient', SHUT_OR_ENDED],
  ['changeIssuer', DISABLED],
  ['changeIdentityUser', DISABLED],
  // A replaced key ends those before it.
  [
    'changeChatApp',
    z.union([SHUT_OR_ENDED, z.strictObject({ apiKey: z.string(), revokeTokens: yes, reason })]),
  ],
  // Without `revokeTokens` the leaked secret would stay good for a while, and what it has got for good.
  ['rotateClientSecret', z.strictObject({ revokeTokens: yes, overlapSeconds: z.int().optional(), reason })],
])

type Called = { readonly operation: string; readonly role: ControlRole }

/** The lowest role that may call an operation with some body. */
export function lowestRole({ operation, role }: Called): ControlRole {
  return NARROWING.has(operation) && reaches(role, 'responder') ? 'responder' : role
}

/** The role that this body needs; `body` has passed the endpoint's schema. */
export function roleFor({ operation, role }: Called, body: unknown): ControlRole {
  const narrowing = NARROWING.get(operation)
  return narrowing?.safeParse(body).success === true ? lowestRole({ operation, role }) : role
}
