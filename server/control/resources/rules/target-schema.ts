import type { IdentityLogin } from '@rescind/dialects'
import { z } from 'zod'

/** Characters of any name in a rule. */
const NAME_MAX = 1_024
/** Sources that one rule may name. */
export const SOURCES_MAX = 16

/** Placeholder in the description of a source; the written document names the server's own sources there. */
export const SOURCE_FORMS = '{sources}'

const name = z.string().min(1).max(NAME_MAX)

/** A target as it came. `classify` decides which members together form one. */
export type TargetBody = {
  readonly token?: string | undefined
  readonly handle?: string | undefined
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly source?: string | readonly string[] | undefined
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly tenant?: string | undefined
  readonly grant?: string | undefined
  readonly session?: string | undefined
  readonly key?: string | undefined
  readonly realm?: string | true | undefined
  readonly basis?: 'issued' | 'authenticated' | undefined
}

const BASIS = z
  .enum(['issued', 'authenticated'])
  .describe('Foreign tokens only: measured by when the token was issued, or by when its bearer logged in')

const TARGET: z.ZodType<TargetBody> = z
  .strictObject({
    token: z.string().min(1).optional().describe('The text of a token'),
    handle: z.string().max(64).optional().describe('The public id of a token, tok_…'),
    issuer: name.optional().describe('A registered issuer; the same as the source iss:{issuer}'),
    jti: name.optional().describe('The id of a token of that issuer'),
    source: z
      .union([name, z.array(name).min(1).max(SOURCES_MAX)])
      .optional()
      .describe(`Whose names these are: ${SOURCE_FORMS}, iss:{issuer}; a list means each of them`),
    subject: name.optional(),
    client: name.optional(),
    tenant: name.optional(),
    grant: name.optional().describe('A grant, grt_…'),
    session: name.optional(),
    key: name.optional().describe('The RFC 7638 thumbprint of a signing key'),
    realm: z
      .union([z.literal(true), name])
      .optional()
      .describe('Everything: true, or the name of the realm'),
    basis: BASIS.optional(),
  })
  .meta({
    id: 'Target',
    description:
      'What a rule covers: {token} · {handle} · {issuer, jti} · {grant, source?} · {session, source} · {key} · ' +
      '{realm} · {source} · {source, tenant} · {source, subject} · {source, client} · {source, subject, client} · ' +
      '{source, subject, tenant} · {source, tenant, client}',
  })

export type RuleBody = {
  readonly target: TargetBody
  readonly issuedBefore?: string | undefined
  readonly basis?: 'issued' | 'authenticated' | undefined
  readonly reason: string
  readonly note?: string | undefined
  readonly keepCredentials?: boolean | undefined
  /** Only calls about an Identity user have it. */
  readonly alsoEnds?: readonly IdentityLogin[] | undefined
}

type RuleMembers = {
  readonly target: z.ZodType<TargetBody>
  readonly issuedBefore: z.ZodOptional<z.ZodString>
  readonly basis: z.ZodOptional<z.ZodEnum<{ issued: 'issued'; authenticated: 'authenticated' }>>
  readonly reason: z.ZodString
  readonly note: z.ZodOptional<z.ZodString>
  readonly keepCredentials: z.ZodOptional<z.ZodBoolean>
}

/** Members of every call that takes a rule. */
export const RULE_MEMBERS: RuleMembers = {
  target: TARGET,
  issuedBefore: z
    .string()
    .max(64)
    .optional()
    .describe('RFC 3339, not in the future: only what was issued before it'),
  basis: BASIS.optional(),
  reason: z.string().min(1).max(256).describe('Why, for the log'),
  note: z.string().max(2_000).optional(),
  keepCredentials: z
    .boolean()
    .optional()
    .describe('Of a cut-off over an Identity subject: its API key and application credentials stay'),
}
