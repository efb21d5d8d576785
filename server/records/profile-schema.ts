import { z } from 'zod'
import { IDENTITY_HEADERS } from './header-names.ts'
import type { CheckProfile } from './profiles.ts'

export const NAME: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, ".", "_", "-"; at most 64')

const LIST_MAX = 32
const TOKEN_CHARS = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/

/** Headers that gateways and proxies write themselves; none carries a credential. */
const NO_CREDENTIAL =
  /^(?:authorization|cookie|host|connection|content-.*|transfer-encoding|x-forwarded-.*|forwarded)$/i

/** Gateways clear these before anything else. */
function isIdentityHeader(name: string): boolean {
  return (IDENTITY_HEADERS as readonly string[]).includes(name.toLowerCase())
}

const CREDENTIAL = z.union([
  z.strictObject({ from: z.literal('authorization') }),
  z.strictObject({
    from: z.literal('header'),
    name: z
      .string()
      .regex(TOKEN_CHARS, 'must be a header name')
      .refine(
        (name) => !NO_CREDENTIAL.test(name) && !isIdentityHeader(name),
        'this header is no place of its own',
      )
      .transform((name) => name.toLowerCase()),
  }),
  z.strictObject({ from: z.literal('cookie'), name: z.string().regex(TOKEN_CHARS, 'must be a cookie name') }),
])

const TEXT = z.string().min(1).max(512)

const SCOPE = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'must be one scope token (RFC 6749 §3.3)')

const MEMBERS = {
  credential: CREDENTIAL.default({ from: 'authorization' }),
  sources: z.array(TEXT).min(1).max(LIST_MAX).optional(),
  scopes: z.array(SCOPE).max(LIST_MAX).default([]),
  audience: z.array(TEXT).min(1).max(LIST_MAX).optional(),
  withoutAudience: z.boolean().optional(),
  constraint: z.enum(['refuse', 'report']).optional(),
  maxAgeSeconds: z.int().min(0).max(60).default(0),
}

/** As it is answered. */
export const PROFILE: z.ZodType = z.object({ name: z.string(), ...MEMBERS })
export const PUT_BODY: z.ZodType<Given> = z.strictObject(MEMBERS)

/** A profile with its name, as the seed file and a creating call give it. */
export const NAMED_PROFILE: z.ZodType<GivenProfile> = z.strictObject({
  name: NAME,
  ...MEMBERS,
})

export type Given = {
  readonly credential: CheckProfile['credential']
  readonly sources?: string[] | undefined
  readonly scopes: string[]
  readonly audience?: string[] | undefined
  readonly withoutAudience?: boolean | undefined
  readonly constraint?: CheckProfile['constraint'] | undefined
  readonly maxAgeSeconds: number
}

/** A profile as it is given, with its name. */
export type GivenProfile = Given & { readonly name: string }

/** Absent members stay absent, as the stored type wants them. */
export function profileOf(given: GivenProfile): CheckProfile {
  const { name, sources, audience, withoutAudience, constraint, ...rest } = given
  return {
    name,
    ...rest,
    ...(sources && { sources }),
    ...(audience && { audience }),
    ...(withoutAudience === undefined ? {} : { withoutAudience }),
    ...(constraint && { constraint }),
  }
}
