import type { Collection, Realm } from '@rescind/core'

export type GrantType = 'client_credentials' | 'refresh_token'
export const GRANT_TYPES: readonly GrantType[] = ['client_credentials', 'refresh_token']

/** Whose tokens a client may ask about: its own, those meant for it, or every token of the realm. */
export type IntrospectRight = 'own' | 'audience' | 'any'

export type OauthClient = {
  readonly clientId: string
  /** Keyed digests of its live secrets; any of them authenticates it. */
  readonly secretDigests: readonly string[]
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly introspect: IntrospectRight
  readonly enabled: boolean
}

/** OAuth clients by client id. */
export const OAUTH_CLIENTS: Collection<OauthClient> = { name: 'oauthClients', keys: () => [] }

export type OauthClientIntent = {
  readonly clientId: string
  readonly clientSecret: string
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly introspect: IntrospectRight
}

export function oauthClientValue(realm: Realm, intent: OauthClientIntent): OauthClient {
  const { clientSecret, ...rest } = intent
  return { ...rest, secretDigests: [realm.secretDigest(clientSecret)], enabled: true }
}
