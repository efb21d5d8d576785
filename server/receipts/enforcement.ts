import type { Realm } from '@rescind/authority'
import { type Position, seqOf } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { Enforcement as Enforcing, Feed } from '@rescind/feed'
import { z } from 'zod'

/** One running verifier, and whether it has applied a revocation. */
export type InstanceJson = {
  readonly verifier: string
  readonly instance: string
  /** Its operator's name for it. */
  readonly label?: string | undefined
  /** The last position that its key holder reported as applied. */
  readonly position?: string | undefined
  /** When its key holder reported the revocation as applied, if that was recent. */
  readonly appliedAt?: string | undefined
  /** Milliseconds between the commit and that report. */
  readonly afterMs?: number | undefined
  readonly state: 'applied' | 'lapsed' | 'behind'
}

/** The verifiers that follow the feed, asked about one position in a realm's log. */
export type Enforcement = {
  /** Resolves when every instance has applied the position or has lapsed, or when the time is up. */
  readonly wait: (realm: Realm, at: Position, timeoutMs: number) => Promise<void>
  readonly instances: (realm: Realm, at: Position) => Promise<readonly InstanceJson[]>
}

/** Enforcement as the feed knows it from acknowledgements. */
export function feedEnforcement(feed: Feed): Enforcement {
  return {
    wait: async (realm, at, timeoutMs) => {
      await feed.of(realm).instances.enforced(seqOf(at), timeoutMs)
    },
    instances: async (realm, at) => {
      await feed.refresh()
      const list = feed.of(realm).instances.enforcement(seqOf(at))
      if (list.length === 0) return []
      const [row] = await realm.store.rowsAfter(realm.ordinal, seqOf(at) - 1, 1)
      const committedMs = row?.seq === seqOf(at) ? row.atMs : undefined
      return list.map((one) => instanceJson(realm, one, committedMs))
    },
  }
}

function instanceJson(realm: Realm, one: Enforcing, committedMs: number | undefined): InstanceJson {
  const { verifier, instance, label, state, position, appliedAtMs } = one
  const named = { verifier: verifier.slice(realm.name.length + 1), instance, label, position }
  const stateJson = state === 'pending' ? 'behind' : state
  if (appliedAtMs === undefined || committedMs === undefined) return { ...named, state: stateJson }
  const afterMs = Math.max(0, appliedAtMs - committedMs)
  return { ...named, state: stateJson, appliedAt: formatInstant(appliedAtMs), afterMs }
}

export const INSTANCE: z.ZodType<InstanceJson> = z
  .strictObject({
    verifier: z.string(),
    instance: z.string(),
    label: z.string().optional(),
    position: z.string().optional(),
    appliedAt: z.string().optional(),
    afterMs: z.number().optional(),
    state: z.enum(['applied', 'lapsed', 'behind']),
  })
  .meta({ id: 'Instance', description: 'That it was applied is the word of whoever holds the verifier key' })
