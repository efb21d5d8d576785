import { ACCEPTOR_KINDS, type AcceptorKind } from '@rescind/authority'
import { z } from 'zod'

export type AcceptorJson = {
  readonly by: AcceptorKind
  readonly name: string
  readonly instances?: readonly string[] | undefined
  readonly claimed: boolean
  readonly first: string
  readonly last: string
}

export type TokenExposureJson = {
  readonly handle?: string | undefined
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly accepted: readonly AcceptorJson[]
}

/** Why a verifier may have accepted tokens that are not listed. */
const SILENCES = ['behind', 'lapsed', 'disconnected', 'allowsStale', 'neverReports'] as const

export type SilentJson = {
  readonly verifier: string
  readonly instance: string
  readonly label?: string | undefined
  readonly why: readonly (typeof SILENCES)[number][]
  readonly lastContact: string
}

export type DroppedJson = {
  readonly by: AcceptorKind
  readonly name: string
  readonly count: number
  readonly since: string
  readonly until: string
}

/**
 * What else cannot be told. `unwritten`: acceptances of the last half minute, by other nodes or before a crash.
 * `collected`: tokens that have ended and are not recorded any more. `foreign`: registered issuers' tokens, which are
 * recorded nowhere here. `expired`: acceptances of tokens that ended more than a week ago.
 */
const GAPS = ['unwritten', 'collected', 'foreign', 'expired'] as const
export type Gap = (typeof GAPS)[number]

/** Who accepted the tokens that a revocation covers: at least these. */
export type ExposureJson = {
  readonly complete: false
  readonly revocation?: string | undefined
  readonly since?: string | undefined
  readonly enforcedAt?: string | undefined
  readonly covered: number
  readonly tokens: readonly TokenExposureJson[]
  readonly missing: {
    readonly dropped: readonly DroppedJson[]
    readonly verifiers: readonly SilentJson[]
    readonly gaps: readonly Gap[]
  }
  readonly next?: string | undefined
  readonly truncated?: boolean | undefined
}

const optional = z.string().optional()
const acceptor = { by: z.enum(ACCEPTOR_KINDS), name: z.string() }

const ACCEPTOR: z.ZodType<AcceptorJson> = z
  .strictObject({
    by: acceptor.by.describe(
      'verifier: as the holder of its key reports; check: a profile of /check; client: an OAuth client that introspects; ' +
        'review: a key that asks for token reviews; dialect: this server itself, for tokens of that source',
    ),
    name: z.string().describe('Of a verifier, a profile (empty: plain /check), a client, a key or a source'),
    instances: z.array(z.string()).readonly().optional().describe('Some of its instances, by label or id'),
    claimed: z.boolean().describe('It is the word of the holder of the verifier’s key'),
    first: z.string().describe('The minute in which it first accepted the token, by this server’s clock'),
    last: z.string(),
  })
  .meta({ id: 'Acceptor' })

const TOKEN: z.ZodType<TokenExposureJson> = z.strictObject({
  handle: optional,
  issuer: optional,
  jti: optional,
  accepted: z.array(ACCEPTOR).readonly(),
})

export const EXPOSURE: z.ZodType<ExposureJson> = z
  .strictObject({
    complete: z.literal(false).describe('It never is: at least these accepted them'),
    revocation: optional,
    since: optional.describe('Absent: since the tokens were issued'),
    enforcedAt: optional.describe('When the last verifier that counts had applied the revocation, if known'),
    covered: z.int().describe('Tokens that were looked at; those that nobody accepted are not listed'),
    tokens: z.array(TOKEN).readonly(),
    missing: z.strictObject({
      dropped: z
        .array(z.strictObject({ ...acceptor, count: z.int(), since: z.string(), until: z.string() }))
        .readonly()
        .describe('Acceptances that could not be kept'),
      verifiers: z
        .array(
          z.strictObject({
            ...{ verifier: z.string(), instance: z.string(), label: optional },
            why: z.array(z.enum(SILENCES)).readonly(),
            lastContact: z.string(),
          }),
        )
        .readonly()
        .describe('Verifiers that may have accepted more'),
      gaps: z.array(z.enum(GAPS)).readonly(),
    }),
    next: optional,
    truncated: z.boolean().optional().describe('It covers more tokens than are listed here'),
  })
  .meta({ id: 'Exposure' })
