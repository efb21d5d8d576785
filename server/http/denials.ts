import type { Metrics } from '../machine/metrics.ts'
import type { RequestLines } from './request-lines.ts'
import type { NodeWireRequest } from './wire.ts'

export type Denials = { readonly note: (route: string, status: number, request: NodeWireRequest) => void }

/** Counts all refused credentials and rights, and logs them at a bounded rate, without what was presented. */
export function createDenials(lines: RequestLines, metrics: Metrics): Denials {
  return {
    note: (route, status, { from }) => {
      metrics.denied(route, status)
      lines.write('info', { route, status, from }, 'denied')
    },
  }
}
