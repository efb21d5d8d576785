import { deleteRecord, mintText, putRecord } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import {
  type Answer,
  jsonAnswer,
  OAUTH_CLIENTS,
  type OauthClient,
  oauthClientValue,
  type Stale,
} from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, problem } from '../../../http/problem.ts'
import {
  CLIENT_CHANGE,
  CLIENT_SETTINGS,
  type ClientSettings,
  clientMembers,
  settingsOf,
  settingsProblem,
} from '../../../records/oauth-clients.ts'
import { auditOf, commitChange } from '../../frame/change.ts'
import { makeCursor, readCursor } from '../../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { isKnown } from '../../frame/etag.ts'
import { changeClient, endOfClient, namedClient, refusedEndOfClient } from './client-change.ts'
import { CLIENT, clientJson, NEW_CLIENT, shownClient } from './client-json.ts'

const ID_MAX = 256
const PAGE_MAX = 1_000
const REASON_MAX = 512

const clientId = z
  .string()
  .min(1)
  .max(ID_MAX)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text')
const reason = z.string().min(1).max(REASON_MAX).optional()

const NEW = z.strictObject({ clientId, ...CLIENT_SETTINGS })
const CHANGE = z.strictObject({
  ...CLIENT_CHANGE,
  enabled: z.boolean().optional(),
  revokeTokens: z
    .boolean()
    .default(false)
    .describe('What it is taken from counts at once: whatever was issued to the client so far is over'),
  reason,
})
const REASON = z.strictObject({ reason }).optional()

const WHOLE = { what: 'The client', schema: CLIENT }

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/clients',
  operation: 'createClient',
  summary: 'Register an OAuth client; its secret is in this answer and nowhere else',
  role: 'admin',
  body: NEW,
  answers: {
    201: {
      what: 'The client; clientSecret unless it is public or has keys of its own',
      schema: NEW_CLIENT,
    },
  },
  problems: [409],
  handle: create,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/clients',
  operation: 'listClients',
  summary: 'OAuth clients, without their secrets',
  role: 'viewer',
  query: z.object({ cursor: z.string().optional(), limit: z.int().min(1).max(PAGE_MAX).default(100) }),
  answers: {
    200: {
      what: 'A page of them, and the cursor of the next one',
      schema: z.strictObject({ clients: z.array(CLIENT), next: z.string().optional() }),
    },
  },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/clients/{clientId}',
  operation: 'readClient',
  summary: 'One OAuth client, without its secrets',
  role: 'viewer',
  conditional: true,
  answers: { 200: WHOLE, 304: { what: 'The caller has this version' } },
  handle: async (ask) => {
    const entry = await namedClient(ask)
    if (isAnswer(entry)) return entry
    if (isKnown(ask.request, entry.version)) return { status: 304, headers: {}, body: '' }
    return shownClient(entry, ask.realm.nowMs(), { status: 200 })
  },
})

const UPDATE: Endpoint = endpoint({
  method: 'PATCH',
  path: '/clients/{clientId}',
  operation: 'changeClient',
  summary: 'Change what a client may do; enabled: false and revokeTokens end its tokens at once',
  role: 'admin',
  conditional: true,
  body: CHANGE,
  answers: { 200: WHOLE },
  handle: update,
})

const DISABLE: Endpoint = endpoint({
  method: 'POST',
  path: '/clients/{clientId}/disable',
  operation: 'disableClient',
  summary: 'Shut a client out and end its tokens at once',
  role: 'admin',
  lane: 'revoke',
  conditional: true,
  body: REASON,
  answers: { 200: WHOLE },
  handle: (ask) => setEnabled(ask, false),
})

const ENABLE: Endpoint = endpoint({
  method: 'POST',
  path: '/clients/{clientId}/enable',
  operation: 'enableClient',
  summary: 'Let a client in again; what it held before stays over',
  role: 'admin',
  conditional: true,
  body: REASON,
  answers: { 200: WHOLE },
  handle: (ask) => setEnabled(ask, true),
})

const DELETE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/clients/{clientId}',
  operation: 'deleteClient',
  summary: 'Forget a client; its tokens are over',
  role: 'admin',
  lane: 'revoke',
  conditional: true,
  answers: { 204: { what: 'It is gone, and so are its tokens' } },
  handle: remove,
})

export const CLIENT_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, READ, UPDATE, DISABLE, ENABLE, DELETE]

async function create(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Answer | Stale> {
  const { realm, body } = ask
  const { clientId: id, ...settings } = body
  const wrong = settingsProblem(settings)
  if (wrong !== undefined) return problem(422, wrong)
  const { version, entry } = await realm.directory.standing(OAUTH_CLIENTS, id)
  if (entry !== undefined) return problem(409, 'clientId: there is a client of this name')
  const hasSecret = settings.public !== true && settings.jwks === undefined
  const clientSecret = hasSecret
    ? mintText(realm.grammar.prefixes.clientSecret, realm.random).reveal()
    : undefined
  const intent = { clientId: id, ...clientMembers(settings) }
  const value = oauthClientValue(realm, clientSecret === undefined ? intent : { ...intent, clientSecret })
  const put = { collection: OAUTH_CLIENTS, id, value, fromVersion: version }
  const outcome = await commitChange(ask, putRecord(realm, put, auditOf(ask)))
  if (outcome.kind !== 'applied') return 'stale'
  const more = clientSecret === undefined ? {} : { clientSecret }
  return shownClient({ id, version: version + 1, value }, realm.nowMs(), { status: 201, more })
}

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const of = { realm: ask.realm, list: 'clients' }
  const from = readCursor(of, ask.query.cursor)
  if (isAnswer(from)) return from
  const page = await ask.realm.directory.page(OAUTH_CLIENTS, { after: from.place, limit: ask.query.limit })
  const clients = page.entries.map((entry) => clientJson(entry, ask.realm.nowMs()))
  return jsonAnswer(200, page.next === undefined ? { clients } : { clients, next: makeCursor(of, page.next) })
}

async function update(ask: Ask<unknown, z.output<typeof CHANGE>>): Promise<Answer | Stale> {
  const before = await namedClient(ask)
  if (isAnswer(before)) return before
  const { enabled = before.value.enabled, revokeTokens, reason: why, ...given } = ask.body
  const named = Object.entries({ ...settingsOf(before.value), ...defined(given) })
  // Members of checked settings, each replaced by a checked one or taken away.
  const settings = Object.fromEntries(
    named.filter(([, value]) => value !== null),
  ) as unknown as ClientSettings
  const wrong = settingsProblem(settings)
  if (wrong !== undefined) return problem(422, wrong)
  const { secrets, secretDigests, createdAtMs } = before.value
  const value: OauthClient = {
    clientId: before.id,
    ...clientMembers(settings),
    ...(secrets === undefined ? {} : { secrets }),
    ...(secretDigests === undefined ? {} : { secretDigests }),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
    enabled,
  }
  const ends = revokeTokens || (before.value.enabled && !enabled)
  const after = await changeClient(ask, before, { value, ends, why })
  if (after === undefined) return 'stale'
  return isAnswer(after) ? after : shownClient(after, ask.realm.nowMs(), { status: 200 })
}

async function setEnabled(
  ask: Ask<unknown, z.output<typeof REASON>>,
  enabled: boolean,
): Promise<Answer | Stale> {
  const before = await namedClient(ask)
  if (isAnswer(before)) return before
  // Once more: what was issued in a race with the first time is over, too, and a repeated call is safe.
  const change = { value: { ...before.value, enabled }, ends: !enabled, why: ask.body?.reason }
  const after = await changeClient(ask, before, change)
  if (after === undefined) return 'stale'
  return isAnswer(after) ? after : shownClient(after, ask.realm.nowMs(), { status: 200 })
}

async function remove(ask: Ask): Promise<Answer | Stale> {
  const entry = await namedClient(ask)
  if (isAnswer(entry)) return entry
  const refused = await refusedEndOfClient(ask, entry.id)
  if (refused !== undefined) return refused
  const deletion = { collection: OAUTH_CLIENTS.name, id: entry.id, fromVersion: entry.version }
  const operations = [...deleteRecord(ask.realm, deletion, auditOf(ask)), endOfClient(ask, entry.id)]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied' ? { status: 204, headers: {}, body: '' } : 'stale'
}
