import type { Metrics } from '../machine/metrics.ts'
import type { RequestLines } from './request-lines.ts'
import type { NodeWireRequest } from './wire.ts'

export type Denials = { readonly note: (route: string, status: number, request: NodeWireRequest) => void }

/** Refused credentials and rights: counted all, logged at a bounded rate, never with what was presented. */
export function createDenials(lines: RequestLines, metrics: Metrics): Denials {
  return {
    note: (route, status, { from }) => {
      metrics.denied(route, status)
      lines.write('info', { route, status, from }, 'denied')
    },
  }
}
