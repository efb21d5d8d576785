/** npm oidc-provider with its records in a Map, because its default adapter keeps only 1,000 of them. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

const records = new Map<string, unknown>()
const ids = new Map<string, Set<string>>()

class MapAdapter {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  #key(id: string): string {
    return `${this.#name}:${id}`
  }

  async upsert(id: string, payload: { grantId?: string }): Promise<void> {
    records.set(this.#key(id), payload)
    if (payload.grantId === undefined) return
    const family = ids.get(payload.grantId) ?? new Set<string>()
    family.add(this.#key(id))
    ids.set(payload.grantId, family)
  }

  async find(id: string): Promise<unknown> {
    return records.get(this.#key(id))
  }

  async findByUid(): Promise<undefined> {}

  async findByUserCode(): Promise<undefined> {}

  async consume(): Promise<void> {}

  async destroy(id: string): Promise<void> {
    records.delete(this.#key(id))
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const key of ids.get(grantId) ?? []) records.delete(key)
    ids.delete(grantId)
  }
}

const server = createServer()
server.keepAliveTimeout = 72_000
server.listen(0, '127.0.0.1', () => {
  // A server that listens on TCP has an AddressInfo, which Node's type does not say.
  const { port } = server.address() as AddressInfo
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: MapAdapter as never,
    clients: [
      {
        client_id: 'svc',
        client_secret: 'svc-secret-of-the-benchmark',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    scopes: ['read', 'write'],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      revocation: { enabled: true, allowedPolicy: async () => true },
      devInteractions: { enabled: false },
    },
    ttl: { ClientCredentials: 3_600 },
  } as never)
  const answer = provider.callback()
  server.on('request', (request, response) => void answer(request, response))
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})
