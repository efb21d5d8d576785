import {
  cutRule,
  deleteRecord,
  type Entry,
  type Expectation,
  mintText,
  type Operation,
  PREFIX,
  putRecord,
  type Realm,
} from '@rescind/authority'
import { isShownName } from '@rescind/core/bytes'
import { type Answer, formatInstant, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { CONTROL_KEYS, type ControlKey, type ControlRole, ROLES } from '../../records/control-keys.ts'
import type { By } from '../frame/by.ts'
import { auditOf } from '../frame/change.ts'
import { makeCursor, readCursor } from '../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { realmParameter } from '../frame/input.ts'

/** Control keys of a store, of all realms together; what is deleted makes room. */
const CONTROL_KEYS_MAX = 1_000
/** Of these, keys for one realm: a realm's own admin makes keys, too, and must not use up those of others. */
const KEYS_PER_REALM_MAX = 100
/** The last ones are made by keys of all realms alone. */
const KEYS_RESERVED = 100
const NAME_MAX = 128
const PAGE_MAX = 1_000

type KeyBody = { readonly name: string; readonly role: ControlRole; readonly realm?: string | undefined }

const NEW: z.ZodType<KeyBody> = z.strictObject({
  name: z.string().min(1).max(NAME_MAX).refine(isShownName, 'must be text that shows all of itself'),
  role: z.enum(ROLES),
  realm: z.string().optional(),
})

const SHOWN = {
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** Absent: all realms. */
  realm: z.string().optional(),
  createdAt: z.string().optional(),
}
const KEY = z.strictObject(SHOWN)

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/keys',
  operation: 'createKey',
  summary: 'Make a control key; its text is in this answer and nowhere else',
  role: 'admin',
  body: NEW,
  answers: { 201: { what: 'The key, shown once', schema: z.strictObject({ ...SHOWN, key: z.string() }) } },
  handle: create,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/keys',
  operation: 'listKeys',
  summary: 'Control keys, without their text; with ?realm= those of one realm',
  role: 'viewer',
  query: z.object({
    cursor: z.string().optional(),
    limit: z.int().min(1).max(PAGE_MAX).default(100),
  }),
  answers: {
    200: {
      what: 'A page of them, and the cursor of the next one',
      schema: z.strictObject({ keys: z.array(KEY), next: z.string().optional() }),
    },
  },
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
    const { entry } = await standingOf(ask)
    return entry === undefined ? NONE : jsonAnswer(200, keyJson(entry))
  },
})

const DELETE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/keys/{keyId}',
  operation: 'revokeKey',
  summary: 'Revoke a control key; what it has open is closed',
  role: 'admin',
  lane: 'revoke',
  answers: { 204: { what: 'It opens nothing any more' } },
  problems: [409],
  handle: revoke,
})

export const KEY_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, READ, DELETE]

const NONE: Problem = problem(404, 'no such key')

async function create(ask: Ask<unknown, KeyBody>): Promise<Answer | Stale> {
  const { parts, by, body } = ask
  const { system } = parts.realms
  // A realm's key makes keys of its own realm, and learns of no other.
  if (by.realm !== undefined && body.realm !== undefined && body.realm !== by.realm)
    return problem(403, 'realm: this key makes keys of its own realm only')
  const realm = by.realm ?? body.realm
  if (realm !== undefined && !parts.realms.isServed(realm)) return problem(422, 'realm: no such realm')
  const { entries } = await system.directory.page(CONTROL_KEYS, { after: undefined, limit: CONTROL_KEYS_MAX })
  const most = by.realm === undefined ? CONTROL_KEYS_MAX : CONTROL_KEYS_MAX - KEYS_RESERVED
  if (entries.length >= most) return problem(422, `a store has at most ${CONTROL_KEYS_MAX} keys`)
  const ofRealm = entries.filter(({ value }) => value.realm === realm).length
  if (realm !== undefined && ofRealm >= KEYS_PER_REALM_MAX)
    return problem(422, `a realm has at most ${KEYS_PER_REALM_MAX} keys`)
  const text = mintText(PREFIX.controlKey, system.random).reveal()
  const id = `key_${system.random.bytes(16).toString('base64url')}`
  const { name, role } = body
  const value: ControlKey = {
    name,
    role,
    ...(realm === undefined ? {} : { realm }),
    keyDigest: system.secretDigest(text),
    createdAtMs: system.nowMs(),
  }
  const put = { collection: CONTROL_KEYS, id, value, fromVersion: 0 }
  const outcome = await commitSystem(ask, putRecord(system, put, auditOf(ask)))
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(201, { ...keyJson({ id, version: 1, value }), key: text })
}

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const { system } = ask.parts.realms
  const asked = realmParameter(ask.request.query)
  if (typeof asked === 'object') return asked
  const realm = ask.by.realm ?? asked
  const of = { realm: ask.realm, list: `keys:${realm ?? ''}` }
  const from = readCursor(of, ask.query.cursor)
  if (isAnswer(from)) return from
  const listed = realm === undefined ? {} : { listed: { name: 'realm', value: realm } }
  const place = { after: from.place, limit: ask.query.limit }
  const page = await system.directory.page(CONTROL_KEYS, { ...listed, ...place })
  const keys = page.entries.map(keyJson)
  return jsonAnswer(200, page.next === undefined ? { keys } : { keys, next: makeCursor(of, page.next) })
}

async function revoke(ask: Ask): Promise<Answer | Stale> {
  const { system } = ask.parts.realms
  const { entry, version } = await standingOf(ask)
  if (entry === undefined) return NONE
  const other = isWhole(entry.value) ? await anotherAdmin(system, entry.id) : undefined
  if (isWhole(entry.value) && other === undefined)
    return problem(409, 'this is the last admin key of all realms; make another one first')
  const deletion = { collection: CONTROL_KEYS.name, id: entry.id, fromVersion: version }
  const audit = auditOf(ask)
  const cut = cutRule(system, 'client', { source: 'control', client: entry.id })
  const operations: readonly Operation[] = [
    ...deleteRecord(system, deletion, audit),
    { kind: 'append', row: system.row(cut, audit) },
  ]
  // Whoever deletes the other one at the same time finds this one gone, and is told.
  const expects = other === undefined ? [] : [{ collection: CONTROL_KEYS.name, ...other }]
  const outcome = await commitSystem(ask, operations, expects)
  return outcome.kind === 'applied' ? { status: 204, headers: {}, body: '' } : 'stale'
}

function commitSystem(
  { parts, by }: Ask,
  operations: readonly Operation[],
  expects: readonly Expectation[] = [],
): ReturnType<Realm['commit']> {
  const { system } = parts.realms
  return system.commit({ realm: system.ordinal, standsOn: [by.caller.standing], expects, operations })
}

/** Whether a key may do everything: what there must always be one of. */
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

/** A key as this caller may see it: of another realm, it is not there. */
async function standingOf({
  parts,
  by,
  params,
}: Ask): Promise<{ version: number; entry?: Entry<ControlKey> }> {
  const { version, entry } = await parts.realms.system.directory.standing(CONTROL_KEYS, params['keyId'] ?? '')
  return entry === undefined || !isVisible(by, entry.value) ? { version } : { version, entry }
}

function isVisible(by: By, { realm }: ControlKey): boolean {
  return by.realm === undefined || by.realm === realm
}

function keyJson({ id, value }: Entry<ControlKey>): z.output<typeof KEY> {
  const { name, role, realm, createdAtMs } = value
  const createdAt = createdAtMs === undefined ? undefined : formatInstant(createdAtMs)
  return { id, name, role, realm, createdAt }
}
