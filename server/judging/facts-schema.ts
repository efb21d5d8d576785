import type { FactsJson, PositionJson } from '@rescind/core/tokens'
import { z } from 'zod'

const positionSchema: z.ZodType<PositionJson> = z.tuple([z.int(), z.int()])
const optional = z.string().optional()
const NAMES = { source: z.string(), subject: optional, client: optional, tenant: optional }
const FOREIGN = {
  issuer: optional,
  jti: optional,
  skewSeconds: z.number().optional(),
  authenticatedAt: optional,
}

export const FACTS: z.ZodType<FactsJson> = z.strictObject({
  ...{ handle: optional, digest: optional, kind: optional },
  ...NAMES,
  ...{ grant: optional, session: optional, keyId: optional },
  ancestors: z.array(
    z.strictObject({
      handle: optional,
      ...NAMES,
      ...{ grant: optional, session: optional, keyId: optional },
      position: positionSchema.optional(),
      issuedAt: optional,
      expiresAt: z.string(),
      ...FOREIGN,
    }),
  ),
  position: positionSchema.optional(),
  issuedAt: optional,
  expiresAt: z.string(),
  notBefore: optional,
  ...FOREIGN,
  scope: optional,
  audience: z.array(z.string()).optional(),
  scopes: z.array(z.string()).optional(),
  ...{ typ: optional, cnf: z.record(z.string(), z.json()).optional(), delegated: optional },
})
