import type { Realm } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import { z } from 'zod'
import { problem } from '../../../http/problem.ts'
import { HOLDS, type HoldEnd, type HoldValue } from '../../../pending/holds.ts'
import type { Ended } from '../../../pending/pending.ts'
import { COVERS, type CoversJson, coversJson } from '../../../receipts/covers-json.ts'
import type { Pended } from './pended.ts'
import { ENDED, endedJson } from './pending-parts.ts'

type HoldJson = {
  readonly id: string
  readonly realm: string
  readonly state: 'held' | HoldEnd
  readonly covers: CoversJson
  readonly reason: string
  readonly note?: string | undefined
  readonly by: string
  readonly byName?: string | undefined
  readonly placedAt: string
  readonly until: string
  readonly atDeadline: 'release' | 'revoke'
  readonly revocation?: string | undefined
}

export const HOLD: z.ZodType<HoldJson> = z
  .strictObject({
    ...{ id: z.string(), realm: z.string(), state: z.enum(['held', 'released', 'revoked']), covers: COVERS },
    ...{ reason: z.string(), note: z.string().optional() },
    ...{ by: z.string(), byName: z.string().optional().describe('The name of its key at that time') },
    ...{ placedAt: z.string(), until: z.string(), atDeadline: z.enum(['release', 'revoke']) },
    ...ENDED,
    revocation: z.string().optional().describe('What it became'),
  })
  .meta({ id: 'Hold' })

function holdJson({ name: realm }: Realm, id: string, value: HoldValue & Partial<Ended<HoldEnd>>): HoldJson {
  return {
    ...{ id, realm, state: value.state ?? 'held', covers: coversJson(value.targets, value.skewSeconds) },
    ...{ reason: value.reason, note: value.note, by: value.by, byName: value.byName },
    placedAt: formatInstant(value.placedAtMs),
    until: formatInstant(value.dueAtMs),
    atDeadline: value.atDeadline,
    ...endedJson(value),
  }
}

export const HELD: Pended<HoldValue, HoldEnd> = {
  kind: HOLDS,
  path: '/holds',
  what: 'The hold',
  many: 'holds',
  schema: HOLD,
  json: holdJson,
  revokedAt: 'revoked',
  none: problem(404, 'no such hold'),
  over: (state) => problem(409, `this hold was ${state} before`),
}
