import type { Realm } from '@rescind/authority'
import { CHAT_APPS, liveApiKeysOf } from '@rescind/dialects'
import type { DialectSecrets, Digested } from '../../bulk/secrets.ts'

export const CHAT_SECRETS: DialectSecrets = { all: appKeys }

async function* appKeys(realm: Realm): AsyncGenerator<Digested, void> {
  for await (const { value } of realm.directory.all(CHAT_APPS)) {
    const change = `PATCH /control/v1/chat-apps/${encodeURIComponent(value.name)}`
    for (const digest of liveApiKeysOf(value))
      yield [digest, { credential: 'chatApiKey', endedBy: `${change} (apiKey, revokeTokens)` }]
    // The client key is public, but in a sandbox it signs tokens.
    if (value.sandbox === true)
      yield [
        value.clientKeyDigest,
        { credential: 'chatClientKey', endedBy: `${change} (clientKey, revokeTokens)` },
      ]
  }
}
