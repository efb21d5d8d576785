import assert from 'node:assert/strict'
import { test } from 'node:test'
import { putRecord } from '@rescind/core'
import { OAUTH_CLIENTS, oauthClientValue } from '@rescind/dialects'
import { openWorld } from '../../test/kit/realm.ts'
import { Secrets } from './secrets.ts'

test('as many secrets as are looked for are found; one more, and it says that some were left out [W2]', async () => {
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
    await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
  }
  const find = async (max: number, text: string): Promise<readonly unknown[]> => {
    const secrets = new Secrets({ realm, system, keysOf: undefined }, max)
    return [(await secrets.find(text))?.credential, secrets.isPartial]
  }
  await put('a')
  await put('b')
  assert.deepEqual(await find(2, 'secret of b'), ['clientSecret', false])
  assert.deepEqual(await find(1, 'secret of a'), ['clientSecret', true])
  assert.deepEqual(await find(1, 'secret of b'), [undefined, true])
})
