import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Asked,
  type Client,
  EXCHANGE,
  type Grant,
  type Members,
  OauthWorld,
  REDIRECT,
} from '../kit/world-oauth.ts'

// [W56] A suspended token must not be reported as over, because the client would discard it and releasing the hold
// would bring nothing back.

let world: OauthWorld
let app: Client
let other: Client
const ANN = { source: 'oauth', subject: 'ann' }

before(async () => {
  world = await OauthWorld.open(['--control-rate', '0'])
  const grantTypes = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]
  app = await world.client('app', {
    grantTypes,
    redirectUris: [REDIRECT],
    refreshTokenLifetimeSeconds: 3_600,
  })
  other = await world.client('other', { grantTypes })
})
after(() => world.close())

async function hold(target: object, more: Members = {}): Promise<string> {
  const body = { target, reason: 'looks stolen', seconds: 600, atDeadline: 'release', ...more }
  const made = await world.control('POST', '/holds', body)
  assert.equal(made.status, 201, made.text)
  return String(made.body['id'])
}

async function release(id: string): Promise<void> {
  const done = await world.control('POST', `/holds/${id}/release`, {})
  assert.equal(done.status, 200, done.text)
}

function assertSuspended(answer: Asked, what: string): void {
  assert.deepEqual(
    [answer.status, answer.body['error']],
    [400, 'temporarily_unavailable'],
    `${what}: ${answer.text}`,
  )
  assert.ok(Number(answer.headers.get('retry-after')) > 0, what)
}

const grantOf = async ({ access }: Grant): Promise<string> => {
  const looked = await world.control('POST', '/tokens/lookup', { token: access })
  return String((looked.body['facts'] as Members)['grant'])
}

test('[W56] a refresh under a hold is told to wait, consumes nothing, and works when the hold is released', async () => {
  for (const over of ['subject', 'client', 'grant', 'token']) {
    const grant = await world.grant('app')
    const targets: Readonly<Record<string, object>> = {
      subject: ANN,
      client: { source: 'oauth', client: 'app' },
      grant: { grant: await grantOf(grant) },
      token: { token: grant.refresh },
    }
    const id = await hold(targets[over] ?? {})
    for (let times = 0; times < 3; times += 1) assertSuspended(await world.refresh(app, grant.refresh), over)
    assert.equal(await world.isActive(app, grant.access), false, over)
    await release(id)
    const refreshed = await world.refresh(app, grant.refresh)
    assert.equal(refreshed.status, 200, `${over}: ${refreshed.text}`)
    assert.equal(await world.isActive(app, grant.access), true, 'nothing was ended')
  }
})

test('[W56] a code, an exchange and the client’s own token are told to wait too', async () => {
  const [{ access }, code] = [await world.grant('app'), await world.code('app')]
  const id = await hold({ source: 'oauth', client: 'app' })
  assertSuspended(await world.redeem(app, code), 'code')
  assertSuspended(await world.exchange(app, access), 'exchange')
  assertSuspended(await world.token(app, { grant_type: 'client_credentials' }), 'client credentials')
  await release(id)
  assert.equal((await world.redeem(app, code)).status, 200)
  assert.equal((await world.exchange(app, access)).status, 200)
})

test('[W56] revoked, expired, used and foreign tokens are not told to wait', async () => {
  const [revoked, old, foreign] = [
    await world.grant('app'),
    await world.grant('app'),
    await world.grant('app'),
  ]
  await world.revoke(app, revoked.refresh)
  const code = await world.code('app')
  const id = await hold(ANN, { seconds: 100_000 })
  const error = async (answer: Promise<Asked>): Promise<unknown> => (await answer).body['error']
  assert.equal(await error(world.refresh(app, revoked.refresh)), 'invalid_grant')
  assert.equal(await error(world.refresh(other, foreign.refresh)), 'invalid_grant')
  assert.equal(await error(world.refresh(app, 'rsr_nothing')), 'invalid_grant')
  world.server.clock.advance(61_000)
  assert.equal(await error(world.redeem(app, code)), 'invalid_grant', 'the code has run out meanwhile')
  world.server.clock.advance(3_600_000)
  assert.equal(await error(world.refresh(app, old.refresh)), 'invalid_grant', 'so has the refresh token')
  await release(id)
})

test('[W56] held tokens are listed, and are neither live nor over', async () => {
  const grant = await world.grant('app', { subject: 'ben' })
  const states = async (state: string): Promise<readonly unknown[]> => {
    const { body } = await world.control('GET', `/tokens?source=oauth&subject=ben&state=${state}`)
    return (body['tokens'] as readonly Members[]).map((one) => one['state'])
  }
  const id = await hold({ source: 'oauth', subject: 'ben' })
  assert.deepEqual([await states('held'), await states('live')], [['held', 'held'], []])
  await world.grant('app', { subject: 'carl' })
  assert.deepEqual(await states('all'), ['held', 'held'])
  await release(id)
  assert.deepEqual([await states('held'), await states('live')], [[], ['active', 'active']])
  await world.revoke(app, grant.refresh)
  assert.deepEqual(await states('held'), [])
})

test('[W56] a hold is previewed without being placed', async () => {
  await world.grant('app', { subject: 'dora' })
  const body = {
    target: { source: 'oauth', subject: 'dora' },
    reason: 'r',
    seconds: 60,
    atDeadline: 'release',
  }
  const writes = world.server.power.writes
  const shown = await world.control('POST', '/holds', { ...body, dryRun: true })
  assert.deepEqual([shown.status, shown.body['dryRun'], shown.body['tokens']], [200, true, 2], shown.text)
  assert.equal(world.server.power.writes, writes)
  const { body: held } = await world.control('GET', '/tokens?source=oauth&subject=dora&state=held')
  assert.deepEqual(held['tokens'], [])
  assert.equal(
    (await world.control('POST', '/holds', { ...body, dryRun: true, seconds: undefined })).status,
    422,
  )
})

test('[W56] a hold is extended: its deadline moves, later only, and it is audited', async () => {
  const id = await hold({ source: 'oauth', subject: 'eva' }, { seconds: 600 })
  const extend = (more: Members): Promise<Asked> => world.control('POST', `/holds/${id}/extend`, more)
  const nowMs = world.server.clock.wallMs()
  for (const [more, status] of [
    [{ seconds: 599 }, 422],
    [{ seconds: 600 }, 422],
    [{}, 422],
    [{ seconds: 700, until: new Date(nowMs + 700_000).toISOString() }, 422],
    [{ until: new Date(nowMs + 401 * 86_400_000).toISOString() }, 422],
    [{ seconds: 1_200, reason: 'still looking' }, 200],
  ] as const)
    assert.equal((await extend(more)).status, status, JSON.stringify(more))
  const read = await world.control('GET', `/holds/${id}`)
  assert.equal(read.body['until'], new Date(nowMs + 1_200_000).toISOString())
  const { body } = await world.control('GET', '/audit?limit=1')
  const [row] = body['rows'] as readonly Members[]
  assert.equal(row?.['kind'], 'change')
  assert.ok(JSON.stringify(row).includes('still looking'))
  const grantEnds = async (): Promise<unknown> => (await world.control('GET', `/holds/${id}`)).body['state']
  await release(id)
  assert.equal(await grantEnds(), 'released')
  assert.equal((await extend({ seconds: 5_000 })).status, 409)
  assert.equal((await world.control('POST', '/holds/hold_none/extend', { seconds: 5 })).status, 404)
})
