import {
  cutRule,
  deleteRecord,
  type Entry,
  mintText,
  PREFIX,
  putRecord,
  type Realm,
  type Unit,
} from '@rescind/authority'
import { isShownName } from '@rescind/core/bytes'
import { type Answer, formatInstant, jsonAnswer, type Stale } from '@rescind/dialects'
import type { InstanceView } from '@rescind/feed'
import { z } from 'zod'
import { problem } from '../../http/problem.ts'
import { liveKeysOf, VERIFIERS, type Verifier, verifierId } from '../../records/verifiers.ts'
import { auditOf } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { ONE_KEY, TWO_KEYS, WHICH } from './two-keys.ts'

/** Verifier keys of one realm. */
const VERIFIERS_MAX = 1_000

const INSTANCE = z.strictObject({
  instance: z.string(),
  /** What its operator calls it; the name of its host, unless it says otherwise. */
  label: z.string().optional(),
  connected: z.boolean(),
  /** Its last contact and its bound have passed, and it refuses when it is stale: nobody waits for it. */
  lapsed: z.boolean(),
  boundMs: z.int(),
  onStale: z.enum(['refuse', 'ask', 'allow']),
  from: z.string().optional(),
  /** The last position that it has acknowledged: its key holder's claim. */
  position: z.string().optional(),
  /** Rows between that and the end of the log. */
  behind: z.int().optional(),
  lastContact: z.string(),
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/verifiers',
  operation: 'listVerifiers',
  summary: 'Who checks tokens of this realm: connected, how far behind, vanished',
  role: 'viewer',
  answers: {
    200: {
      what: 'Every verifier and its instances',
      schema: z.strictObject({
        /** The end of the log. */
        position: z.string(),
        verifiers: z.array(
          z.strictObject({
            name: z.string(),
            keys: z.literal(2).optional().describe('While its key is being rotated'),
            instances: z.array(INSTANCE),
          }),
        ),
      }),
    },
  },
  handle: list,
})

const NEW = z.strictObject({
  name: z.string().min(1).max(256).refine(isShownName, 'must be text that shows all of itself'),
})

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/verifiers',
  operation: 'createVerifier',
  summary: 'A key for a service that checks tokens; shown once',
  role: 'admin',
  body: NEW,
  answers: { 201: { what: 'The key', schema: z.strictObject({ name: z.string(), key: z.string() }) } },
  problems: [409],
  handle: create,
})

const REMOVE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/verifiers/{name}',
  operation: 'deleteVerifier',
  summary: 'End a verifier: its key is refused, and its streams are closed',
  role: 'admin',
  answers: { 204: { what: 'It is over' } },
  handle: remove,
})

const ROTATE: Endpoint = endpoint({
  method: 'POST',
  path: '/verifiers/{name}/rotate',
  operation: 'rotateVerifierKey',
  summary: 'Another key for a verifier, shown once; the one before is taken, too, until it is retired',
  role: 'admin',
  answers: { 201: { what: 'The key', schema: z.strictObject({ name: z.string(), key: z.string() }) } },
  problems: [409],
  handle: rotate,
})

const RETIRE_BODY: z.ZodType<RetireBody> = z.strictObject({ which: WHICH }).optional()
type RetireBody = { readonly which?: 'older' | 'newer' | undefined } | undefined

const RETIRE: Endpoint = endpoint({
  method: 'POST',
  path: '/verifiers/{name}/retire',
  operation: 'retireVerifierKey',
  summary: 'End one of the two keys of a verifier, the older one unless it is said; its streams connect anew',
  role: 'admin',
  lane: 'revoke',
  body: RETIRE_BODY,
  answers: { 204: { what: 'It is refused' } },
  problems: [409],
  handle: retire,
})

export const VERIFIER_ENDPOINTS: readonly Endpoint[] = [LIST, CREATE, ROTATE, RETIRE, REMOVE]

async function rotate(ask: Ask): Promise<Answer | Stale> {
  const { parts, realm, params } = ask
  const { system } = parts.realms
  const id = verifierId(realm, params['name'] ?? '')
  const { version, entry } = await system.directory.standing(VERIFIERS, id)
  if (entry === undefined) return problem(404, 'no such verifier')
  if (entry.value.olderKeyDigest !== undefined) return TWO_KEYS
  const key = mintText(PREFIX.verifierKey, system.random).reveal()
  const { keyDigest } = entry.value
  const value: Verifier = { ...entry.value, keyDigest: system.secretDigest(key), olderKeyDigest: keyDigest }
  const put = { collection: VERIFIERS, id, value, fromVersion: version }
  const applied = await commit(ask, putRecord(system, put, auditOf(ask)))
  return applied ? jsonAnswer(201, { name: value.name, key }) : 'stale'
}

async function retire(ask: Ask<unknown, RetireBody>): Promise<Answer | Stale> {
  const { parts, realm, params, body } = ask
  const { system } = parts.realms
  const id = verifierId(realm, params['name'] ?? '')
  const { version, entry } = await system.directory.standing(VERIFIERS, id)
  if (entry === undefined) return problem(404, 'no such verifier')
  const { olderKeyDigest, ...rest } = entry.value
  if (olderKeyDigest === undefined) return ONE_KEY
  const value: Verifier = body?.which === 'newer' ? { ...rest, keyDigest: olderKeyDigest } : rest
  const audit = auditOf(ask)
  const applied = await commit(ask, [
    ...putRecord(system, { collection: VERIFIERS, id, value, fromVersion: version }, audit),
    // Nobody knows which of its streams were opened with the key that goes: all connect anew, by one that is taken.
    { kind: 'append', row: system.row(cutRule(system, 'client', { source: 'verifier', client: id }), audit) },
  ])
  return applied ? { status: 204, headers: {}, body: '' } : 'stale'
}

async function list({ parts, realm }: Ask): Promise<Answer> {
  const feed = parts.feed.of(realm)
  const position = await feed.headText()
  const views = Map.groupBy(feed.instances.views(), ({ verifier }) => verifier)
  const entries = await verifiersOf(parts.realms.system, realm)
  const verifiers = entries.map(({ id, value }) => ({
    name: value.name,
    ...(liveKeysOf(value).length === 2 ? { keys: 2 } : {}),
    instances: (views.get(id) ?? []).map((view) => instanceJson(view, realm.index.seq)),
  }))
  return jsonAnswer(200, { position, verifiers })
}

function instanceJson(view: InstanceView, head: number): z.output<typeof INSTANCE> {
  const { instance, label, connected, lapsed, boundMs, onStale, from, position, applied } = view
  const lastContact = formatInstant(view.lastContactMs)
  const behind = applied === undefined ? undefined : Math.max(0, head - applied)
  return { instance, label, connected, lapsed, boundMs, onStale, from, position, behind, lastContact }
}

async function create(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Answer | Stale> {
  const { parts, realm, body } = ask
  const { system } = parts.realms
  const id = verifierId(realm, body.name)
  const { version, entry } = await system.directory.standing(VERIFIERS, id)
  if (entry !== undefined) return problem(409, 'there is a verifier of this name')
  if ((await verifiersOf(system, realm)).length >= VERIFIERS_MAX)
    return problem(409, `a realm has at most ${VERIFIERS_MAX} verifiers`)
  const key = mintText(PREFIX.verifierKey, system.random).reveal()
  const value = { name: body.name, realm: realm.name, keyDigest: system.secretDigest(key) }
  const put = { collection: VERIFIERS, id, value, fromVersion: version }
  const applied = await commit(ask, putRecord(system, put, auditOf(ask)))
  return applied ? jsonAnswer(201, { name: body.name, key }) : 'stale'
}

async function remove(ask: Ask): Promise<Answer | Stale> {
  const { parts, realm, params } = ask
  const { system } = parts.realms
  const id = verifierId(realm, params['name'] ?? '')
  const { version, entry } = await system.directory.standing(VERIFIERS, id)
  if (entry === undefined) return problem(404, 'no such verifier')
  const audit = auditOf(ask)
  const applied = await commit(ask, [
    ...deleteRecord(system, { collection: VERIFIERS.name, id, fromVersion: version }, audit),
    // What ends its streams, and what makes anything stale that was begun with its key.
    {
      kind: 'append',
      row: system.row(cutRule(system, 'client', { source: 'verifier', client: id }), audit),
    },
  ])
  if (!applied) return 'stale'
  parts.feed.of(realm).instances.forget(id)
  return { status: 204, headers: {}, body: '' }
}

async function commit({ parts, by }: Ask, operations: Unit['operations']): Promise<boolean> {
  const { system } = parts.realms
  const unit = { realm: system.ordinal, standsOn: [by.caller.standing], expects: [], operations }
  return (await system.commit(unit)).kind === 'applied'
}

async function verifiersOf(system: Realm, realm: Realm): Promise<readonly Entry<Verifier>[]> {
  const entries: Entry<Verifier>[] = []
  for await (const entry of system.directory.all(VERIFIERS)) {
    if (entry.value.realm === realm.name) entries.push(entry)
  }
  return entries
}
