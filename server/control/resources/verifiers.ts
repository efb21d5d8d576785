import {
  cutoffRule,
  deleteRecord,
  type Entry,
  mintText,
  type Operation,
  PREFIX,
  putRecord,
  type Realm,
} from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { displayName } from '../../records/text-schemas.ts'
import { liveKeysOf, VERIFIERS, type Verifier, verifierId } from '../../records/verifiers.ts'
import { auditOf, commitChange, NO_CONTENT } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { ONE_KEY, TWO_KEYS, WHICH } from './two-keys.ts'
import { INSTANCE, instanceJson } from './verifier-instances.ts'

/** How many verifier keys one realm may have. */
const VERIFIERS_MAX = 1_000

const NEW_KEY = { what: 'The key', schema: z.strictObject({ name: z.string(), key: z.string() }) }

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
        /** The position of the end of the log. */
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
  name: displayName(256),
})

const CREATE: Endpoint = endpoint({
  method: 'POST',
  path: '/verifiers',
  operation: 'createVerifier',
  summary: 'A key for a service that checks tokens; shown once',
  role: 'admin',
  body: NEW,
  answers: { 201: NEW_KEY },
  problems: [409],
  handle: create,
})

const REMOVE: Endpoint = endpoint({
  method: 'DELETE',
  path: '/verifiers/{name}',
  operation: 'deleteVerifier',
  summary: 'End a verifier: its key is refused, and its streams are closed',
  role: 'responder',
  answers: { 204: { what: 'It is over' } },
  handle: remove,
})

const ROTATE: Endpoint = endpoint({
  method: 'POST',
  path: '/verifiers/{name}/rotate',
  operation: 'rotateVerifierKey',
  summary: 'Another key for a verifier, shown once; the one before is taken, too, until it is retired',
  role: 'admin',
  answers: { 201: NEW_KEY },
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
  role: 'responder',
  rateClass: 'revoke',
  body: RETIRE_BODY,
  answers: { 204: { what: 'It is refused' } },
  problems: [409],
  handle: retire,
})

export const VERIFIER_ENDPOINTS: readonly Endpoint[] = [LIST, CREATE, ROTATE, RETIRE, REMOVE]

async function list({ parts, realm }: Ask): Promise<Answer> {
  const feed = parts.feed.of(realm)
  await parts.feed.refresh()
  const position = await feed.headText()
  const views = Map.groupBy(feed.instances.views(), ({ verifier }) => verifier)
  const entries = await verifiersOf(parts.realms.system, realm)
  const verifiers = entries.map(({ id, value }) => ({
    name: value.name,
    keys: liveKeysOf(value).length === 2 ? 2 : undefined,
    instances: (views.get(id) ?? []).map((view) => instanceJson(view, realm.index.seq)),
  }))
  return jsonAnswer(200, { position, verifiers })
}

async function create(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Answer | Stale> {
  const { parts, realm, body } = ask
  const { system } = parts.realms
  const id = verifierId(realm, body.name)
  const { version, entry } = await system.directory.state(VERIFIERS, id)
  if (entry !== undefined) return problem(409, 'name: already in use by a verifier')
  if ((await verifiersOf(system, realm)).length >= VERIFIERS_MAX)
    return problem(409, `a realm has at most ${VERIFIERS_MAX} verifiers`)
  const key = mintText(PREFIX.verifierKey, system.random).reveal()
  const value = { name: body.name, realm: realm.name, keyDigest: system.secretDigest(key) }
  const isDone = await commit(ask, putOf(ask, { id, version, value }))
  return isDone ? jsonAnswer(201, { name: body.name, key }) : 'stale'
}

async function rotate(ask: Ask): Promise<Answer | Stale> {
  const { system } = ask.parts.realms
  const before = await namedVerifier(ask)
  if (isAnswer(before)) return before
  const { keyDigest, olderKeyDigest, name } = before.value
  if (olderKeyDigest !== undefined) return TWO_KEYS
  const key = mintText(PREFIX.verifierKey, system.random).reveal()
  const value = { ...before.value, keyDigest: system.secretDigest(key), olderKeyDigest: keyDigest }
  const isDone = await commit(ask, putOf(ask, { ...before, value }))
  return isDone ? jsonAnswer(201, { name, key }) : 'stale'
}

async function retire(ask: Ask<unknown, RetireBody>): Promise<Answer | Stale> {
  const before = await namedVerifier(ask)
  if (isAnswer(before)) return before
  const { olderKeyDigest, ...rest } = before.value
  if (olderKeyDigest === undefined) return ONE_KEY
  const value: Verifier = ask.body?.which === 'newer' ? { ...rest, keyDigest: olderKeyDigest } : rest
  // It is not known which streams used the retired key, so all of them reconnect with the remaining one.
  const operations = [...putOf(ask, { ...before, value }), endOfStreams(ask, before.id)]
  return (await commit(ask, operations)) ? NO_CONTENT : 'stale'
}

async function remove(ask: Ask): Promise<Answer | Stale> {
  const { parts, realm } = ask
  const before = await namedVerifier(ask)
  if (isAnswer(before)) return before
  const { id, version } = before
  const deletion = { collection: VERIFIERS.name, id, fromVersion: version }
  const deleted = deleteRecord(parts.realms.system, deletion, auditOf(ask))
  if (!(await commit(ask, [...deleted, endOfStreams(ask, id)]))) return 'stale'
  parts.feed.of(realm).instances.forget(id)
  return NO_CONTENT
}

/** Records of verifiers are in the system realm, under an id that contains the realm. */
async function namedVerifier({ parts, realm, params }: Ask): Promise<Entry<Verifier> | Problem> {
  const id = verifierId(realm, params['name'] ?? '')
  const { entry } = await parts.realms.system.directory.state(VERIFIERS, id)
  return entry ?? problem(404, 'no such verifier')
}

function putOf(ask: Ask, { id, version, value }: Entry<Verifier>): readonly Operation[] {
  const put = { collection: VERIFIERS, id, value, fromVersion: version }
  return putRecord(ask.parts.realms.system, put, auditOf(ask))
}

/** The cutoff that closes its streams, and makes pending writes of its key stale. */
function endOfStreams(ask: Ask, id: string): Operation {
  const { system } = ask.parts.realms
  const rule = cutoffRule(system, 'client', { source: 'verifier', client: id })
  return { kind: 'append', row: system.row(rule, auditOf(ask)) }
}

async function commit(ask: Ask, operations: readonly Operation[]): Promise<boolean> {
  const outcome = await commitChange({ ...ask, realm: ask.parts.realms.system }, operations)
  return outcome.kind === 'applied'
}

async function verifiersOf(system: Realm, realm: Realm): Promise<readonly Entry<Verifier>[]> {
  const entries: Entry<Verifier>[] = []
  for await (const entry of system.directory.all(VERIFIERS)) {
    if (entry.value.realm === realm.name) entries.push(entry)
  }
  return entries
}
