import { createOauthDialect, OAUTH_PREFIX } from '@rescind/dialects'
import { parseEndpoint, trueOrFalse, wholeNumber } from '../../config/parse.ts'
import { CREATE_GRANT } from '../../control/resources/grants.ts'
import { LIST_CLIENT_GRANTS } from '../../control/resources/oauth/client-grants.ts'
import { CLIENT_SECRET_ENDPOINTS } from '../../control/resources/oauth/client-secrets.ts'
import { CLIENT_ENDPOINTS } from '../../control/resources/oauth/clients.ts'
import { SIGNING_KEY_ENDPOINTS } from '../../control/resources/oauth/signing-keys.ts'
import { judgeText } from '../../judging/judge-token.ts'
import { type DialectModule, dialectModule } from '../module.ts'
import { findOauthClients } from './people.ts'
import { OAUTH_SECRETS } from './secrets.ts'
import { OAUTH_SEED } from './seed.ts'

/** Longer than this, a rotated refresh token would be as good as one that is not rotated. */
const REPLAY_MAX = 300
const CACHE_TTL_MAX = 3_600

const SETTINGS = {
  authorizationEndpoint: {
    fallback: undefined,
    help: 'URL of your own login page, named in the OAuth metadata; it gets codes from POST /control/v1/grants',
    parse: (text: string, name: string): string => parseEndpoint(text, name),
    insecure: undefined,
  },
  oauthReplaySeconds: {
    fallback: '30',
    help: 'seconds for which a rotated refresh token gets the same answer again; later, or at 0 at once, it is reuse',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: REPLAY_MAX }),
    insecure: undefined,
  },
  oauthCacheTtl: {
    fallback: '5',
    help: 'cache_ttl of active introspection answers: seconds that a gateway may keep one; 0 leaves it out',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: CACHE_TTL_MAX }),
    insecure: undefined,
  },
  oauthStrictHints: {
    fallback: 'false',
    isSwitch: true,
    help: 'answer 400 to a revocation whose token_type_hint is neither access_token nor refresh_token',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: undefined,
  },
} as const

export const OAUTH: DialectModule = dialectModule({
  name: 'oauth',
  title: 'OAuth',
  sources: [{ form: 'oauth', hasGrants: true }],
  tokenKinds: ['access', 'refresh', 'code'],
  prefixes: [],
  paths: [OAUTH_PREFIX, '/.well-known/oauth-authorization-server'],
  mount: ({ baseOf, keySets, lines }, settings) => ({
    dialect: createOauthDialect({
      baseOf,
      replaySeconds: settings.oauthReplaySeconds,
      cacheTtlSeconds: settings.oauthCacheTtl,
      strictHints: settings.oauthStrictHints,
      authorizationEndpoint: settings.authorizationEndpoint,
      judgeForeign: (realm, raw) => judgeText(realm, keySets, raw),
      onNotice: ({ event, ...of }) => lines.write('warn', of, `oauth: ${event}`),
    }),
  }),
  seed: OAUTH_SEED,
  secrets: OAUTH_SECRETS,
  people: findOauthClients,
  resources: [
    CREATE_GRANT,
    ...CLIENT_ENDPOINTS,
    ...CLIENT_SECRET_ENDPOINTS,
    LIST_CLIENT_GRANTS,
    ...SIGNING_KEY_ENDPOINTS,
  ],
  settings: SETTINGS,
})
