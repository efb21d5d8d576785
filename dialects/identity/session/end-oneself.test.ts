import assert from 'node:assert/strict'
import type { HoldRule } from '@rescind/core/log'
import { onBothStores } from '../../../test/kit/stores.ts'
import { accessOf, append, as, passwordLogin, post, send as send2 } from '../../../test/kit/world-identity.ts'
import { openV3, send as send3, type V3World } from '../../../test/kit/world-identity-v3.ts'

// Ending one's own token or password during a hold. A logout, whether answered or refused, must not be undone when the
// hold is released.

const HOLD = 'hold-of-ann'

const OVER_USER: HoldRule['target'] = {
  kind: 'cut',
  shape: 'subject',
  principals: { source: 'identity', subject: 'id-ann' },
}
const HOLDS: Readonly<Record<string, HoldRule['target']>> = {
  'over the user': OVER_USER,
  'over the source': { kind: 'cut', shape: 'source', principals: { source: 'identity' } },
  'over the realm': { kind: 'cut', shape: 'realm', principals: { source: '' } },
}

const WAYS: Readonly<Record<string, (token: string) => ReturnType<typeof as>>> = {
  'v2.0': (token) => as(token, 'DELETE', '/v2.0/tokens'),
  'v2.0, by its id': (token) => as(token, 'DELETE', `/v2.0/tokens/${token}`),
  'v2.0, by tokenId': (token) => as(token, 'DELETE', '/v2.0/tokens', `tokenId=${token}`),
  'v2.0, in XML': (token) => as(token, 'DELETE', `/v2.0/tokens/${token}.xml`),
  v3: (token) => send3('DELETE', '/v3/auth/tokens', { as: token, about: token }),
}

const TOKENS: Readonly<Record<string, (world: V3World) => Promise<string>>> = {
  'an ordinary token': ({ login }) => login('ann'),
  'a limited token': async ({ ask }) =>
    (await accessOf(await ask(passwordLogin('ann', { 'RAX-AUTH:scope': 'SETUP-MFA' })))).token.id,
  'an impersonation token': async ({ ask, login }) => {
    const body = { 'RAX-AUTH:impersonation': { user: { username: 'ann' } } }
    const answer = await ask(send2(await login('root'), 'POST', '/v2.0/RAX-AUTH/impersonation-tokens', body))
    return (await accessOf(answer)).token.id
  },
  'a rescoped token': async ({ ask, login }) =>
    (await accessOf(await ask(post({ auth: { token: { id: await login('ann') } } })))).token.id,
}

for (const [what, make] of Object.entries(TOKENS))
  for (const [over, target] of Object.entries(HOLDS))
    onBothStores(`[H24] ${what} ends itself under a hold ${over}, and stays ended`, async (store) => {
      const world = await openV3({ store })
      for (const [way, end] of Object.entries(WAYS)) {
        const token = await make(world)
        await append(world.realm, { kind: 'hold', id: HOLD, target })
        assert.equal((await world.ask(as(token, 'GET', '/v2.0/tenants'))).status, 401, 'held')
        assert.equal((await world.ask(end(token))).status, 204, way)
        assert.equal((await world.ask(end(token))).status, 401, `${way}, again`)
        await append(world.realm, { kind: 'release', id: HOLD })
        assert.equal((await world.ask(as(token, 'GET', '/v2.0/tenants'))).status, 401, `${way}, released`)
      }
    })

onBothStores('[H24] under a hold a token ends itself and no other', async (store) => {
  const { ask, login, realm } = await openV3({ store })
  const [own, other] = [await login('ann'), await login('ann')]
  await append(realm, { kind: 'hold', id: HOLD, target: OVER_USER })
  for (const given of [
    as(own, 'DELETE', `/v2.0/tokens/${other}`),
    as(own, 'DELETE', '/v2.0/tokens', `tokenId=${other}`),
    send3('DELETE', '/v3/auth/tokens', { as: own, about: other }),
  ])
    assert.equal((await ask(given)).status, 401, given.path)
  await append(realm, { kind: 'release', id: HOLD })
  assert.equal((await ask(as(other, 'GET', '/v2.0/tenants'))).status, 200)
})

for (const [over, target] of Object.entries(HOLDS))
  onBothStores(
    `[H24] under a hold ${over} the old password cannot set a new one, and stays valid`,
    async (store) => {
      const { ask, realm } = await openV3({ store })
      const names = { username: 'ann', password: 'pw-ann', newPassword: 'taken' }
      const v2 = { 'RAX-AUTH:changePasswordCredentials': names }
      const change = send2('', 'POST', '/v2.0/users/RAX-AUTH/change-pwd', v2)
      const v3 = { user: { password: 'taken', original_password: 'pw-ann' } }
      await append(realm, { kind: 'hold', id: HOLD, target })
      for (const given of [change, send3('POST', '/v3/users/id-ann/password', { body: v3 })])
        assert.equal((await ask(given)).status, 403, given.path)
      await append(realm, { kind: 'release', id: HOLD })
      assert.equal((await ask(passwordLogin('ann'))).status, 200)
      assert.equal((await ask(change)).status, 204)
    },
  )
