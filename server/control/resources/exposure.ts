import { parseHandle } from '@rescind/core'
import { parseInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { exposureOfToken, exposurePage } from '../../receipts/exposure.ts'
import { EXPOSURE } from '../../receipts/exposure-json.ts'
import type { TokenName } from '../../receipts/stored-acceptances.ts'
import { makeCursor, readCursor } from '../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { NO_RECEIPT, receiptOf } from './rules/receipts.ts'

const PAGE_MAX = 1_000

const since = z
  .string()
  .optional()
  .describe(
    'RFC 3339: acceptances before it are left out; absent: from the token’s issue, or the last day of a rule',
  )

const PAGE_QUERY = z.strictObject({
  since,
  limit: z.int().min(1).max(PAGE_MAX).default(500),
  cursor: z.string().max(1_024).optional(),
})

/** `GET /control/v1/revocations/{id}/exposure`: who accepted what a revocation covers, before it was enforced. */
const OF_REVOCATION: Endpoint = endpoint({
  method: 'GET',
  path: '/revocations/{id}/exposure',
  operation: 'readExposure',
  summary: 'Who accepted the tokens that a revocation covers: at least these',
  role: 'viewer',
  scans: true,
  query: PAGE_QUERY,
  answers: {
    200: { what: 'A page of the tokens, who accepted them, and what cannot be told', schema: EXPOSURE },
  },
  handle: ofRevocation,
})

async function ofRevocation({
  realm,
  params,
  query,
  parts,
}: Ask<z.output<typeof PAGE_QUERY>>): Promise<Answer> {
  const id = params['id'] ?? ''
  const sinceMs = instantIn(query.since)
  if (isAnswer(sinceMs)) return sinceMs
  const of = { realm, list: `exposure:${id}:${query.since ?? ''}` }
  const from = readCursor(of, query.cursor)
  if (isAnswer(from)) return from
  const written = await receiptOf(realm, id)
  if (written === undefined) return NO_RECEIPT
  const after = from.place === undefined ? undefined : Number(from.place)
  const page = { sinceMs: sinceMs.ms, after, limit: query.limit }
  const { json, next } = await exposurePage(realm, written, { parts, page })
  return jsonAnswer(200, { ...json, next: next === undefined ? undefined : makeCursor(of, String(next)) })
}

/** `GET /control/v1/tokens/{handle}/exposure`: who accepted one token. */
const OF_TOKEN: Endpoint = endpoint({
  method: 'GET',
  path: '/tokens/{handle}/exposure',
  operation: 'readTokenExposure',
  summary: 'Who accepted a token: at least these',
  role: 'viewer',
  query: z.strictObject({ since }),
  answers: { 200: { what: 'Who accepted it, and what cannot be told', schema: EXPOSURE } },
  handle: async (ask) => {
    const handle = parseHandle(ask.params['handle'] ?? '')
    return handle === undefined ? problem(404, 'not of the form of a handle, tok_…') : ofToken(ask, handle)
  },
})

const FOREIGN_QUERY = z.strictObject({
  issuer: z.string().min(1).max(1_024),
  jti: z.string().min(1).max(1_024).describe('Or sha256: and the hash of its signing input, if it has none'),
  since,
})

/** `GET /control/v1/exposure`: the same for a token of a registered issuer. */
const OF_FOREIGN: Endpoint = endpoint({
  method: 'GET',
  path: '/exposure',
  operation: 'readForeignExposure',
  summary: 'Who accepted a registered issuer’s token: at least these',
  role: 'viewer',
  query: FOREIGN_QUERY,
  answers: { 200: { what: 'Who accepted it, and what cannot be told', schema: EXPOSURE } },
  handle: (ask) => ofToken(ask, { issuer: ask.query.issuer, jti: ask.query.jti }),
})

export const EXPOSURE_ENDPOINTS: readonly Endpoint[] = [OF_REVOCATION, OF_TOKEN, OF_FOREIGN]

type TokenAsk = Pick<Ask<{ readonly since?: string | undefined }>, 'realm' | 'parts' | 'query'>

async function ofToken({ realm, parts, query }: TokenAsk, name: TokenName): Promise<Answer> {
  const sinceMs = instantIn(query.since)
  if (isAnswer(sinceMs)) return sinceMs
  const json = await exposureOfToken(realm, name, { parts, sinceMs: sinceMs.ms })
  const isNothing = json.tokens.every(({ accepted }) => accepted.length === 0)
  if (isNothing && typeof name === 'string' && !(await isToken(realm, name))) return NO_TOKEN
  return jsonAnswer(200, json)
}

const NO_TOKEN: Problem = problem(404, 'no such token')

async function isToken(
  realm: Ask['realm'],
  handle: NonNullable<ReturnType<typeof parseHandle>>,
): Promise<boolean> {
  return (await realm.store.tokenByHandle(realm.ordinal, handle)) !== undefined
}

function instantIn(text: string | undefined): { readonly ms: number | undefined } | Problem {
  if (text === undefined) return { ms: undefined }
  const ms = parseInstant(text)
  return ms === undefined ? problem(422, 'since: not an RFC 3339 instant') : { ms }
}
