import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { EXAMPLES } from '../examples/examples.ts'
import { type Endpoint, endpoint } from '../frame/endpoint.ts'
import { openapiOf } from '../frame/openapi.ts'
import { SOURCE_FORMS } from './rules/target-schema.ts'

/** `GET /control/v1/openapi.json`: describes the table that it is part of; written at the first request. */
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
    handle: async ({ parts }) => {
      made ??= jsonAnswer(
        200,
        withForms(
          openapiOf(endpoints(), { version: '1', url: parts.baseUrl(), examples: EXAMPLES }),
          parts.sources.forms,
        ),
      )
      return made
    },
  })
}

/** The document, with the sources of this server's dialects filled in. */
function withForms(document: unknown, forms: readonly string[]): unknown {
  return JSON.parse(JSON.stringify(document).replaceAll(SOURCE_FORMS, forms.join(', ')))
}
