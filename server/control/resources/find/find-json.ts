import { z } from 'zod'
import { COVERS, type CoversJson } from '../../../receipts/covers-json.ts'

/** What the text may be. */
export type Reading =
  | ('token' | 'handle' | 'grant' | 'receipt' | 'hold' | 'schedule' | 'approval' | 'bulk')
  | ('credential' | 'passcode' | 'jti' | 'person')

const READINGS: readonly [Reading, ...Reading[]] = [
  ...(['token', 'handle', 'grant', 'receipt', 'hold', 'schedule', 'approval', 'bulk'] as const),
  ...(['credential', 'passcode', 'jti', 'person'] as const),
]
const READING: z.ZodType<Reading> = z.enum(READINGS)

export type RecognisedJson = {
  readonly as: Reading
  readonly realm?: string | undefined
  /** Of a credential: its kind, and the call that ends it. */
  readonly credential?: string | undefined
  readonly endedBy?: string | undefined
  readonly note?: string | undefined
}

/** A target as `POST /revocations` takes it. */
export type TargetJson = { readonly [member in (typeof TARGET_MEMBERS)[number]]?: string | undefined } & {
  readonly source?: string | readonly string[] | undefined
}
const TARGET_MEMBERS = ['handle', 'issuer', 'jti', 'subject', 'client', 'grant', 'session'] as const

export type CountJson = { readonly count: number; readonly complete: boolean }

export type FindingJson = {
  readonly realm: string
  readonly kind: string
  readonly source?: string | undefined
  readonly id: string
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly by?: readonly string[] | undefined
  readonly state: string
  readonly tokens?: CountJson | undefined
  readonly tokenKind?: string | undefined
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly grant?: string | undefined
  readonly expiresAt?: string | undefined
  readonly at?: string | undefined
  readonly covers?: CoversJson | undefined
  readonly note?: string | undefined
  readonly path?: string | undefined
  readonly target?: TargetJson | undefined
}

export type SearchedJson = {
  readonly realm: string
  readonly state: 'served' | 'disabled' | 'empty' | 'outOfOrder'
  readonly sources: readonly string[]
  readonly lookUps: readonly Reading[]
  readonly complete: boolean
  readonly why?: string | undefined
}

export type NotSearchedJson = {
  readonly realm?: string | undefined
  readonly source?: string | undefined
  readonly what: string
  readonly why: string
  readonly targets?: readonly TargetJson[] | undefined
}

type TargetOfRealm = { readonly realm: string; readonly target: TargetJson }

export type FoundJson = {
  readonly complete: boolean
  readonly recognised: readonly RecognisedJson[]
  readonly findings: readonly FindingJson[]
  readonly targets: readonly TargetOfRealm[]
  readonly searched: readonly SearchedJson[]
  readonly notSearched: readonly NotSearchedJson[]
}

const optional = z.string().optional()
const texts = z.array(z.string()).readonly()

const TARGET_OUT = z.strictObject({
  ...{ handle: optional, issuer: optional, jti: optional, subject: optional, client: optional },
  ...{ grant: optional, session: optional },
  source: z.union([z.string(), texts]).optional(),
})

const RECOGNISED = z.strictObject({
  as: READING,
  ...{ realm: optional, credential: optional, endedBy: optional, note: optional },
})

const FINDING = z.strictObject({
  realm: z.string(),
  kind: z
    .string()
    .describe(
      'token, foreignToken, grant, session, subject, client, receipt, hold, schedule, approval, bulk; or what a dialect calls it: user',
    ),
  ...{ source: optional, id: z.string(), name: optional, email: optional },
  by: texts.optional().describe('Which members of a record equal the text'),
  state: z
    .string()
    .describe('live, disabled, held; of tokens the reason why one is over; of the rest its state'),
  tokens: z
    .strictObject({
      count: z.int().min(0),
      complete: z.boolean().describe('false: at least so many'),
    })
    .optional()
    .describe('Live tokens that are recorded here'),
  ...{ tokenKind: optional, subject: optional, client: optional, grant: optional },
  ...{ expiresAt: optional, at: optional, covers: COVERS.optional(), note: optional },
  path: optional.describe('Its record in this API'),
  target: TARGET_OUT.optional().describe('What ends it, for POST /revocations'),
})

export const FOUND: z.ZodType<FoundJson> = z
  .strictObject({
    complete: z.boolean().describe('Whether nothing stands under notSearched'),
    recognised: z.array(RECOGNISED).readonly().describe('All that the text can be; it is not repeated'),
    findings: z.array(FINDING).readonly(),
    targets: z
      .array(z.strictObject({ realm: z.string(), target: TARGET_OUT }))
      .readonly()
      .describe('The targets of all findings, each once'),
    searched: z.array(
      z.strictObject({
        realm: z.string(),
        state: z.enum(['served', 'disabled', 'empty', 'outOfOrder']),
        sources: texts,
        lookUps: z.array(READING).readonly(),
        complete: z.boolean(),
        why: optional,
      }),
    ),
    notSearched: z.array(
      z.strictObject({
        ...{ realm: optional, source: optional, what: z.string(), why: z.string() },
        targets: z.array(TARGET_OUT).readonly().optional().describe('Rules that would hit it all the same'),
      }),
    ),
  })
  .meta({ id: 'Found' })
