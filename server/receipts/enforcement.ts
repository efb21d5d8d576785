import type { Position, Realm } from '@rescind/core'
import { z } from 'zod'

/** One running verifier, and how it stands to a revocation. */
export type InstanceJson = {
  readonly verifier: string
  readonly instance: string
  /** When its holder said that it had applied the revocation. */
  readonly appliedAt?: string | undefined
  readonly state: 'applied' | 'lapsed' | 'behind'
}

/** Who checks tokens by the feed, asked about one place in a realm's log. */
export type Enforcement = {
  /** Resolves when every instance has applied the place or has lapsed, or when the time is up. */
  readonly wait: (realm: Realm, at: Position, timeoutMs: number) => Promise<void>
  readonly instances: (realm: Realm, at: Position) => Promise<readonly InstanceJson[]>
}

/** Of a server that nobody takes a feed from: nobody is behind. */
export const NO_VERIFIERS: Enforcement = {
  wait: async () => {},
  instances: async () => [],
}

export const INSTANCE: z.ZodType<InstanceJson> = z
  .strictObject({
    verifier: z.string(),
    instance: z.string(),
    appliedAt: z.string().optional(),
    state: z.enum(['applied', 'lapsed', 'behind']),
  })
  .meta({ id: 'Instance', description: 'That it was applied is the word of whoever holds the verifier key' })
