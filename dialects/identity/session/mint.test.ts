import assert from 'node:assert/strict'
import { changePrefixes } from '@rescind/authority'
import { bodyJson } from '../../../test/kit/request.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import { accessOf, apiKeyLogin, passwordLogin, post } from '../../../test/kit/world-identity.ts'
import {
  byPassword,
  byToken,
  inProject,
  logIn,
  openV3,
  send,
  subjectToken,
  type V3World,
} from '../../../test/kit/world-identity-v3.ts'

// All text that Identity mints follows the realm's own grammar, so that the realm's scanners find it.

const OWN = { identity: 'acme_id_', clientSecret: 'acme_key_', code: 'acme_code_' }
const AUDIT = { by: 'test', from: 'local', how: 'test.prefixes' }

async function opened(world: V3World): Promise<void> {
  assert.equal((await changePrefixes(world.realm, OWN, { audit: AUDIT })).kind, 'changed')
}

async function credentialOf(world: V3World, token: string): Promise<{ id: string; secret: string }> {
  const path = '/v3/users/pia/application_credentials'
  const answer = await world.ask(
    send('POST', path, { as: token, body: { application_credential: { name: 'ci' } } }),
  )
  assert.equal(answer.status, 201)
  const body = (await bodyJson(answer)) as { application_credential: { id: string; secret: string } }
  return body.application_credential
}

onBothStores("[W16] every token of either version bears the realm's own prefix", async (store) => {
  const world = await openV3({ store })
  await opened(world)
  const v2 = async (ask: Parameters<V3World['ask']>[0]) => (await accessOf(await world.ask(ask))).token.id
  const v3 = async (ask: Parameters<V3World['ask']>[0]) => subjectToken(await world.ask(ask))
  const pia = await v3(byPassword('pia', inProject('team')))
  const { id, secret } = await credentialOf(world, pia)
  const minted = [
    pia,
    await v3(byPassword('pia')),
    await v3(byToken(pia, 'unscoped')),
    await v3(logIn({ methods: ['application_credential'], application_credential: { id, secret } })),
    await v2(passwordLogin('ann')),
    await v2(apiKeyLogin('ann')),
    await v2(post({ auth: { token: { id: pia }, tenantId: 'team' } })),
  ]
  for (const text of minted) {
    assert.ok(text.startsWith(OWN.identity), text.slice(0, 8))
    assert.equal(world.realm.grammar.shapeOf(text), 'ours')
  }
})

onBothStores("[W16] the secret of an application credential bears the realm's own prefix", async (store) => {
  const world = await openV3({ store })
  await opened(world)
  const { secret } = await credentialOf(world, await world.enter('pia'))
  assert.ok(secret.startsWith(OWN.clientSecret))
  assert.equal(world.realm.grammar.shapeOf(secret), 'ours')
})

onBothStores(
  '[W16] tokens minted before the prefixes changed still validate and can be ended',
  async (store) => {
    const world = await openV3({ store })
    const before = await world.enter('pia')
    assert.ok(before.startsWith('rsi_'))
    await opened(world)
    const mine = { as: before, about: before }
    assert.equal((await world.ask(send('GET', '/v3/auth/tokens', mine))).status, 200)
    assert.equal((await world.ask(send('DELETE', '/v3/auth/tokens', mine))).status, 204)
    assert.equal((await world.ask(send('GET', '/v3/auth/tokens', mine))).status, 401)
  },
)
