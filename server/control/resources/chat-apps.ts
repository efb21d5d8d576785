import { deleteRecord, type Entry, type Operation, putRecord, type Realm, ruleOn } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import { isShownName } from '@rescind/core/bytes'
import type { CutTarget } from '@rescind/core/log'
import {
  type Answer,
  CHAT_APPS,
  type ChatApp,
  type ChatAppSettings,
  chatAppSettings,
  chatAppTraits,
  chatAppValue,
  chatSource,
  jsonAnswer,
  liveApiKeysOf,
  type Stale,
} from '@rescind/dialects'
import { z } from 'zod'
import { isGuessable, KEY_BITS_MIN } from '../../config/guessable.ts'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { isFetchable } from '../../machine/net/fetchable.ts'
import { maskedUrl, meantUrl } from '../../machine/net/masked-url.ts'
import { auditOf, commitChange } from '../frame/change.ts'
import { makeCursor, readCursor } from '../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { etagOf, unlessMatches } from '../frame/etag.ts'
import { refusedEnding } from './rules/ending.ts'
import { ONE_KEY, TWO_KEYS, WHICH } from './two-keys.ts'

const TEXT_MAX = 512
const PAGE_MAX = 1_000
/** Apps of one realm. */
const APPS_MAX = 1_000
const KEY_BYTES = 32

const text = z
  .string()
  .min(1)
  .max(TEXT_MAX)
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'must be well-formed text')

/** Null takes back what an app said of itself, and the server's own setting holds again. */
const SETTINGS = {
  enabled: z.boolean().optional(),
  tokenLifetimeSeconds: z.int().min(1).optional(),
  sandbox: z.boolean().optional(),
  newerMembers: z.boolean().optional(),
  apiKeySources: z.array(z.string().max(64)).nullable().optional(),
  requestsPerMinute: z.int().min(0).nullable().optional(),
  listingMax: z.int().min(1).nullable().optional(),
  verifyUrl: z.string().max(2_048).nullable().optional(),
  verifySkewSeconds: z.int().min(0).nullable().optional(),
  maxLifetimeSeconds: z.int().min(1).nullable().optional(),
  tombstonesMax: z.int().min(0).nullable().optional(),
}
const KEYS = { apiKey: text.optional(), clientKey: text.optional() }
const NEW = z.strictObject({
  name: text.refine(isShownName, 'must be text that shows all of itself'),
  ...KEYS,
  ...SETTINGS,
})
const CHANGE = z.strictObject({
  ...KEYS,
  ...SETTINGS,
  revokeTokens: z
    .boolean()
    .default(false)
    .describe('A key has leaked: whatever the app has issued so far is over, too'),
  reason: text.optional(),
})

type Given = Omit<z.output<typeof CHANGE>, 'apiKey' | 'clientKey' | 'revokeTokens' | 'reason'>

const APP = z.strictObject({
  name: z.string(),
  /** What rules name its tokens by. */
  source: z.string(),
  enabled: z.boolean(),
  apiKeys: z.literal(2).optional().describe('While the API key is being rotated'),
  tokenLifetimeSeconds: z.int(),
  sandbox: z.boolean(),
  newerMembers: z.boolean(),
  apiKeySources: z.array(z.string()).optional(),
  requestsPerMinute: z.int().optional(),
  listingMax: z.int().optional(),
  verifyUrl: z.string().optional(),
  verifySkewSeconds: z.int().optional(),
  maxLifetimeSeconds: z.int().optional(),
  tombstonesMax: z.int().optional(),
})
const WHOLE = { what: 'The chat app', schema: APP }
const MADE = {
  what: 'The chat app, and those of its keys that were made here: they are shown this once',
  schema: APP.extend({ apiKey: z.string().optional(), clientKey: z.string().optional() }),
}

export const CHAT_APP_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/chat-apps',
    operation: 'createChatApp',
    summary: 'Make an app of the chat dialect; keys that are not given are made',
    role: 'admin',
    body: NEW,
    answers: { 201: MADE },
    problems: [409],
    handle: create,
  }),
  endpoint({
    method: 'GET',
    path: '/chat-apps',
    operation: 'listChatApps',
    summary: 'Apps of the chat dialect',
    role: 'viewer',
    query: z.object({
      cursor: z.string().optional(),
      limit: z.int().min(1).max(PAGE_MAX).default(100),
    }),
    answers: {
      200: {
        what: 'A page of them, and the cursor of the next one',
        schema: z.strictObject({ chatApps: z.array(APP), next: z.string().optional() }),
      },
    },
    handle: list,
  }),
  endpoint({
    method: 'GET',
    path: '/chat-apps/{name}',
    operation: 'readChatApp',
    summary: 'One app',
    role: 'viewer',
    conditional: true,
    answers: { 200: WHOLE },
    handle: async ({ realm, params }) => {
      const entry = await realm.directory.get(CHAT_APPS, params['name'] ?? '')
      return entry === undefined ? NONE : shown(200, entry)
    },
  }),
  endpoint({
    method: 'PATCH',
    path: '/chat-apps/{name}',
    operation: 'changeChatApp',
    summary:
      'Change an app or its keys; disabling it ends its tokens and its streams, revokeTokens its tokens',
    role: 'admin',
    conditional: true,
    body: CHANGE,
    answers: { 200: WHOLE },
    problems: [409],
    handle: update,
  }),
  endpoint({
    method: 'POST',
    path: '/chat-apps/{name}/rotate',
    operation: 'rotateChatApiKey',
    summary: 'Another API key for an app; the one before is taken, too, until it is retired',
    role: 'admin',
    body: z.strictObject({ apiKey: text.optional() }).optional(),
    answers: { 201: MADE },
    problems: [409],
    handle: rotate,
  }),
  endpoint({
    method: 'POST',
    path: '/chat-apps/{name}/retire',
    operation: 'retireChatApiKey',
    summary: 'End one of the two API keys of an app, the older one unless it is said, and its streams',
    role: 'admin',
    lane: 'revoke',
    body: z.strictObject({ which: WHICH }).optional(),
    answers: { 200: WHOLE },
    problems: [409],
    handle: retire,
  }),
  endpoint({
    method: 'DELETE',
    path: '/chat-apps/{name}',
    operation: 'deleteChatApp',
    summary: 'Forget an app; its tokens and its streams are over',
    role: 'admin',
    conditional: true,
    answers: { 204: { what: 'It is gone, and so are its tokens' } },
    handle: remove,
  }),
]

const NONE: Problem = problem(404, 'no such chat app')
const TAKEN: Problem = problem(409, 'apiKey or clientKey: another app of this realm has it')

const WEAK: Problem = problem(
  422,
  `apiKey: it can be guessed: leave it out, and one is made, or give one of ${KEY_BITS_MIN} bits`,
)

/** The client key is public, so it may be anything. */
function isWeak({ parts }: Pick<Ask, 'parts'>, apiKey: string | undefined): boolean {
  return apiKey !== undefined && !parts.allowWeakSecrets && isGuessable(apiKey)
}

async function create(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Answer | Stale> {
  const { realm, body } = ask
  if (isWeak(ask, body.apiKey)) return WEAK
  const { name, apiKey, clientKey, ...given } = body
  const { version, entry } = await realm.directory.standing(CHAT_APPS, name)
  if (entry !== undefined) return problem(409, 'name: there is such a chat app')
  // The clients of the app before are still there, and would be the new one's.
  if (version > 0) return problem(409, 'name: a chat app that was deleted had it')
  const { entries } = await realm.directory.page(CHAT_APPS, { after: undefined, limit: APPS_MAX })
  if (entries.length >= APPS_MAX) return problem(422, `a realm has at most ${APPS_MAX} chat apps`)
  const made = {
    ...(apiKey === undefined ? { apiKey: makeKey(realm) } : {}),
    ...(clientKey === undefined ? { clientKey: makeKey(realm) } : {}),
  }
  const keys = { apiKey: apiKey ?? made.apiKey ?? '', clientKey: clientKey ?? made.clientKey ?? '' }
  const meant = withMeantUrl(given, undefined)
  if (isAnswer(meant)) return meant
  const value = checked(() => chatAppValue(realm, { name, ...keys, ...withoutNulls(meant) }))
  if (isAnswer(value)) return value
  if (isNeverAsked(ask, value.verifyUrl)) return NEVER_ASKED
  const outcome = await put(ask, { id: name, version, value })
  return outcome ?? jsonAnswer(201, { ...appJson(value), ...made }, { etag: etagOf(version + 1) })
}

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const of = { realm: ask.realm, list: 'chatApps' }
  const from = readCursor(of, ask.query.cursor)
  if (isAnswer(from)) return from
  const page = await ask.realm.directory.page(CHAT_APPS, { after: from.place, limit: ask.query.limit })
  const chatApps = page.entries.map(({ value }) => appJson(value))
  return jsonAnswer(
    200,
    page.next === undefined ? { chatApps } : { chatApps, next: makeCursor(of, page.next) },
  )
}

async function update(ask: Ask<unknown, z.output<typeof CHANGE>>): Promise<Answer | Stale> {
  const { realm, body, params } = ask
  const { version, entry } = await realm.directory.standing(CHAT_APPS, params['name'] ?? '')
  if (entry === undefined) return NONE
  const unmatched = unlessMatches(ask.request, version)
  if (unmatched !== undefined) return unmatched
  const { reason, revokeTokens, apiKey, clientKey, ...given } = body
  if (isWeak(ask, apiKey)) return WEAK
  const { name, apiKeyDigest, olderApiKeyDigest, clientKeyDigest } = entry.value
  const meant = withMeantUrl(given, entry.value.verifyUrl)
  if (isAnswer(meant)) return meant
  const traits = checked(() => chatAppTraits({ ...chatAppSettings(entry.value), ...overNulls(meant), name }))
  if (isAnswer(traits)) return traits
  if (traits.verifyUrl !== entry.value.verifyUrl && isNeverAsked(ask, traits.verifyUrl)) return NEVER_ASKED
  const value: ChatApp = {
    name,
    // A key that is put in the place of the app's ends whatever was taken before.
    ...(apiKey === undefined
      ? { apiKeyDigest, ...(olderApiKeyDigest === undefined ? {} : { olderApiKeyDigest }) }
      : { apiKeyDigest: realm.secretDigest(apiKey) }),
    clientKeyDigest: clientKey === undefined ? clientKeyDigest : realm.secretDigest(clientKey),
    ...traits,
  }
  // It is public, and both keys are taken while they are rotated.
  if (liveApiKeysOf(value).includes(value.clientKeyDigest))
    return problem(422, 'apiKey and clientKey: they are the same')
  const isClosed = value.disabled === true && entry.value.disabled !== true
  const isEnding = isClosed || revokeTokens
  const refused = isEnding ? await refusedEnding(ask, [targetOf(name)]) : undefined
  if (refused !== undefined) return refused
  const ending = isEnding ? [ends(ask, name, reason)] : []
  const outcome = await put(ask, { id: name, version, value, ending, reason })
  return outcome ?? shown(200, { ...entry, version: version + 1, value })
}

async function rotate(
  ask: Ask<unknown, { apiKey?: string | undefined } | undefined>,
): Promise<Answer | Stale> {
  const { realm, body, params } = ask
  if (isWeak(ask, body?.apiKey)) return WEAK
  const { version, entry } = await realm.directory.standing(CHAT_APPS, params['name'] ?? '')
  if (entry === undefined) return NONE
  const { apiKeyDigest, olderApiKeyDigest, clientKeyDigest } = entry.value
  if (olderApiKeyDigest !== undefined) return TWO_KEYS
  const apiKey = body?.apiKey ?? makeKey(realm)
  const digest = realm.secretDigest(apiKey)
  if (digest === apiKeyDigest || digest === clientKeyDigest)
    return problem(422, 'apiKey: the app has this key already')
  const value: ChatApp = { ...entry.value, apiKeyDigest: digest, olderApiKeyDigest: apiKeyDigest }
  const outcome = await put(ask, { id: entry.id, version, value })
  const shownOnce = body?.apiKey === undefined ? { apiKey } : {}
  return outcome ?? jsonAnswer(201, { ...appJson(value), ...shownOnce }, { etag: etagOf(version + 1) })
}

type Retiring = { which?: 'older' | 'newer' | undefined } | undefined

async function retire(ask: Ask<unknown, Retiring>): Promise<Answer | Stale> {
  const { realm, body, params } = ask
  const { version, entry } = await realm.directory.standing(CHAT_APPS, params['name'] ?? '')
  if (entry === undefined) return NONE
  const { olderApiKeyDigest, ...rest } = entry.value
  if (olderApiKeyDigest === undefined) return ONE_KEY
  const value: ChatApp = body?.which === 'newer' ? { ...rest, apiKeyDigest: olderApiKeyDigest } : rest
  const outcome = await put(ask, { id: entry.id, version, value })
  return outcome ?? shown(200, { ...entry, version: version + 1, value })
}

async function remove(ask: Ask): Promise<Answer | Stale> {
  const { realm, params } = ask
  const { version, entry } = await realm.directory.standing(CHAT_APPS, params['name'] ?? '')
  if (entry === undefined) return NONE
  const unmatched = unlessMatches(ask.request, version)
  if (unmatched !== undefined) return unmatched
  const refused = await refusedEnding(ask, [targetOf(entry.value.name)])
  if (refused !== undefined) return refused
  const deletion = { collection: CHAT_APPS.name, id: entry.id, fromVersion: version }
  // The end of the tokens comes first: streams tell of it, and then they are closed.
  const operations = [ends(ask, entry.value.name), ...deleteRecord(realm, deletion, auditOf(ask))]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied' ? { status: 204, headers: {}, body: '' } : 'stale'
}

type Act = Pick<Ask, 'realm' | 'by' | 'how'>
type Written = {
  readonly id: string
  readonly version: number
  readonly value: ChatApp
  readonly ending?: readonly Operation[]
  readonly reason?: string | undefined
}

/** @returns undefined when it is written. */
async function put(
  act: Act,
  { id, version, value, ending, reason }: Written,
): Promise<Answer | Stale | undefined> {
  const record = { collection: CHAT_APPS, id, value, fromVersion: version }
  const operations = [...(ending ?? []), ...putRecord(act.realm, record, auditOf(act, reason))]
  const outcome = await commitChange(act, operations)
  if (outcome.kind === 'applied') return undefined
  return outcome.kind === 'conflict' && outcome.what === 'key-taken' ? TAKEN : 'stale'
}

/** All tokens of the app so far: the row that verifiers and streams judge by, beside the change of the record. */
function ends(act: Act, app: string, why?: string): Operation {
  const rule = ruleOn(act.realm, targetOf(app))
  return { kind: 'append', row: act.realm.row(rule, auditOf(act, why)) }
}

function targetOf(app: string): CutTarget {
  return { kind: 'cut', shape: 'source', principals: { source: chatSource(app) } }
}

/** As the vendor's keys look: 32 random bytes in base64. */
function makeKey({ random }: Realm): string {
  return random.bytes(KEY_BYTES).toString('base64')
}

/** What no app can have is the caller's mistake here, where in a seed file it is the operator's. */
function checked<T>(make: () => T): T | Problem {
  try {
    return make()
  } catch (error) {
    if (error instanceof SettingsRefused) return problem(422, error.message)
    throw error
  }
}

/** A verify URL that is sent back as it was shown is the one that is stored. */
const NEVER_ASKED = problem(
  422,
  'verifyUrl: not an https URL of a public address, so it would never be asked',
)

function isNeverAsked({ parts }: Pick<Ask, 'parts'>, verifyUrl: string | undefined): boolean {
  return verifyUrl !== undefined && !isFetchable(verifyUrl, parts.keySets.allowInternal)
}

function withMeantUrl(given: Given, stored: string | undefined): Given | Problem {
  if (typeof given.verifyUrl !== 'string') return given
  const verifyUrl = meantUrl(given.verifyUrl, stored)
  return verifyUrl === undefined ? problem(422, 'verifyUrl: it is masked') : { ...given, verifyUrl }
}

type Plain = Partial<ChatAppSettings>

function withoutNulls(given: Given): Plain {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  )
}

/** Members that a change takes back, as not said at all; those that it does not speak of are left out. */
function overNulls(given: Given): Plain {
  const nulls = Object.entries(given).filter(([, value]) => value === null)
  return { ...withoutNulls(given), ...Object.fromEntries(nulls.map(([name]) => [name, undefined])) }
}

function shown(status: number, { version, value }: Entry<ChatApp>): Answer {
  return jsonAnswer(status, appJson(value), { etag: etagOf(version) })
}

function appJson(app: ChatApp): object {
  const { name, enabled, sandbox = false, newerMembers = false, ...rest } = chatAppSettings(app)
  const verifyUrl = rest.verifyUrl === undefined ? undefined : maskedUrl(rest.verifyUrl)
  const apiKeys = liveApiKeysOf(app).length === 2 ? 2 : undefined
  return { name, source: chatSource(name), enabled, apiKeys, sandbox, newerMembers, ...rest, verifyUrl }
}
