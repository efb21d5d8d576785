import type { ClientSecret } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SEED } from '../kit/seed.ts'

/** Secrets, and one id, that break naive Basic authentication. */
export const AWKWARD: readonly ClientSecret[] = [
  { clientId: 'awkward-1', clientSecret: 'a:b%+ü/= 0123456789' },
  { clientId: 'awkward-2', clientSecret: ' begins and ends with spaces ' },
  { clientId: 'awkward-3', clientSecret: 's/e+c%2B%20%zz%41&=?#' },
  { clientId: 'awkward-4', clientSecret: '"quoted" \\ ~`!@#$^*()\'' },
  { clientId: 'awkward-5', clientSecret: '::::+++%%%%' },
  { clientId: 'awkward 6+%/é', clientSecret: 'plain-secret-0123456789' },
]

/** Those in printable ASCII, because some clients refuse all others. */
export const AWKWARD_ASCII: readonly ClientSecret[] = AWKWARD.filter(({ clientId, clientSecret }) =>
  /^[\x20-\x7e]*$/.test(clientId + clientSecret),
)

/** The tests' server, by its own clock, with the awkward clients in it. */
export function openInteropServer(): Promise<TestServer> {
  const oauthClients = AWKWARD.map((client) => ({
    ...client,
    grantTypes: ['client_credentials', 'refresh_token'],
    scopes: ['read'],
  }))
  const seed = { realms: [...SEED.realms, { name: 'default', oauthClients }] }
  return openServer({ seed, time: 'real' })
}
