import type { Realm } from '@rescind/authority'
import { OAUTH_CLIENTS } from '@rescind/dialects'
import type { DialectSecrets, Digested } from '../../bulk/secrets.ts'

export const OAUTH_SECRETS: DialectSecrets = { all: clientSecrets }

async function* clientSecrets(realm: Realm): AsyncGenerator<Digested, void> {
  const nowMs = realm.nowMs()
  for await (const { id: client, value } of realm.directory.all(OAUTH_CLIENTS)) {
    const older = (value.secretDigests ?? []).map((digest) => ({ id: `sec_${digest.slice(0, 16)}`, digest }))
    for (const { id, digest, ...rest } of [...(value.secrets ?? []), ...older]) {
      if ('expiresAtMs' in rest && rest.expiresAtMs !== undefined && rest.expiresAtMs <= nowMs) continue
      const path = `/control/v1/clients/${encodeURIComponent(client)}/secrets/${encodeURIComponent(id)}?revokeTokens=true`
      yield [digest, { credential: 'clientSecret', endedBy: `DELETE ${path}` }]
    }
  }
}
