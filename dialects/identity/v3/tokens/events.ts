import { type Answer, JSON_TYPE } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { parseFormText } from '../../../wire/form.ts'
import type { Call } from '../../call.ts'
import { asActing } from '../acting.ts'
import { forbidden, malformed, success } from '../answers.ts'
import { parseSince } from './http-date.ts'
import { eventsAfter, seqBefore } from './revocation-events.ts'

/** Events per answer; a longer list continues at `links.next`. */
export const EVENTS_MAX = 10_000
const DIGITS = /^\d{1,15}$/

/**
 * `GET /v3/OS-REVOKE/events?since=`: revocations, oldest first, for callers who govern or validate everybody's tokens.
 * The list is streamed as it is read.
 */
export function events(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async ({ power }) => {
      if (power.kind !== 'system' && power.kind !== 'service') return forbidden()
      const form = parseFormText(call.request.query ?? '')
      if (form.kind !== 'form') return malformed('The query cannot be read.')
      const [since, marker] = [form.values.get('since'), form.values.get('marker')]
      if (marker !== undefined && !DIGITS.test(marker)) return malformed('"marker" is not one.')
      const sinceMs = since === undefined ? 0 : parseSince(since)
      if (sinceMs === undefined) return malformed('"since" must be a date.')
      const after = marker === undefined ? await seqBefore(call.realm, sinceMs) : Number(marker)
      const { headers } = success(200, {})
      return { status: 200, headers: { ...headers, 'content-type': JSON_TYPE }, body: written(call, after) }
    }),
  )
}

async function* written({ realm, request }: Call, after: number): AsyncGenerator<string, void> {
  const url = `${request.base}/v3/OS-REVOKE/events`
  let count = 0
  let [last, next]: [number, string | null] = [after, null]
  yield '{"events":['
  for await (const { seq, event } of eventsAfter(realm, after)) {
    if (count === EVENTS_MAX) {
      next = `${url}?marker=${last}`
      break
    }
    yield (count === 0 ? '' : ',') + JSON.stringify(event)
    count += 1
    last = seq
  }
  yield `],"links":${JSON.stringify({ self: url, previous: null, next })}}`
}
