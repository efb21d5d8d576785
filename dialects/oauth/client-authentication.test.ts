import assert from 'node:assert/strict'
import { type OauthStage, onBothStores, type Said, STAGE_SECRET } from '../../test/kit/oauth-stage.ts'

const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
const ENDPOINTS = ['', '/revoke', '/introspect']

type Login = { readonly refresh: string; readonly access: string }

function withHeader(
  stage: OauthStage,
  authorization: string,
  { body, path = '' }: { readonly body: string; readonly path?: string },
): Promise<Said> {
  return stage.send(path, { body, headers: { authorization } })
}

async function opened(stage: OauthStage): Promise<Login> {
  const app = await stage.put('app', { isPublic: true })
  await stage.put('svc', { grantTypes: ['client_credentials', 'refresh_token'] })
  return stage.grant(app)
}

/* A public client that sends Basic with an empty secret has not guessed a secret. */
onBothStores(
  '[R3] a public client may send Basic with an empty secret, and is identified by its id alone',
  async (stage) => {
    const { refresh, access } = await opened(stage)
    const first = await withHeader(stage, basic('app', ''), {
      body: `grant_type=refresh_token&refresh_token=${refresh}`,
    })
    assert.equal(first.status, 200, first.text)
    const named = `grant_type=refresh_token&client_id=app&refresh_token=${String(first.body['refresh_token'])}`
    assert.equal((await withHeader(stage, basic('app', ''), { body: named })).status, 200)
    assert.equal(
      (await withHeader(stage, basic('app', ''), { body: `token=${access}`, path: '/revoke' })).status,
      200,
    )
    // As with the id alone (RFC 7662 §2.1).
    assert.equal(
      (await withHeader(stage, basic('app', ''), { body: `token=${access}`, path: '/introspect' })).status,
      401,
    )
    const other = await withHeader(stage, basic('app', ''), { body: 'grant_type=client_credentials' })
    assert.equal(other.body['error'], 'unauthorized_client')
    const two = await withHeader(stage, basic('app', ''), {
      body: `grant_type=refresh_token&client_id=svc&refresh_token=x`,
    })
    assert.equal(two.status, 400)
  },
)

onBothStores('[R3] names that have to be decoded are found without a secret, too', async (stage) => {
  for (const id of ['a b', 'a:b', 'a+b', 'ä%']) {
    const client = await stage.put(id, { isPublic: true })
    for (const written of [encodeURIComponent(id), new URLSearchParams({ '': id }).toString().slice(1)]) {
      const { refresh } = await stage.grant(client)
      const { status, text } = await withHeader(stage, basic(written, ''), {
        body: `grant_type=refresh_token&refresh_token=${refresh}`,
      })
      assert.equal(status, 200, `${id} as ${written}: ${text}`)
    }
  }
})

onBothStores(
  '[R3] empty secrets of public clients are never guesses; those for other or unknown clients are',
  async (stage) => {
    await opened(stage)
    const refused = `grant_type=client_credentials`
    for (let nth = 0; nth < 300; nth += 1)
      assert.equal((await withHeader(stage, basic('app', ''), { body: refused })).status, 400)
    for (let nth = 0; nth < 100; nth += 1)
      assert.equal((await withHeader(stage, basic('svc', ''), { body: refused })).status, 401)
    assert.equal((await withHeader(stage, basic('svc', ''), { body: refused })).status, 429)
    assert.equal((await withHeader(stage, basic('svc', STAGE_SECRET), { body: refused })).status, 429)
    assert.equal((await withHeader(stage, basic('app', ''), { body: refused })).status, 400)
  },
)

onBothStores(
  '[R3] [B02] confidential, unknown and disabled clients are refused without their secret',
  async (stage) => {
    const { refresh } = await opened(stage)
    const keyed = await stage.put('keyed', { jwks: { keys: [] } })
    assert.equal(keyed.isPublic, undefined)
    for (const id of ['svc', 'keyed', 'nobody', '', 'APP', 'app ', ' app', 'app%00'])
      for (const path of ENDPOINTS) {
        const body = `grant_type=client_credentials&token=${refresh}`
        assert.equal(
          (await withHeader(stage, basic(id, ''), { body: body, path: path })).status,
          401,
          JSON.stringify(id),
        )
      }
    for (const wrong of ['x', ' ', '\u0000'])
      assert.equal(
        (await withHeader(stage, basic('app', wrong), { body: 'grant_type=refresh_token' })).status,
        401,
      )
    await stage.put('app', { isPublic: true }, { enabled: false })
    assert.equal(
      (await withHeader(stage, basic('app', ''), { body: 'grant_type=refresh_token' })).status,
      401,
    )
  },
)

// A lock that opened for the right secret would tell which secret is right.
onBothStores(
  '[H22] a locked address gets the same answer for every secret, at every endpoint',
  async (stage) => {
    await opened(stage)
    const ask = (secret: string, from: string, path = ''): Promise<Said> => {
      const headers = { authorization: basic('svc', secret) }
      return stage.send(path, { body: 'grant_type=client_credentials&token=x', headers, from })
    }
    const [here, elsewhere] = ['198.51.100.7', '192.0.2.1']
    for (let nth = 0; nth < 100; nth += 1) assert.equal((await ask(`wrong ${nth}`, here)).status, 401)
    for (const path of ENDPOINTS) assert.equal((await ask(STAGE_SECRET, elsewhere, path)).status, 200, path)
    for (const path of ENDPOINTS) {
      const [right, wrong] = [await ask(STAGE_SECRET, here, path), await ask('wrong', here, path)]
      assert.deepEqual([right.status, right.text], [429, wrong.text], path)
    }
    const posted = { client_id: 'svc', client_secret: STAGE_SECRET, grant_type: 'client_credentials' }
    const body = new URLSearchParams(posted).toString()
    assert.equal((await stage.send('', { body, from: here })).status, 429, 'the other way to send it')
    stage.world.clock.advance(2_000)
    assert.equal((await ask('wrong', here)).status, 401)
    assert.equal((await ask(STAGE_SECRET, here)).status, 429, 'one try every two seconds, whatever it is')
  },
)

onBothStores('[H22] guesses that come at once are as many as those one after the other', async (stage) => {
  await opened(stage)
  const guess = (nth: number): Promise<Said> =>
    withHeader(stage, basic('svc', `wrong ${nth}`), { body: 'grant_type=client_credentials' })
  const seen = await Promise.all(Array.from({ length: 250 }, (_, nth) => guess(nth)))
  assert.equal(seen.filter(({ status }) => status === 401).length, 100)
})
