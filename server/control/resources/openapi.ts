import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../frame/endpoint.ts'
import { openapiOf } from '../frame/openapi.ts'

/** `GET /control/v1/openapi.json`: the table that it stands in itself, written when it is first asked for. */
export function openapiEndpoint(endpoints: () => readonly Endpoint[]): Endpoint {
  let made: Answer | undefined
  return endpoint({
    method: 'GET',
    path: '/openapi.json',
    operation: 'readOpenapi',
    summary: 'This API as OpenAPI 3.1',
    role: 'viewer',
    callers: ['control', 'verifier'],
    answers: { 200: { what: 'The document', schema: z.record(z.string(), z.unknown()) } },
    handle: () => {
      made ??= jsonAnswer(200, openapiOf(endpoints(), '1'))
      return made
    },
  })
}
