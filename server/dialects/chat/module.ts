import type { Realm } from '@rescind/authority'
import { CHAT_APPS, CHAT_PREFIXES } from '@rescind/dialects'
import { wholeNumber } from '../../config/parse.ts'
import { CHAT_APP_ENDPOINTS } from '../../control/resources/chat-apps.ts'
import { CHAT_CLIENT_ENDPOINTS } from '../../control/resources/chat-clients.ts'
import type { SourceShape } from '../../rules/sources.ts'
import { type DialectModule, dialectModule } from '../module.ts'
import { mountChat } from './mount.ts'
import { findChatClients } from './people.ts'
import { CHAT_SECRETS } from './secrets.ts'
import { CHAT_SEED } from './seed.ts'

/** Per minute. */
const CHAT_RATE_MAX = 100_000_000

const SETTINGS = {
  chatRate: {
    fallback: '100000',
    help: 'requests a minute of the API key of one chat app, unless the app has its own limit; revoking is never limited; 0: no limit',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: CHAT_RATE_MAX }),
    insecure: {
      when: (value: number): boolean => value === 0,
      at: '0',
      why: 'API keys of chat apps have no limit',
    },
  },
} as const

/** Each app is a source. Its own server may vouch for tokens that are not known here yet. */
const APPS: SourceShape = {
  form: 'chat/{app}',
  exists: async (realm, app) => (await realm.directory.version(CHAT_APPS, app)) > 0,
  unseen: {
    what: 'tokens that the server of a chat app vouches for and that were never shown here',
    mayBe: async (realm, app) => {
      if (app !== undefined) return mayVouch(realm, app)
      for await (const { value } of realm.directory.all(CHAT_APPS))
        if (value.verifyUrl !== undefined) return true
      return false
    },
  },
}

async function mayVouch(realm: Realm, app: string): Promise<boolean> {
  const entry = await realm.directory.readable(CHAT_APPS, app)
  if (entry !== undefined) return entry.value.verifyUrl !== undefined
  // An unreadable record may name a verify URL.
  return (await realm.directory.version(CHAT_APPS, app)) > 0
}

export const CHAT: DialectModule = dialectModule({
  name: 'chat',
  title: 'Chat',
  sources: [APPS],
  tokenKinds: ['chat', 'assigned'],
  prefixes: [],
  paths: CHAT_PREFIXES.map((first) => `/${first}`),
  mount: (parts, { chatRate }) => mountChat(parts, chatRate),
  seed: CHAT_SEED,
  secrets: CHAT_SECRETS,
  people: findChatClients,
  resources: [...CHAT_APP_ENDPOINTS, ...CHAT_CLIENT_ENDPOINTS],
  settings: SETTINGS,
})
