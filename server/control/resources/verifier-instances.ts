import { formatInstant } from '@rescind/core/bytes'
import { type InstanceView, STALE_POLICIES } from '@rescind/feed'
import { z } from 'zod'

type InstanceJson = Pick<InstanceView, 'instance' | 'connected' | 'lapsed' | 'boundMs' | 'onStale'> & {
  readonly label?: string | undefined
  readonly from?: string | undefined
  readonly position?: string | undefined
  readonly behind?: number | undefined
  readonly lastContact: string
}

export const INSTANCE: z.ZodType<InstanceJson> = z.strictObject({
  instance: z.string(),
  /** The operator's name for it; by default the name of its host. */
  label: z.string().optional(),
  connected: z.boolean(),
  /** Silent for longer than its bound, and set to refuse when stale: revocations do not wait for it. */
  lapsed: z.boolean(),
  boundMs: z.int(),
  onStale: z.enum(STALE_POLICIES),
  from: z.string().optional(),
  /** The last position that it has acknowledged, as its key holder claims. */
  position: z.string().optional(),
  /** Rows between that position and the end of the log. */
  behind: z.int().optional(),
  lastContact: z.string(),
})

export function instanceJson(view: InstanceView, head: number): InstanceJson {
  const { instance, label, connected, lapsed, boundMs, onStale, from, position, applied } = view
  const lastContact = formatInstant(view.lastContactMs)
  const behind = applied === undefined ? undefined : Math.max(0, head - applied)
  return { instance, label, connected, lapsed, boundMs, onStale, from, position, behind, lastContact }
}
