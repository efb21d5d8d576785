import { RateLimit } from '@rescind/dialects'
import type { Logger } from 'pino'
import type { Metrics } from '../metrics.ts'
import type { NodeWireRequest } from './wire.ts'

/** Lines a second that one caller's refusals may fill; the counter counts the rest too. */
const LINES_PER_SECOND = 10

export type Denials = { readonly note: (route: string, status: number, request: NodeWireRequest) => void }

/** Refused credentials and rights: counted all, logged at a bounded rate per caller, never with what was presented. */
export function createDenials(log: Logger, metrics: Metrics, nowMs: () => number): Denials {
  const lines = new RateLimit(LINES_PER_SECOND)
  return {
    note: (route, status, { from }) => {
      metrics.denied(route, status)
      if (lines.take(from, nowMs()) === 0) log.info({ route, status, from }, 'denied')
    },
  }
}
