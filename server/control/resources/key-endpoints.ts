import {
  cutoffRule,
  deleteRecord,
  type Entry,
  type Operation,
  putRecord,
  type Realm,
} from '@rescind/authority'
import { defined, instantOf } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import {
  CONTROL_KEYS,
  type ControlKey,
  type ControlRole,
  newControlKey,
  ROLES,
  reaches,
} from '../../records/control-keys.ts'
import { OWNER } from '../../records/key-owners.ts'
import { displayName } from '../../records/text-schemas.ts'
import { auditOf, commitChange, NO_CONTENT } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { realmParameter } from '../frame/input.ts'
import { answerPage, PAGE_QUERY, type PageQuery, pageShape } from '../frame/paged.ts'

/** How many control keys a store may have, over all realms. A deleted key makes room. */
const CONTROL_KEYS_MAX = 1_000
/** How many of them may be for one realm. A realm's own admin makes keys, too, and must not use up the others'. */
const KEYS_PER_REALM_MAX = 100
/** The last ones are for keys of all realms to make. */
const KEYS_RESERVED = 100
const NAME_MAX = 128

type KeyBody = {
  readonly name: string
  readonly role: ControlRole
  readonly realm?: string | undefined
  readonly owner?: string | undefined
}

const NEW: z.ZodType<KeyBody> = z.strictObject({
  name: displayName(NAME_MAX),
  role: z.enum(ROLES),
  realm: z.string().optional(),
  owner: OWNER.optional().describe('Who it belongs to: a login name or an e-mail address, never changed'),
})

const KEY_MEMBERS = {
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** Absent: all realms. */
  realm: z.string().optional(),
  owner: z
    .string()
    .optional()
    .describe('Approvals count owners; absent: one person with all keys without one'),
  createdAt: z.string().optional(),
}
const KEY = z.strictObject(KEY_MEMBERS)

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/keys',
  operation: 'createKey',
  summary: 'Make a control key; its text is in this answer and nowhere else',
  role: 'admin',
  body: NEW,
  answers: {
    201: { what: 'The key, shown once', schema: z.strictObject({ ...KEY_MEMBERS, key: z.string() }) },
  },
  handle: create,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/keys',
  operation: 'listKeys',
  summary: 'Control keys, without their text; with ?realm= those of one realm',
  role: 'viewer',
  query: PAGE_QUERY,
  answers: { 200: pageShape('keys', KEY) },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/keys/{keyId}',
  operation: 'readKey',
  summary: 'One control key, without its text',
  role: 'viewer',
  answers: { 200: { what: 'The key', schema: KEY } },
  handle: async (ask) => {
    const entry = await visibleKey(ask)
    return isAnswer(entry) ? entry : jsonAnswer(200, keyJson(entry))
  },
})

const DELETE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/keys/{keyId}',
  operation: 'revokeKey',
  summary: 'Revoke a control key; what it has open is closed. A responder cannot end an admin key',
  role: 'responder',
  rateClass: 'revoke',
  answers: { 204: { what: 'It opens nothing any more' } },
  problems: [409],
  handle: revoke,
})

export const KEY_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, READ, DELETE]

const NONE: Problem = problem(404, 'no such key')
const METRICS_OF_ALL: Problem = problem(
  422,
  'role: a key that scrapes is one of all realms, because the metrics are about all of them',
)
const ABOVE: Problem = problem(403, 'an admin key is ended by an admin')

async function create(ask: Ask<unknown, KeyBody>): Promise<Answer | Stale> {
  const { parts, by, body } = ask
  const { system } = parts.realms
  // A key of one realm may make keys only for that realm, and learns of no other realm.
  if (by.realm !== undefined && body.realm !== undefined && body.realm !== by.realm)
    return problem(403, 'realm: a key of one realm can make keys of that realm only')
  const realm = by.realm ?? body.realm
  if (body.role === 'metrics' && realm !== undefined) return METRICS_OF_ALL
  if (realm !== undefined) await parts.realms.settled(realm)
  if (realm !== undefined && !parts.realms.isServed(realm)) return problem(422, 'realm: no such realm')
  const { entries } = await system.directory.page(CONTROL_KEYS, { after: undefined, limit: CONTROL_KEYS_MAX })
  const most = by.realm === undefined ? CONTROL_KEYS_MAX : CONTROL_KEYS_MAX - KEYS_RESERVED
  if (entries.length >= most) return problem(422, `a store has at most ${CONTROL_KEYS_MAX} keys`)
  const ofRealm = entries.filter(({ value }) => value.realm === realm).length
  if (realm !== undefined && ofRealm >= KEYS_PER_REALM_MAX)
    return problem(422, `a realm has at most ${KEYS_PER_REALM_MAX} keys`)
  const { name, role, owner } = body
  const { id, value, text } = newControlKey(system, { name, role, realm, owner })
  const cause = { code: 'key', role, ...defined({ owner, realm }) }
  const audit = { ...auditOf(ask), cause }
  const put = { collection: CONTROL_KEYS, id, value, fromVersion: 0 }
  const outcome = await commitChange({ ...ask, realm: system }, putRecord(system, put, audit))
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(201, { ...keyJson({ id, version: 1, value }), key: text })
}

async function list({ parts, by, realm, request, query }: Ask<PageQuery>): Promise<Answer> {
  const asked = realmParameter(request.query)
  if (typeof asked === 'object') return asked
  const name = by.realm ?? asked
  const listed = name === undefined ? {} : { listed: { name: 'realm', value: name } }
  const of = { realm, list: `keys:${name ?? ''}`, member: 'keys' }
  return answerPage(of, query.cursor, async (after) => {
    const ask = { ...listed, after, limit: query.limit }
    const { entries, next } = await parts.realms.system.directory.page(CONTROL_KEYS, ask)
    return { items: entries.map(keyJson), next }
  })
}

async function revoke(ask: Ask): Promise<Answer | Stale> {
  const { system } = ask.parts.realms
  const entry = await visibleKey(ask)
  if (isAnswer(entry)) return entry
  // Whoever may end admins could shut out those who could stop them.
  if (ask.by.role === undefined || !reaches(ask.by.role, entry.value.role)) return ABOVE
  const other = isWhole(entry.value) ? await anotherAdmin(system, entry.id) : undefined
  if (isWhole(entry.value) && other === undefined)
    return problem(409, 'this is the last admin key of all realms; create another one first')
  const deletion = { collection: CONTROL_KEYS.name, id: entry.id, fromVersion: entry.version }
  const audit = auditOf(ask)
  const cutoff = cutoffRule(system, 'client', { source: 'control', client: entry.id })
  const operations: readonly Operation[] = [
    ...deleteRecord(system, deletion, audit),
    { kind: 'append', row: system.row(cutoff, audit) },
  ]
  // A concurrent deletion of the other key conflicts with this one, and gets the answer for a conflict.
  const expects = other === undefined ? [] : [{ collection: CONTROL_KEYS.name, ...other }]
  const outcome = await commitChange({ ...ask, realm: system }, operations, expects)
  return outcome.kind === 'applied' ? NO_CONTENT : 'stale'
}

/** Whether a key may do everything. One such key must always exist. */
function isWhole({ role, realm }: ControlKey): boolean {
  return role === 'admin' && realm === undefined
}

async function anotherAdmin(
  system: Realm,
  id: string,
): Promise<{ readonly id: string; readonly version: number } | undefined> {
  for await (const entry of system.directory.all(CONTROL_KEYS)) {
    if (entry.id !== id && isWhole(entry.value)) return { id: entry.id, version: entry.version }
  }
  return undefined
}

/** A key, if this caller may see it. A key of another realm is answered like one that does not exist. */
async function visibleKey({ parts, by, params }: Ask): Promise<Entry<ControlKey> | Problem> {
  const { entry } = await parts.realms.system.directory.state(CONTROL_KEYS, params['keyId'] ?? '')
  if (entry === undefined) return NONE
  return by.realm === undefined || by.realm === entry.value.realm ? entry : NONE
}

function keyJson({ id, value }: Entry<ControlKey>): z.output<typeof KEY> {
  const { name, role, realm, owner, createdAtMs } = value
  const createdAt = instantOf(createdAtMs)
  return { id, name, role, realm, owner, createdAt }
}
