import { changePrefixes, type Prefixes, TOKEN_PREFIXES, TOKEN_PREFIXES_ID } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { problem } from '../../../http/problem.ts'
import { auditOf } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'

const prefix = z.string().min(1).max(64).optional()
const OWN = z.strictObject({
  access: prefix,
  refresh: prefix,
  code: prefix,
  identity: prefix,
  clientSecret: prefix,
})

const ANSWERED = z.strictObject({
  prefixes: z.record(z.string(), z.string()),
  /** Prefixes that are no longer minted but still recognised. */
  former: z.array(z.string()),
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/token-prefixes',
  operation: 'readTokenPrefixes',
  summary: 'How the text of tokens and secrets begins, for secret scanners',
  role: 'viewer',
  answers: { 200: { what: 'The prefixes', schema: ANSWERED } },
  handle: read,
})

const REPLACE: Endpoint = endpoint({
  method: 'PUT',
  path: '/token-prefixes',
  operation: 'replaceTokenPrefixes',
  summary: 'Mint with prefixes of your own; those that are absent are the usual ones',
  role: 'admin',
  body: OWN,
  answers: { 200: { what: 'The prefixes', schema: ANSWERED } },
  handle: replace,
})

export const TOKEN_PREFIX_ENDPOINTS: readonly Endpoint[] = [READ, REPLACE]

async function read({ realm }: Pick<Ask, 'realm'>): Promise<Answer> {
  const entry = await realm.directory.get(TOKEN_PREFIXES, TOKEN_PREFIXES_ID)
  return jsonAnswer(200, { prefixes: realm.grammar.prefixes, former: entry?.value.former ?? [] })
}

async function replace(ask: Ask<unknown, z.output<typeof OWN>>): Promise<Answer | Stale> {
  const given = Object.entries(ask.body).filter(([, value]) => value !== undefined)
  // The schema has checked the names; only undefined members were dropped.
  const own = Object.fromEntries(given) as Partial<Prefixes>
  const change = await changePrefixes(ask.realm, own, { caller: ask.by.caller, audit: auditOf(ask) })
  switch (change.kind) {
    case 'changed':
      return read(ask)
    case 'refused':
      return problem(422, change.why)
    case 'stale':
      return 'stale'
  }
}
