import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import type { Ask } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { apiKeyLogin, passwordLogin, post } from '../../test/kit/world-identity.ts'
import { logIn, openV3, type V3World } from '../../test/kit/world-identity-v3.ts'
import { wrappedStore } from '../../test/kit/wrapped-store.ts'

// Known records come from a cache and unknown ones need a look-up, so timing could tell them apart. `npm run
// test:timing` measures time; these tests count the work.

/** A store that records the names of its calls. */
function noted(store: Store, asked: string[]): Store {
  return wrappedStore(store, (name, call) => {
    asked.push(name)
    return call()
  })
}

type Work = { readonly status: number; readonly asked: readonly string[]; readonly hashed: number }

async function workOf(world: V3World, asked: string[], ask: Ask): Promise<Work> {
  // By the second call, known records are in the cache.
  await world.ask(ask)
  asked.length = 0
  const before = world.passwords.asked.length
  const { status } = await world.ask(ask)
  return { status, asked: [...asked], hashed: world.passwords.asked.length - before }
}

function byPassword(user: object): Ask {
  return logIn({ methods: ['password'], password: { user: { ...user, password: 'wrong' } } })
}

function byPasscode(user: object): Ask {
  return logIn({ methods: ['totp'], totp: { user: { ...user, passcode: '000000' } } })
}

const blue = { domain: { id: 'blue' } }
const wrongKey = (username: string): Ask =>
  post({ auth: { 'RAX-KSKEY:apiKeyCredentials': { username, apiKey: 'wrong' } } })
const change = (username: string): Ask => ({
  ...post({ 'RAX-AUTH:changePasswordCredentials': { username, password: 'wrong', newPassword: 'other' } }),
  path: '/v2.0/users/RAX-AUTH/change-pwd',
})
const forget = (username: string): Ask => ({
  ...post({ 'RAX-AUTH:forgotPasswordCredentials': { username } }),
  path: '/v2.0/users/RAX-AUTH/forgot-pwd',
})
const changeV3 = (id: string): Ask => ({
  ...post({ user: { password: 'other', original_password: 'wrong' } }),
  path: `/v3/users/${id}/password`,
})
const wrongPassword = (username: string): Ask =>
  post({ auth: { passwordCredentials: { username, password: 'wrong' } } })

onBothStores(
  '[W91] [K02] no other call tells an unauthenticated caller whether a user exists',
  async (store) => {
    const asked: string[] = []
    const world = await openV3({ store: noted(store, asked) })
    for (const [known, unknown, status] of [
      [change('ann'), change('nobody'), 401],
      [forget('ann'), forget('nobody'), 204],
      [changeV3('pia'), changeV3('nobody'), 401],
    ] as const) {
      const [one, other] = [await workOf(world, asked, known), await workOf(world, asked, unknown)]
      assert.deepEqual(one, other, known.path)
      assert.equal(one.status, status)
    }
  },
)

onBothStores('[W91] [K02] a login costs the same work whether or not the user exists', async (store) => {
  const asked: string[] = []
  const world = await openV3({ store: noted(store, asked) })
  assert.equal((await world.ask(apiKeyLogin('ann'))).status, 200)
  assert.equal((await world.ask(passwordLogin('ann'))).status, 200)
  for (const [known, unknown] of [
    [wrongKey('ann'), wrongKey('nobody')],
    [wrongPassword('ann'), wrongPassword('nobody')],
    [byPassword({ id: 'pia' }), byPassword({ id: 'nobody' })],
    [byPassword({ name: 'pia-name', ...blue }), byPassword({ name: 'nobody', ...blue })],
    [byPasscode({ id: 'pia' }), byPasscode({ id: 'nobody' })],
    [byPasscode({ name: 'pia-name', ...blue }), byPasscode({ name: 'nobody', ...blue })],
  ] as const) {
    const [one, other] = [await workOf(world, asked, known), await workOf(world, asked, unknown)]
    assert.deepEqual(one, other, String(known.body))
    assert.equal(one.status, 401)
  }
})
