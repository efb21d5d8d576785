import type { Entry, Realm } from '@rescind/authority'
import { isSuspended } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import {
  type Answer,
  CHAT_APPS,
  CHAT_CLIENTS,
  type ChatClient,
  chatClientRecordId,
  chatSource,
  foldedName,
  jsonAnswer,
  type Stale,
} from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { nextTurn } from '../../machine/turns.ts'
import { isOnHold } from '../../rules/held.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { answerPage, PAGE_QUERY, pageShape } from '../frame/paged.ts'
import { ACT_MEMBERS, REVOKE_ANSWERS, recovered, revoke } from './rules/revocations.ts'
import { RULE_MEMBERS } from './rules/target-schema.ts'

const COUNT = z.strictObject({
  count: z.int().min(0),
  complete: z.boolean().describe('false: at least so many'),
})

const CLIENT = z
  .strictObject({
    id: z.string(),
    nickname: z.string().optional(),
    avatarUrl: z.string().optional(),
    ...{ createdAt: z.string(), updatedAt: z.string() },
    state: z.enum(['live', 'held', 'disabled']).describe('disabled: its app is'),
    tokens: COUNT.optional().describe('Live ones; only of one client'),
  })
  .meta({ id: 'ChatClient' })

const LIST_QUERY = z.object({
  ...PAGE_QUERY.shape,
  nickname: z.string().min(1).max(1_024).optional().describe('In any case; of clients written since 0.1.0'),
})
type ListQuery = z.output<typeof LIST_QUERY>

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/chat-apps/{name}/clients',
  operation: 'listChatClients',
  summary: 'Clients of a chat app by id, or those with a nickname',
  role: 'viewer',
  scans: true,
  query: LIST_QUERY,
  answers: { 200: pageShape('clients', CLIENT) },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/chat-apps/{name}/clients/{clientId}',
  operation: 'readChatClient',
  summary: 'One client, and how many live tokens it has',
  role: 'viewer',
  answers: { 200: { what: 'The client', schema: CLIENT } },
  handle: async (ask) => {
    const named = await namedIn(ask)
    if (isAnswer(named)) return named
    const { realm } = ask
    const { app, clientId, isDisabled } = named
    const { entry } = await realm.directory.state(CHAT_CLIENTS, chatClientRecordId(app, clientId))
    if (entry === undefined) return NO_CLIENT
    const tokens = await liveTokens(realm, { source: chatSource(app), client: clientId })
    return jsonAnswer(200, { ...clientJson(realm, entry, isDisabled), tokens })
  },
})

const { reason, note } = RULE_MEMBERS
const BODY = z.strictObject({ reason, note, ...ACT_MEMBERS }).meta({ id: 'EndChatClientRequest' })

const END: Endpoint = endpoint({
  method: 'POST',
  path: '/chat-apps/{name}/clients/{clientId}/end',
  operation: 'endChatClient',
  summary: 'End every token of a client; the app may give it another one at once',
  role: 'responder',
  rateClass: 'revoke',
  body: BODY,
  answers: REVOKE_ANSWERS,
  handle: end,
  recover: recovered,
})

export const CHAT_CLIENT_ENDPOINTS: readonly Endpoint[] = [LIST, READ, END]

const NO_APP: Problem = problem(404, 'no such chat app')
const NO_CLIENT: Problem = problem(404, 'no such client')

type Named = { readonly app: string; readonly clientId: string; readonly isDisabled: boolean }

async function namedIn({ realm, params }: Pick<Ask, 'realm' | 'params'>): Promise<Named | Problem> {
  const [app = '', clientId = ''] = [params['name'], params['clientId']]
  if ((await realm.directory.version(CHAT_APPS, app)) === 0) return NO_APP
  const entry = await realm.directory.readable(CHAT_APPS, app)
  return { app, clientId, isDisabled: entry?.value.disabled === true }
}

async function list(ask: Ask<ListQuery>): Promise<Answer> {
  const { realm, query } = ask
  const named = await namedIn(ask)
  if (isAnswer(named)) return named
  const { app, isDisabled } = named
  const { nickname, limit } = query
  const of = { realm, list: `chatClients?${JSON.stringify([app, nickname])}`, member: 'clients' }
  const prefix = chatClientRecordId(app, '')
  return answerPage(of, query.cursor, async (after) => {
    const listed = nickname === undefined ? {} : { listed: { name: 'nickname', value: foldedName(nickname) } }
    // Clients of one app stand side by side, because their ids begin with its name.
    const page = await realm.directory.page(CHAT_CLIENTS, { ...listed, after: after ?? prefix, limit })
    const own = page.entries.filter(({ id }) => id.startsWith(prefix))
    const isLast = own.length < page.entries.length
    return {
      items: own.map((entry) => clientJson(realm, entry, isDisabled)),
      next: isLast ? undefined : page.next,
    }
  })
}

async function end(ask: Ask<unknown, z.output<typeof BODY>>): Promise<Answer | Stale> {
  const { realm, body } = ask
  const named = await namedIn(ask)
  if (isAnswer(named)) return named
  const { app, clientId } = named
  // A record that cannot be read keeps nobody from ending its tokens.
  if ((await realm.directory.version(CHAT_CLIENTS, chatClientRecordId(app, clientId))) === 0) return NO_CLIENT
  return revoke({ ...ask, body: { ...body, target: { source: chatSource(app), client: clientId } } })
}

const PAGE = 500
/** The most tokens of a client that are looked at to count the live ones. */
const COUNTED_MAX = 5_000

type OfClient = { readonly source: string; readonly client: string }

async function liveTokens(realm: Realm, of: OfClient): Promise<z.output<typeof COUNT>> {
  let count = 0
  let after: number | undefined
  for (let looked = 0; looked < COUNTED_MAX; ) {
    const page = await realm.store.tokensOfClient(realm.ordinal, { ...of, after, limit: PAGE })
    for (const record of page.records) {
      const verdict = realm.judge(await realm.whole(record))
      if (verdict.kind === 'active' || isSuspended(verdict)) count += 1
    }
    if (page.next === undefined) return { count, complete: true }
    after = page.next
    looked += Math.max(1, page.records.length)
    await nextTurn()
  }
  return { count, complete: false }
}

function clientJson(
  realm: Realm,
  { value }: Entry<ChatClient>,
  isDisabled: boolean,
): z.output<typeof CLIENT> {
  const { app, id, nickname, avatarUrl, createdAtMs, updatedAtMs } = value
  const held = isOnHold(realm, { source: chatSource(app), client: id }) ? 'held' : 'live'
  return {
    ...{ id, nickname, avatarUrl },
    ...{ createdAt: formatInstant(createdAtMs), updatedAt: formatInstant(updatedAtMs) },
    state: isDisabled ? 'disabled' : held,
  }
}
