// Clients that are published without types: what the tests use of them.

declare module 'simple-oauth2' {
  type TokenValues = Readonly<Record<string, unknown>>
  export class AccessToken {
    readonly token: TokenValues
    expired(windowSeconds?: number): boolean
    refresh(parameters?: { readonly scope?: string }): Promise<AccessToken>
    revoke(type: 'access_token' | 'refresh_token'): Promise<unknown>
    revokeAll(): Promise<void>
  }
  export class ClientCredentials {
    constructor(config: unknown)
    getToken(parameters: { readonly scope?: string }): Promise<AccessToken>
    createToken(token: TokenValues): AccessToken
  }
  const clients: { readonly ClientCredentials: typeof ClientCredentials }
  export default clients
}

declare module 'pkgcloud' {
  export type Failure = { readonly statusCode?: number; readonly result?: unknown }
  export type Identity = {
    readonly token: { readonly id: string; readonly expires: Date; readonly tenant: { readonly id: string } }
    readonly user: { readonly id: string; readonly name: string; readonly roles: readonly unknown[] }
  }
  export type CloudClient = {
    readonly _identity: Identity
    auth(done: (failure?: Failure) => void): void
  }
  const pkgcloud: { readonly compute: { createClient(options: unknown): CloudClient } }
  export default pkgcloud
}

declare module 'pkgcloud/lib/pkgcloud/openstack/index.js' {
  import type { CloudClient, Failure } from 'pkgcloud'

  type Done = (failure: Failure | null, body: unknown) => void
  export type IdentityClient = CloudClient & {
    validateToken(token: string, belongsTo: string, done: Done): void
    validateToken(token: string, done: Done): void
  }
  const openstack: { readonly identity: { createClient(options: unknown): IdentityClient } }
  export default openstack
}
