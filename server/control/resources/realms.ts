import type { RealmView } from '@rescind/authority'
import { parseRealmName, StoreRefused, SYSTEM_REALM, unreachable } from '@rescind/core'
import { formatInstant, instantOf } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { rangeAfter } from '../../audit/export.ts'
import { exportRealm } from '../../audit/export-realm.ts'
import { type Problem, problem } from '../../http/problem.ts'
import type { Spreading } from '../../keys/master-key.ts'
import { auditOf, NO_CONTENT } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { refusedEnding } from './rules/ending.ts'

const REALM = z.strictObject({
  name: z.string(),
  /** False: it is not served, and everything in it has ended. */
  enabled: z.boolean(),
  createdAt: z.string().optional(),
})
const WHOLE = { what: 'The realm', schema: REALM }
const NDJSON = 'application/x-ndjson'

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/realms',
  operation: 'createRealm',
  summary: 'Make a realm; it is served at once, under /realms/{realm}',
  role: 'admin',
  reach: 'store',
  body: z.strictObject({ name: z.string() }),
  answers: { 201: WHOLE },
  problems: [409],
  handle: create,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/realms',
  operation: 'listRealms',
  summary: 'All realms',
  role: 'viewer',
  reach: 'store',
  answers: { 200: { what: 'The realms', schema: z.strictObject({ realms: z.array(REALM) }) } },
  handle: async ({ parts }) => jsonAnswer(200, { realms: (await parts.realms.list()).map(realmJson) }),
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/realms/{name}',
  operation: 'readRealm',
  summary: 'One realm',
  role: 'viewer',
  reach: 'store',
  answers: { 200: WHOLE },
  handle: async ({ parts, params }) => {
    const view = await parts.realms.view(params['name'] ?? '')
    return view === undefined ? NONE : jsonAnswer(200, realmJson(view))
  },
})

const UPDATE: Endpoint = endpoint({
  method: 'PATCH',
  path: '/realms/{name}',
  operation: 'changeRealm',
  summary: 'Disable a realm, which ends everything in it, or serve it again',
  role: 'admin',
  reach: 'store',
  rateClass: 'revoke',
  body: z.strictObject({ enabled: z.boolean(), reason: z.string().min(1).max(256).optional() }),
  answers: { 200: WHOLE },
  problems: [409],
  handle: async (ask: Ask<unknown, { enabled: boolean; reason?: string | undefined }>) => {
    const { enabled, reason } = ask.body
    const done = await settle(ask, enabled ? 'enabled' : 'disabled', reason)
    if (done !== 'done') return done
    const view = await ask.parts.realms.view(ask.params['name'] ?? '')
    return view === undefined ? NONE : jsonAnswer(200, realmJson(view))
  },
})

const DELETE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/realms/{name}',
  operation: 'deleteRealm',
  summary: 'Delete a realm and end everything in it; its name is never given to another one',
  role: 'admin',
  reach: 'store',
  rateClass: 'revoke',
  answers: { 204: { what: 'It is gone' } },
  problems: [409],
  handle: async (ask) => {
    const done = await settle(ask, 'deleted')
    return done === 'done' ? NO_CONTENT : done
  },
})

const EXPORT: Endpoint = endpoint({
  method: 'GET',
  path: '/realms/{name}/export',
  operation: 'exportRealm',
  summary: 'Everything in a realm, as lines: its records, its tokens without their text, its log',
  role: 'admin',
  reach: 'store',
  scans: true,
  answers: { 200: { what: 'The lines', type: NDJSON } },
  handle: async ({ parts, params }) => {
    const realm = await parts.realms.known(params['name'] ?? '')
    const range = realm === undefined ? undefined : await rangeAfter(realm, 0)
    if (realm === undefined || range === undefined) return NONE
    return { status: 200, headers: HEADERS, body: exportRealm(realm, range) }
  },
})

const ROTATE: Endpoint = endpoint({
  method: 'POST',
  path: '/master-key/rotate',
  operation: 'rotateMasterKey',
  summary: 'Change the master key: a new one is made in its file, and all keys of realms are wrapped with it',
  role: 'admin',
  reach: 'store',
  answers: { 200: { what: 'It is changed', schema: z.strictObject({ rotatedAt: z.string() }) } },
  problems: [409],
  handle: rotate,
})

export const REALM_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, READ, UPDATE, DELETE, EXPORT, ROTATE]

const HEADERS = { 'content-type': NDJSON, 'cache-control': 'no-store' }
const NONE: Problem = problem(404, 'no such realm')

async function create(ask: Ask<unknown, { name: string }>): Promise<Answer> {
  const { name } = ask.body
  const { realms } = ask.parts
  const valid = parseRealmName(name)
  if (valid === undefined || valid === SYSTEM_REALM)
    return problem(422, 'name: 1 to 63 of a-z, 0-9 and -, and not "system"')
  try {
    await realms.make(name, auditOf(ask))
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error
    return problem(409, 'name: in use, now or formerly, by a realm')
  }
  const view = await realms.view(name)
  return view === undefined ? NONE : jsonAnswer(201, realmJson(view))
}

const WHOLE_REALM: readonly Target[] = [{ kind: 'cut', shape: 'realm', principals: { source: '' } }]

async function settle(
  ask: Ask,
  state: 'enabled' | 'disabled' | 'deleted',
  reason?: string,
): Promise<'done' | Problem | Stale> {
  const name = ask.params['name'] ?? ''
  if (name === 'default' && state !== 'enabled')
    return problem(409, 'the realm "default" is always there; revoke what is in it instead')
  const realm = state === 'enabled' ? undefined : await ask.parts.realms.get(name)
  // The realm's own settings decide. A realm that is not served has nothing alive.
  const refused = realm === undefined ? undefined : await refusedEnding({ ...ask, realm }, WHOLE_REALM)
  if (refused !== undefined) return refused
  const act = { caller: ask.by.caller, audit: auditOf(ask, reason) }
  return (await ask.parts.realms.setState(name, state, act)) ?? NONE
}

async function rotate(ask: Ask): Promise<Answer | Stale> {
  const rotated = await ask.parts.rotateMasterKey({ caller: ask.by.caller, audit: auditOf(ask) })
  if (typeof rotated === 'object') return spreading(rotated)
  switch (rotated) {
    case 'done':
      return jsonAnswer(200, { rotatedAt: formatInstant(ask.realm.nowMs()) })
    case 'stale':
      return 'stale'
    case 'running':
      return problem(409, 'a change is under way already; wait for it to end')
    case 'made-elsewhere':
      return problem(
        409,
        'another node has the next key: copy the file .next from beside its master key to this node, and ask again',
      )
    case 'unfinished':
      return problem(
        409,
        'not every node has taken the last change into its file: ask again in half a minute',
      )
    case 'no-file':
      return problem(409, 'this store has no master key in a file')
    default:
      return unreachable(rotated)
  }
}

function spreading({ have, others }: Spreading): Problem {
  const where = "the next key is beside this node's master key, in a file that ends in .next"
  const who = `copy that file to the other nodes (${have} of ${others} have it)`
  return problem(409, `${where}: ${who}, and ask again in half a minute`)
}

function realmJson({ name, enabled, createdAtMs }: RealmView): z.output<typeof REALM> {
  return { name, enabled, createdAt: instantOf(createdAtMs) }
}
