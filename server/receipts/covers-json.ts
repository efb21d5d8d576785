import { instantOf } from '@rescind/core/bytes'
import type { CutoffTarget, Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import { z } from 'zod'

/** What a rule covers, in one object, with the names as the log holds them. */
export type CoversJson = {
  readonly kind: 'token' | 'foreignToken' | 'grant' | 'session' | 'key' | 'principals' | 'unreadable'
  /** For principals: one of the closed list of shapes. */
  readonly shape?: string | undefined
  /** One source, or several that each have these names. */
  readonly source?: string | string[] | undefined
  readonly handle?: string | undefined
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly grant?: string | undefined
  readonly session?: string | undefined
  readonly key?: string | undefined
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly tenant?: string | undefined
  readonly issuedBefore?: string | undefined
  readonly basis?: 'authenticated' | undefined
  readonly asOf?: string | undefined
  readonly skewSeconds?: number | undefined
}

const optional = z.string().optional()

export const COVERS: z.ZodType<CoversJson> = z
  .strictObject({
    kind: z
      .enum(['token', 'foreignToken', 'grant', 'session', 'key', 'principals', 'unreadable'])
      .describe('unreadable: a row that this version cannot read; it is in force nevertheless'),
    shape: optional,
    source: z.union([z.string(), z.array(z.string())]).optional(),
    ...{ handle: optional, issuer: optional, jti: optional, grant: optional, session: optional },
    ...{ key: optional, subject: optional, client: optional, tenant: optional },
    issuedBefore: optional,
    basis: z.literal('authenticated').optional(),
    asOf: optional.describe('Of what was a hold: when that was placed'),
    skewSeconds: z
      .number()
      .optional()
      .describe('Foreign tokens issued up to this long after the cut-off are hit, too'),
  })
  .meta({ id: 'Covers' })

/** @param targets of one request: the same names in each of the sources. */
export function coversJson(targets: readonly Target[], skewSeconds?: number): CoversJson {
  const [first] = targets
  if (first === undefined) return { kind: 'unreadable' }
  const skew = skewSeconds === undefined ? {} : { skewSeconds }
  const sources = targets.flatMap((target) => sourceOf(target) ?? [])
  const source = sources.length === 1 ? sources[0] : sources
  switch (first.kind) {
    case 'token':
      return { kind: 'token', source, handle: first.handle }
    case 'foreign':
      return { kind: 'foreignToken', source, issuer: first.issuer, jti: first.jti }
    case 'grant':
      return { kind: 'grant', source, grant: first.grant }
    case 'session':
      return { kind: 'session', source, session: first.session }
    case 'key':
      return { kind: 'key', key: first.keyId }
    case 'cut':
      return { ...cutoffJson(first), ...(first.shape === 'realm' ? {} : { source }), ...skew }
  }
}

function cutoffJson({ shape, principals, issuedBeforeMs, basis, asOf }: CutoffTarget): CoversJson {
  const { subject, client, tenant } = principals
  return {
    kind: 'principals',
    shape,
    subject,
    client,
    tenant,
    issuedBefore: instantOf(issuedBeforeMs),
    basis,
    asOf: instantOf(asOf?.atMs),
  }
}

function sourceOf(target: Target): string | undefined {
  switch (target.kind) {
    case 'cut':
      return target.principals.source
    case 'foreign':
      return foreignSource(target.issuer)
    case 'key':
      return undefined
    default:
      return target.source
  }
}
