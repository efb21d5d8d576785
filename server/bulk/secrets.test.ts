import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPIRING_KINDS, mintText, putRecord } from '@rescind/authority'
import { OAUTH_CLIENTS, oauthClientValue } from '@rescind/dialects'
import { openWorld } from '../../test/kit/realm.ts'
import { MODULES } from '../compose/modules.ts'
import { Secrets } from './secrets.ts'

const DIALECTS = MODULES.flatMap(({ secrets }) => secrets ?? [])

test('secrets are found up to the bound; with one more, the result says that some were left out [W2]', async () => {
  const { realm, realms } = await openWorld()
  const { system } = realms
  const put = async (clientId: string): Promise<void> => {
    const value = oauthClientValue(realm, {
      clientId,
      clientSecret: `secret of ${clientId}`,
      grantTypes: [],
      scopes: [],
      introspect: 'own',
    })
    const record = { collection: OAUTH_CLIENTS, id: clientId, value, fromVersion: 0 }
    const operations = putRecord(realm, record, { by: 'test', from: 'local', how: 'test' })
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
  const find = async (max: number, text: string): Promise<readonly unknown[]> => {
    const secrets = new Secrets({ realm, system, keysOf: undefined, dialects: DIALECTS }, max)
    return [(await secrets.find(text))?.credential, secrets.isPartial]
  }
  await put('a')
  await put('b')
  assert.deepEqual(await find(2, 'secret of b'), ['clientSecret', false])
  assert.deepEqual(await find(1, 'secret of a'), ['clientSecret', true])
  assert.deepEqual(await find(1, 'secret of b'), [undefined, true])
})

test('a mailed token for a forgotten password is reported while it is valid, with the rule that ends it [W2]', async () => {
  const { realm, realms, clock } = await openWorld()
  const secrets = new Secrets({ realm, system: realms.system, keysOf: undefined, dialects: DIALECTS })
  const text = mintText(realm.grammar.prefixes.code, realm.random).reveal()
  const value = Buffer.from(JSON.stringify({ userId: '78', position: realm.position() }))
  const entry = {
    kind: EXPIRING_KINDS.identityPasswordReset,
    id: realm.secretDigest(text),
    value,
    expiresAtMs: realm.nowMs() + 60_000,
  }
  const operations = [{ kind: 'put-expiring', entry } as const]
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.deepEqual(await secrets.find(text), {
    credential: 'passwordReset',
    endedBy: 'POST /control/v1/revocations (target {"source":"identity","subject":"78"})',
  })
  assert.equal(await secrets.find(mintText(realm.grammar.prefixes.code, realm.random).reveal()), undefined)
  clock.advance(60_001)
  assert.equal(await secrets.find(text), undefined)
})
