/** The apps, clients and users of the test servers. */
export const CHAT = {
  app: 'acme',
  apiKey: '2JYpYhDaQlIQlDSvVLCLLo2MPzFfVm9jYpxw2vuBrmk=',
  clientKey: 'acme-client-key-public',
}
export const SVC = { clientId: 'svc', clientSecret: 'svc-secret-0123456789abcdef' }
export const OTHER = { clientId: 'other', clientSecret: 'other-secret-0123456789abcdef' }
export const GATEWAY = { clientId: 'gateway', clientSecret: 'a:b%+ü/= gateway-secret' }
export const ANN = {
  id: '77',
  username: 'ann',
  password: 'ann-password-0123456789',
  apiKey: 'ann-api-key-0123456789',
  tenant: '900100',
}
export const BOB = { id: '78', username: 'bob', password: 'bob-password-0123456789', tenant: '900100' }
export const ROOT = { id: '1', username: 'root', password: 'root-password-0123456789', tenant: '900000' }
export const EVE = { id: '99', username: 'eve', password: 'eve-password-0123456789', tenant: '900200' }

const GRANTS = ['client_credentials', 'refresh_token']

/** The cheapest argon2. Each test server hashes the passwords of its seed, and there are hundreds of servers. */
export const CHEAP_PASSWORDS = { memoryKib: 8, passes: 1 } as const

/** A seed file as the server reads it. */
export const SEED: { readonly realms: readonly unknown[] } = {
  realms: [
    {
      name: 'default',
      chatApps: [
        { name: CHAT.app, apiKey: CHAT.apiKey, clientKey: CHAT.clientKey, tokenLifetimeSeconds: 604_800 },
        { name: 'rival', apiKey: 'rival-api-key-0123456789', clientKey: 'rival-client-key-public' },
      ],
      oauthClients: [
        { ...SVC, grantTypes: GRANTS, scopes: ['read', 'write'], introspect: 'own' },
        { ...OTHER, grantTypes: GRANTS, scopes: ['read'], introspect: 'own' },
        { ...GATEWAY, grantTypes: ['client_credentials'], scopes: [], introspect: 'any' },
      ],
      identity: {
        tenants: [
          { id: ROOT.tenant, name: 'operators' },
          { id: ANN.tenant, name: ANN.tenant },
          { id: EVE.tenant, name: EVE.tenant },
        ],
        users: [
          user(ROOT, ['identity:admin']),
          { ...user(ANN, ['identity:user-admin']), apiKey: ANN.apiKey },
          user(BOB, ['identity:default']),
          user(EVE, ['identity:user-admin']),
        ],
      },
      verifiers: [{ name: 'orders-api', key: 'orders-api-key-0123456789' }],
    },
  ],
}

type Person = {
  readonly id: string
  readonly username: string
  readonly password: string
  readonly tenant: string
}

function user(
  { id, username, password, tenant }: Person,
  roles: readonly string[],
): Readonly<Record<string, unknown>> {
  return { id, username, password, tenantId: tenant, roles, enabled: true }
}
