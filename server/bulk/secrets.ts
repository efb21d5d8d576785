import type { Realm } from '@rescind/authority'
import {
  CHAT_APPS,
  IDENTITY_APP_CREDENTIALS,
  IDENTITY_USERS,
  liveApiKeysOf,
  OAUTH_CLIENTS,
  passwordResetOf,
} from '@rescind/dialects'
import { CONTROL_KEYS } from '../records/control-keys.ts'
import { liveKeysOf, VERIFIERS } from '../records/verifiers.ts'

/** Credentials that are no tokens: whoever finds one learns what it is, and the call that ends it. */
export type SecretKind =
  | 'controlKey'
  | 'verifierKey'
  | 'clientSecret'
  | 'chatApiKey'
  | 'chatClientKey'
  | 'identityApiKey'
  | 'applicationCredential'
  | 'passwordReset'

export type Secret = { readonly credential: SecretKind; readonly endedBy: string }

/** Secrets of one realm that are looked for; at more of them none of the rest is. */
const SECRETS_MAX = 250_000

type Known = ReadonlyMap<string, Secret>

export type SecretsOf = {
  readonly realm: Realm
  readonly system: Realm
  /** The realm that the caller's key is for; undefined: all. */
  readonly keysOf: string | undefined
}

/**
 * Secrets as they stand when the first of them is asked for: their digests, which only whoever has the text can make.
 * Most records have no index by secret, and must not need one: so they are read once for a call.
 */
export class Secrets {
  readonly #of: SecretsOf
  readonly #max: number
  #known: Promise<Known> | undefined
  /** There were more than are looked for. */
  isPartial = false

  constructor(of: SecretsOf, max: number = SECRETS_MAX) {
    this.#of = of
    this.#max = max
  }

  /** @throws StoreUnavailable */
  async find(text: string): Promise<Secret | undefined> {
    this.#known ??= this.#read()
    const known = await this.#known
    const { realm, system } = this.#of
    const secret = known.get(realm.secretDigest(text)) ?? known.get(system.secretDigest(text))
    if (secret !== undefined || realm.grammar.shapeOf(text) !== 'ours') return secret
    // Mailed for a forgotten password. It ends with whatever its user has.
    const reset = await passwordResetOf(realm, text)
    if (reset === undefined) return undefined
    const target = JSON.stringify({ source: 'identity', subject: reset.userId })
    return said('passwordReset', `POST /control/v1/revocations (target ${target})`)
  }

  async #read(): Promise<Known> {
    const known = new Map<string, Secret>()
    for await (const [digest, secret] of this.#all()) {
      if (known.size >= this.#max) {
        this.isPartial = true
        break
      }
      known.set(digest, secret)
    }
    return known
  }

  /** The most powerful first. */
  async *#all(): AsyncGenerator<readonly [string, Secret], void> {
    const { realm, system, keysOf } = this.#of
    for await (const { id, value } of system.directory.all(CONTROL_KEYS)) {
      // As `GET /control/v1/keys` shows them: a realm's own key learns of no other realm's.
      if (keysOf !== undefined && value.realm !== keysOf) continue
      yield [value.keyDigest, said('controlKey', `DELETE /control/v1/keys/${part(id)}`)]
    }
    for await (const { value } of system.directory.all(VERIFIERS)) {
      if (value.realm !== realm.name) continue
      for (const digest of liveKeysOf(value))
        yield [digest, said('verifierKey', `DELETE /control/v1/verifiers/${part(value.name)}`)]
    }
    for await (const { value } of realm.directory.all(CHAT_APPS)) {
      const change = `PATCH /control/v1/chat-apps/${part(value.name)}`
      for (const digest of liveApiKeysOf(value))
        yield [digest, said('chatApiKey', `${change} (apiKey, revokeTokens)`)]
      // It is public, but in a sandbox it signs tokens.
      if (value.sandbox === true)
        yield [value.clientKeyDigest, said('chatClientKey', `${change} (clientKey, revokeTokens)`)]
    }
    yield* clientSecrets(realm)
    yield* identitySecrets(realm)
  }
}

async function* clientSecrets(realm: Realm): AsyncGenerator<readonly [string, Secret], void> {
  const nowMs = realm.nowMs()
  for await (const { id: client, value } of realm.directory.all(OAUTH_CLIENTS)) {
    const older = (value.secretDigests ?? []).map((digest) => ({ id: `sec_${digest.slice(0, 16)}`, digest }))
    for (const { id, digest, ...rest } of [...(value.secrets ?? []), ...older]) {
      if ('expiresAtMs' in rest && rest.expiresAtMs !== undefined && rest.expiresAtMs <= nowMs) continue
      const path = `/control/v1/clients/${part(client)}/secrets/${part(id)}?revokeTokens=true`
      yield [digest, said('clientSecret', `DELETE ${path}`)]
    }
  }
}

async function* identitySecrets(realm: Realm): AsyncGenerator<readonly [string, Secret], void> {
  const base = realm.name === 'default' ? '' : `/realms/${realm.name}`
  const nowMs = realm.nowMs()
  for await (const { id, value } of realm.directory.all(IDENTITY_APP_CREDENTIALS)) {
    if (value.expiresAtMs !== undefined && value.expiresAtMs <= nowMs) continue
    const path = `${base}/v3/users/${part(value.userId)}/application_credentials/${part(id)}`
    yield [value.secretDigest, said('applicationCredential', `DELETE ${path}`)]
  }
  for await (const { id, value } of realm.directory.all(IDENTITY_USERS)) {
    if (value.apiKeyDigest === undefined) continue
    const path = `${base}/v2.0/users/${part(id)}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`
    yield [value.apiKeyDigest, said('identityApiKey', `DELETE ${path}`)]
  }
}

function said(credential: SecretKind, endedBy: string): Secret {
  return { credential, endedBy }
}

function part(text: string): string {
  return encodeURIComponent(text)
}
