export const CLIENT = { clientId: 'svc', clientSecret: 'svc-secret-of-the-benchmark' }
export const CHAT = {
  name: 'acme',
  apiKey: 'chat-api-key-of-the-benchmark',
  clientKey: 'chat-client-key-of-the-benchmark',
}
export const OPERATOR = { username: 'root', apiKey: 'root-api-key-of-the-benchmark' }
export const USER = { username: 'ann', apiKey: 'ann-api-key-of-the-benchmark' }

/** The seed of every measured server of ours. In each dialect it holds the accounts that the measured actions need. */
export function seedText(): string {
  const client = { ...CLIENT, grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read', 'write'] }
  const users = [
    { ...OPERATOR, id: '1', password: 'root-password-of-the-benchmark', roles: ['identity:admin'] },
    { ...USER, id: '77', password: 'ann-password-of-the-benchmark', roles: ['identity:default'] },
  ]
  const identity = {
    tenants: [{ id: '900100', name: 'acme' }],
    users: users.map((user) => ({ ...user, tenantId: '900100' })),
  }
  return JSON.stringify({ realms: [{ name: 'default', oauthClients: [client], chatApps: [CHAT], identity }] })
}
