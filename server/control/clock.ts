import { formatInstant, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Endpoint, endpoint } from './frame/endpoint.ts'

/** `POST /control/v1/clock/confirm`: an operator vouches for the wall clock as it reads now. */
export const CONFIRM_CLOCK: Endpoint = endpoint({
  method: 'POST',
  path: '/clock/confirm',
  operation: 'confirmClock',
  summary: 'Vouch for the wall clock as it reads now',
  role: 'admin',
  reach: 'store',
  answers: { 200: { what: 'The floor, durable', schema: z.strictObject({ floor: z.string() }) } },
  handle: async ({ parts }) => jsonAnswer(200, { floor: formatInstant(await parts.confirmClock()) }),
})
