import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '@rescind/dialects'
import { bodyText } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { openIdentity } from '../../test/kit/world-identity.ts'
import { Scans } from '../wire/scans.ts'

/** Every list of both versions that may be as long as a table. */
const LISTS = [
  '/v2.0/users',
  '/v2.0/users/id-ann/RAX-AUTH/admins',
  '/v2.0/tenants/900100/users',
  '/v2.0/OS-KSADM/roles',
  '/v2.0/OS-KSADM/services',
  '/v2.0/endpoints',
  '/v3/users',
  '/v3/projects',
  '/v3/domains',
  '/v3/roles',
  '/v3/role_assignments',
  '/v3/services',
  '/v3/endpoints',
  '/v3/OS-REVOKE/events',
]

// A caller with many lists at once, by any of its tokens, must not keep others waiting.
onBothStores(
  '[S3] [W94] a user over its concurrent lists, with any of its tokens, gets 413, and others go on',
  async (store) => {
    const scans = new Scans({ perKeyMax: 2, max: 8 })
    const { ask, login, realm } = await openIdentity({ store, scans })
    const tokens = [await login('root'), await login('root')]
    const [other, ended] = [await login('svc'), await login('root')]
    const get = async (path: string, token: string): Promise<Answer> => {
      const headers = { 'x-auth-token': token, accept: 'application/json' }
      const answer = await ask({ method: 'GET', path, headers })
      // A streamed list keeps its room until it is read.
      await bodyText(answer)
      return answer
    }
    await ask({ method: 'DELETE', path: '/v2.0/tokens', headers: { 'x-auth-token': ended } })
    const end = Promise.withResolvers<Answer>()
    const own = { realm: realm.name, key: `identity/${realm.ordinal}/id-root` }
    const first = scans.run(own, () => end.promise)
    for (const path of LISTS)
      for (const token of tokens) assert.equal((await get(path, token)).status, 200, `${path}, at its limit`)
    const second = scans.run(own, () => end.promise)
    for (const path of LISTS) {
      for (const token of tokens) {
        const full = await get(path, token)
        assert.equal(full.status, 413, path)
        assert.equal(full.headers['retry-after'], '1')
      }
      assert.equal((await get(path, other)).status, 200, `${path}, another user`)
      assert.equal((await get(path, ended)).status, 401, `${path}, nobody`)
      assert.equal((await get(path, 'x')).status, 401)
    }
    for (const path of ['/v2.0/users/id-ann', '/v2.0/tenants', '/v3/users/id-ann', '/v3/auth/projects'])
      assert.equal((await get(path, tokens[0] ?? '')).status, 200, `${path} is no long list`)
    const revoked = await ask({
      method: 'DELETE',
      path: '/v2.0/tokens',
      headers: { 'x-auth-token': tokens[1] ?? '' },
    })
    assert.equal(revoked.status, 204)
    end.resolve({ status: 200, headers: {}, body: '' })
    await Promise.all([first, second])
    for (const path of LISTS) assert.equal((await get(path, tokens[0] ?? '')).status, 200, path)
  },
)

test('[S3] an ended token takes up no room of its user', async () => {
  const scans = new Scans({ perKeyMax: 1, max: 8 })
  const { ask, login } = await openIdentity({ scans })
  const [ended, live] = [await login('root'), await login('root')]
  await ask({ method: 'DELETE', path: '/v2.0/tokens', headers: { 'x-auth-token': ended } })
  const all = [ended, ended, ended, live].map((token) =>
    ask({ method: 'GET', path: '/v3/users', headers: { 'x-auth-token': token } }),
  )
  assert.deepEqual(
    (await Promise.all(all)).map(({ status }) => status),
    [401, 401, 401, 200],
  )
})
