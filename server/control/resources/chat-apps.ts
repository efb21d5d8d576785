import type { Realm } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { CutoffTarget } from '@rescind/core/log'
import {
  CHAT_APPS,
  type ChatApp,
  type ChatAppSettings,
  chatAppSettings,
  chatAppTraits,
  chatAppValue,
  chatSource,
  liveApiKeysOf,
} from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { isFetchable } from '../../machine/net/fetchable.ts'
import { meantUrl } from '../../machine/net/masked-url.ts'
import { displayed, storedText } from '../../records/text-schemas.ts'
import type { Ask, Endpoint } from '../frame/endpoint.ts'
import type { Change, Made } from '../frame/records.ts'
import { changeOf, createOf, listOf, readOf, removeOf } from '../frame/resource.ts'
import { APPS } from './chat-app-json.ts'
import { KEYS, makeKey, RETIRE_API_KEY, ROTATE_API_KEY, WITH_KEYS, weakKey } from './chat-app-keys.ts'
import { endingRows } from './rules/ending.ts'

const TEXT_MAX = 512
/** How many apps one realm may have. */
const APPS_MAX = 1_000

/** Null removes the app's own value, so the server's setting applies again. */
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
const NEW = z.strictObject({ name: displayed(storedText(TEXT_MAX)), ...KEYS, ...SETTINGS })
const CHANGE = z.strictObject({
  ...KEYS,
  ...SETTINGS,
  revokeTokens: z
    .boolean()
    .default(false)
    .describe('A key has leaked: whatever the app has issued so far is over, too'),
  reason: storedText(TEXT_MAX).optional(),
})

type Given = Omit<z.output<typeof CHANGE>, 'apiKey' | 'clientKey' | 'revokeTokens' | 'reason'>

export const CHAT_APP_ENDPOINTS: readonly Endpoint[] = [
  createOf(APPS, {
    operation: 'createChatApp',
    summary: 'Make an app of the chat dialect; keys that are not given are made',
    body: NEW,
    answer: WITH_KEYS,
    make,
  }),
  listOf(APPS, { operation: 'listChatApps', summary: 'Apps of the chat dialect', member: 'chatApps' }),
  readOf(APPS, { operation: 'readChatApp', summary: 'One app' }),
  changeOf(APPS, {
    operation: 'changeChatApp',
    summary:
      'Change an app or its keys; disabling it ends its tokens and its streams, revokeTokens its tokens',
    body: CHANGE,
    change,
  }),
  ROTATE_API_KEY,
  RETIRE_API_KEY,
  removeOf(APPS, {
    operation: 'deleteChatApp',
    summary: 'Forget an app; its tokens and its streams are over',
    what: 'It is gone, and so are its tokens',
    beside: async (ask, { value }) => {
      const ending = await endingRows(ask, targetOf(value.name))
      // The end of the tokens comes first, so that streams report it before they are closed.
      return isAnswer(ending) ? ending : { before: ending }
    },
  }),
]

async function make(ask: Ask<unknown, z.output<typeof NEW>>): Promise<Made<ChatApp> | Problem> {
  const { realm, body } = ask
  const { name, apiKey, clientKey, ...given } = body
  const weak = weakKey(ask, apiKey)
  if (weak !== undefined) return weak
  const { version, entry } = await realm.directory.state(CHAT_APPS, name)
  if (entry !== undefined) return problem(409, 'name: already in use by a chat app')
  // Clients of the deleted app still exist, and would become clients of the new one.
  if (version > 0) return problem(409, 'name: was used by a deleted chat app; choose another')
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
  return neverAsked(ask, value.verifyUrl) ?? { id: name, version, value, more: made }
}

async function change(
  ask: Ask<unknown, z.output<typeof CHANGE>>,
  { value: before }: { readonly value: ChatApp },
): Promise<Change<ChatApp> | Problem> {
  const { reason, revokeTokens, apiKey, clientKey, ...given } = ask.body
  const weak = weakKey(ask, apiKey)
  if (weak !== undefined) return weak
  const { name } = before
  const meant = withMeantUrl(given, before.verifyUrl)
  if (isAnswer(meant)) return meant
  const traits = checked(() => chatAppTraits({ ...chatAppSettings(before), ...overNulls(meant), name }))
  if (isAnswer(traits)) return traits
  const unfit = traits.verifyUrl === before.verifyUrl ? undefined : neverAsked(ask, traits.verifyUrl)
  if (unfit !== undefined) return unfit
  const value: ChatApp = { name, ...keysAfter(ask.realm, before, { apiKey, clientKey }), ...traits }
  // The client key is public, and both API keys are accepted during a rotation.
  if (liveApiKeysOf(value).includes(value.clientKeyDigest))
    return problem(422, 'apiKey, clientKey: give two different keys')
  const isClosed = value.disabled === true && before.disabled !== true
  const ending = isClosed || revokeTokens ? await endingRows(ask, targetOf(name), reason) : []
  return isAnswer(ending) ? ending : { value, why: reason, before: ending }
}

type Keys = Pick<z.output<typeof CHANGE>, 'apiKey' | 'clientKey'>
type KeyDigests = Pick<ChatApp, 'apiKeyDigest' | 'olderApiKeyDigest' | 'clientKeyDigest'>

/** A replaced key ends all keys that were accepted before. */
function keysAfter(
  realm: Realm,
  { apiKeyDigest, olderApiKeyDigest, clientKeyDigest }: ChatApp,
  { apiKey, clientKey }: Keys,
): KeyDigests {
  return defined({
    apiKeyDigest: apiKey === undefined ? apiKeyDigest : realm.secretDigest(apiKey),
    olderApiKeyDigest: apiKey === undefined ? olderApiKeyDigest : undefined,
    clientKeyDigest: clientKey === undefined ? clientKeyDigest : realm.secretDigest(clientKey),
  })
}

function targetOf(app: string): CutoffTarget {
  return { kind: 'cut', shape: 'source', principals: { source: chatSource(app) } }
}

/** An impossible app is the caller's mistake here, but the operator's in a seed file. */
function checked<T>(make: () => T): T | Problem {
  try {
    return make()
  } catch (error) {
    if (error instanceof SettingsRefused) return problem(422, error.message)
    throw error
  }
}

function neverAsked({ parts }: Pick<Ask, 'parts'>, verifyUrl: string | undefined): Problem | undefined {
  return verifyUrl === undefined || isFetchable(verifyUrl, parts.keySets.allowInternal)
    ? undefined
    : NEVER_ASKED
}

const NEVER_ASKED: Problem = problem(
  422,
  'verifyUrl: not an https URL of a public address, so it would never be asked',
)

/** A verify URL that comes back as it was shown stands for the stored one. */
function withMeantUrl(given: Given, stored: string | undefined): Given | Problem {
  if (typeof given.verifyUrl !== 'string') return given
  const verifyUrl = meantUrl(given.verifyUrl, stored)
  return verifyUrl === undefined
    ? problem(422, 'verifyUrl: this is the masked form; give the whole URL')
    : { ...given, verifyUrl }
}

type Plain = Partial<ChatAppSettings>

function withoutNulls(given: Given): Plain {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  )
}

/** Members that a change sets to null, as undefined; members that it does not mention are absent. */
function overNulls(given: Given): Plain {
  const nulls = Object.entries(given).filter(([, value]) => value === null)
  return { ...withoutNulls(given), ...Object.fromEntries(nulls.map(([name]) => [name, undefined])) }
}
