import { createIdentityDialect } from '@rescind/dialects'
import { RATE_MAX, trueOrFalse, wholeNumber } from '../../config/parse.ts'
import { IDENTITY_CREDENTIAL_ENDPOINTS } from '../../control/resources/identity-credentials.ts'
import { END_IDENTITY_USER } from '../../control/resources/identity-user-end.ts'
import { IDENTITY_USER_ENDPOINTS } from '../../control/resources/identity-users.ts'
import { type DialectModule, dialectModule } from '../module.ts'
import { findIdentityUsers } from './people.ts'
import { IDENTITY_SECRETS } from './secrets.ts'
import { IDENTITY_SEED } from './seed.ts'

const SETTINGS = {
  identityRate: {
    fallback: '50',
    help: 'requests a second that one caller of the Identity dialect may make; 0: no limit',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: RATE_MAX }),
    insecure: {
      when: (value: number): boolean => value === 0,
      at: '0',
      why: 'callers of the Identity dialect have no limit',
    },
  },
  identityChainRevocation: {
    fallback: 'false',
    isSwitch: true,
    help: 'ending an Identity token also ends the tokens that it was rescoped to, of those issued while this is on',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: undefined,
  },
} as const

export const IDENTITY: DialectModule = dialectModule({
  name: 'identity',
  title: 'Identity',
  sources: [{ form: 'identity', hasGrants: true }],
  tokenKinds: ['identity', 'limited'],
  prefixes: [],
  paths: ['/v2.0', '/v2.0.json', '/v2.0.xml', '/v3', '/'],
  mount: ({ passwords, scans, log }, { identityRate, identityChainRevocation }) => ({
    dialect: createIdentityDialect({
      passwords,
      scans,
      ratePerSecond: identityRate,
      chainRevocation: identityChainRevocation,
    }),
    onListening: () => {
      // No delivery is built in; an embedding application passes a notifier.
      log.info(
        'identity: no notifier: mails for forgotten passwords and passcodes by text message are not delivered',
      )
    },
  }),
  seed: IDENTITY_SEED,
  secrets: IDENTITY_SECRETS,
  people: findIdentityUsers,
  resources: [...IDENTITY_USER_ENDPOINTS, END_IDENTITY_USER, ...IDENTITY_CREDENTIAL_ENDPOINTS],
  settings: SETTINGS,
})
