import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, EXCHANGE, OauthWorld } from '../kit/world-oauth.ts'

/** After any token was ended, no descendant of it is live. */

let world: OauthWorld
let gate: Client
before(async () => {
  world = await OauthWorld.open()
  gate = await world.client('gate', { introspect: 'any', grantTypes: ['client_credentials', EXCHANGE] })
})
after(() => world.close())

type Listed = {
  readonly state: string
  readonly facts: {
    readonly handle: string
    readonly grant?: string
    readonly ancestors?: readonly { readonly handle: string }[]
  }
}

async function all(): Promise<readonly Listed[]> {
  const tokens: Listed[] = []
  let cursor = ''
  do {
    const page = await world.control('GET', `/tokens?state=all&limit=100${cursor}`)
    assert.equal(page.status, 200, page.text)
    tokens.push(...(page.body['tokens'] as readonly Listed[]))
    const { next } = page.body
    cursor = typeof next === 'string' ? `&cursor=${encodeURIComponent(next)}` : ''
  } while (cursor !== '')
  return tokens
}

/** The check of a tool that reads the whole store. */
async function orphans(): Promise<readonly string[]> {
  const tokens = await all()
  const byHandle = new Map(tokens.map((token) => [token.facts.handle, token]))
  return tokens
    .filter(
      ({ state, facts }) =>
        state === 'active' &&
        (facts.ancestors ?? []).some(({ handle }) => byHandle.get(handle)?.state === 'revoked'),
    )
    .map(({ facts }) => facts.handle)
}

test('[E06] ending any token of a family leaves no live token with an ended parent', async () => {
  let made = 0
  for (let family = 0; family < 6; family += 1) {
    const id = `family-${family}`
    const client = await world.client(id, { grantTypes: ['client_credentials', 'refresh_token', EXCHANGE] })
    const grant = await world.grant(id)
    const line = [grant.access]
    for (let depth = 0; depth < 4; depth += 1) {
      const child = await world.exchange(gate, line[Math.floor(depth / 2)] ?? '')
      assert.equal(child.status, 200, child.text)
      line.push(String(child.body['access_token']))
    }
    const rotated = await world.refresh(client, grant.refresh)
    line.push(String(rotated.body['access_token']))
    made += line.length
    const ended = family < line.length ? line[family] : rotated.body['refresh_token']
    const target = { token: String(ended) }
    assert.equal((await world.control('POST', '/revocations', { target, reason: 'test' })).status, 201)
    assert.deepEqual(await orphans(), [])
    // Later too, while any of its tokens can live, and after records were collected.
    world.server.clock.advance(600_000)
    assert.deepEqual(await orphans(), [])
  }
  assert.ok(made >= 30 && (await all()).length >= made)
})
