import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEED } from '../kit/seed.ts'
import { CONTROL_KEY, makeHome } from '../kit/server.ts'
import { startLocally } from './kit/local-server.ts'

const HEADERS = { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' }

// The kind: a seed file that names a disabled realm. Neighbours: deleted realms, and realms that are given empty.
test('[W104] a seed that names disabled or deleted realms is applied, and leaves them so', async (t) => {
  const home = makeHome()
  const [first] = SEED.realms as readonly object[]
  const realms = [first, { ...first, name: 'off', verifiers: [] }, { name: 'gone' }, { name: 'empty' }]
  let server = await startLocally({ home, seed: { realms } })
  t.after(async () => {
    await server.close()
    home.remove()
  })
  const send = (method: string, name: string, body?: object): Promise<Response> =>
    fetch(`${server.url}/control/v1/realms${name}`, {
      ...{ method, headers: HEADERS },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  assert.equal((await send('PATCH', '/off', { enabled: false })).status, 200)
  assert.equal((await send('DELETE', '/gone')).status, 204)
  await server.close()
  server = await startLocally({ home, seed: { realms } })
  const listed = (await (await send('GET', '')).json()) as { realms: { name: string; enabled: boolean }[] }
  assert.deepEqual(listed.realms.map(({ name, enabled }) => `${name} ${enabled}`).sort(), [
    'default true',
    'empty true',
    'off false',
  ])
  const metadata = (name: string): Promise<Response> =>
    fetch(`${server.url}/.well-known/oauth-authorization-server/realms/${name}/api/id/v1`)
  assert.deepEqual(
    await Promise.all(['off', 'gone', 'empty'].map(async (name) => (await metadata(name)).status)),
    [404, 404, 200],
  )
})
