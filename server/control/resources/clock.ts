import { actRow } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { auditOf, commitChange } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'

/** `POST /control/v1/clock/confirm`: an operator vouches for the wall clock as it reads now. */
export const CONFIRM_CLOCK: Endpoint = endpoint({
  method: 'POST',
  path: '/clock/confirm',
  operation: 'confirmClock',
  summary: 'Vouch for the wall clock as it reads now',
  role: 'admin',
  reach: 'store',
  answers: { 200: { what: 'The floor, durable', schema: z.strictObject({ floor: z.string() }) } },
  handle: confirm,
})

/** Writes the row first: the floor must never rise on a confirmation that is not in the log. */
async function confirm(ask: Ask): Promise<Answer | Stale> {
  const row = actRow(ask.realm, { collection: 'clock', id: 'floor' }, auditOf(ask))
  const outcome = await commitChange(ask, [row])
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(200, { floor: formatInstant(await ask.parts.confirmClock()) })
}
