import type { Realm } from '@rescind/authority'
import { IDENTITY_APP_CREDENTIALS, IDENTITY_USERS, passwordResetOf } from '@rescind/dialects'
import type { DialectSecrets, Digested } from '../../bulk/secrets.ts'

export const IDENTITY_SECRETS: DialectSecrets = {
  all: userSecrets,
  find: async (realm, text) => {
    // A token that was mailed for a forgotten password. It ends with its user's other credentials.
    const reset = await passwordResetOf(realm, text)
    if (reset === undefined) return undefined
    const target = JSON.stringify({ source: 'identity', subject: reset.userId })
    return { credential: 'passwordReset', endedBy: `POST /control/v1/revocations (target ${target})` }
  },
}

async function* userSecrets(realm: Realm): AsyncGenerator<Digested, void> {
  const base = realm.name === 'default' ? '' : `/realms/${realm.name}`
  const nowMs = realm.nowMs()
  for await (const { id, value } of realm.directory.all(IDENTITY_APP_CREDENTIALS)) {
    if (value.expiresAtMs !== undefined && value.expiresAtMs <= nowMs) continue
    const path = `${base}/v3/users/${encodeURIComponent(value.userId)}/application_credentials/${encodeURIComponent(id)}`
    yield [value.secretDigest, { credential: 'applicationCredential', endedBy: `DELETE ${path}` }]
  }
  for await (const { id, value } of realm.directory.all(IDENTITY_USERS)) {
    if (value.apiKeyDigest === undefined) continue
    const path = `${base}/v2.0/users/${encodeURIComponent(id)}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`
    yield [value.apiKeyDigest, { credential: 'identityApiKey', endedBy: `DELETE ${path}` }]
  }
}
