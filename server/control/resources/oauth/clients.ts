import { type Entry, mintText } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { OAUTH_CLIENTS, type OauthClient, oauthClientValue } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import {
  CLIENT_CHANGE,
  CLIENT_SETTINGS,
  type ClientSettings,
  clientMembers,
  settingsOf,
  settingsProblem,
} from '../../../records/oauth-clients.ts'
import { storedText } from '../../../records/text-schemas.ts'
import type { Ask, Endpoint } from '../../frame/endpoint.ts'
import type { Change, Made } from '../../frame/records.ts'
import { changeOf, createOf, listOf, readOf, removeOf } from '../../frame/resource.ts'
import { endingRows } from '../rules/ending.ts'
import { changedTo, clientTarget } from './client-change.ts'
import { CLIENTS, NEW_CLIENT } from './client-json.ts'

const ID_MAX = 256
const REASON_MAX = 512

const reason = z.string().min(1).max(REASON_MAX).optional()

const NEW = z.strictObject({ clientId: storedText(ID_MAX), ...CLIENT_SETTINGS })
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

export const CLIENT_ENDPOINTS: readonly Endpoint[] = [
  createOf(CLIENTS, {
    operation: 'createClient',
    summary: 'Register an OAuth client; its secret is in this answer and nowhere else',
    body: NEW,
    answer: {
      what: 'The client; clientSecret unless it is public or has keys of its own',
      schema: NEW_CLIENT,
    },
    make,
  }),
  listOf(CLIENTS, {
    operation: 'listClients',
    summary: 'OAuth clients, without their secrets',
    member: 'clients',
  }),
  readOf(CLIENTS, {
    operation: 'readClient',
    summary: 'One OAuth client, without its secrets',
    unchanged: 'The caller has this version',
  }),
  changeOf(CLIENTS, {
    operation: 'changeClient',
    summary: 'Change what a client may do; enabled: false and revokeTokens end its tokens at once',
    body: CHANGE,
    change,
  }),
  changeOf(CLIENTS, {
    below: 'disable',
    operation: 'disableClient',
    summary: 'Shut a client out and end its tokens at once',
    role: 'responder',
    rateClass: 'revoke',
    body: REASON,
    // Writes the rule on every call, so that tokens issued in a race with the first one end, too, and repeating is
    // safe.
    change: (ask, before) => {
      const value = { ...before.value, enabled: false }
      return changedTo(ask, before, { value, ends: true, why: ask.body?.reason })
    },
  }),
  changeOf(CLIENTS, {
    below: 'enable',
    operation: 'enableClient',
    summary: 'Let a client in again; what it held before stays over',
    body: REASON,
    change: async ({ body }, { value }) => ({ value: { ...value, enabled: true }, why: body?.reason }),
  }),
  removeOf(CLIENTS, {
    operation: 'deleteClient',
    summary: 'Forget a client; its tokens are over',
    rateClass: 'revoke',
    what: 'It is gone, and so are its tokens',
    beside: async (ask, { id }) => {
      const ending = await endingRows(ask, clientTarget(id))
      return isAnswer(ending) ? ending : { after: ending }
    },
  }),
]

async function make(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Made<OauthClient> | Problem> {
  const { realm, body } = ask
  const { clientId: id, ...settings } = body
  const wrong = settingsProblem(settings)
  if (wrong !== undefined) return problem(422, wrong)
  const { version, entry } = await realm.directory.state(OAUTH_CLIENTS, id)
  if (entry !== undefined) return problem(409, 'clientId: already in use')
  const hasSecret = settings.public !== true && settings.jwks === undefined
  const made = hasSecret
    ? { clientSecret: mintText(realm.grammar.prefixes.clientSecret, realm.random).reveal() }
    : {}
  const value = oauthClientValue(realm, { clientId: id, ...clientMembers(settings), ...made })
  return { id, version, value, more: made }
}

async function change(
  ask: Ask<unknown, z.output<typeof CHANGE>>,
  entry: Entry<OauthClient>,
): Promise<Change<OauthClient> | Problem> {
  const { id, value: before } = entry
  const { enabled = before.enabled, revokeTokens, reason: why, ...given } = ask.body
  const named = Object.entries({ ...settingsOf(before), ...defined(given) })
  // Members of checked settings, each replaced by a checked one or removed.
  const settings = Object.fromEntries(
    named.filter(([, value]) => value !== null),
  ) as unknown as ClientSettings
  const wrong = settingsProblem(settings)
  if (wrong !== undefined) return problem(422, wrong)
  const { secrets, secretDigests, createdAtMs } = before
  const value: OauthClient = {
    clientId: id,
    ...clientMembers(settings),
    ...defined({ secrets, secretDigests, createdAtMs }),
    enabled,
  }
  return changedTo(ask, entry, { value, ends: revokeTokens || (before.enabled && !enabled), why })
}
