import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyJson } from '../../../../test/kit/request.ts'
import { append, as, neverIssued } from '../../../../test/kit/world-identity.ts'
import { byToken, openV3, send, tokenIn } from '../../../../test/kit/world-identity-v3.ts'

test('[B04] a token of either version is validated and ended by the other', async () => {
  const { ask, enter, login } = await openV3()
  const ofVersion = {
    'v2.0': { issue: () => login('eve'), admin: () => login('root') },
    v3: { issue: () => enter('pia'), admin: () => enter('chief') },
  }
  type Act = (admin: string, token: string) => ReturnType<typeof ask>
  const by: Readonly<Record<string, { validate: Act; revoke: Act }>> = {
    'v2.0': {
      validate: (admin, token) => ask(as(admin, 'GET', `/v2.0/tokens/${token}`)),
      revoke: (admin, token) => ask(as(admin, 'DELETE', `/v2.0/tokens/${token}`)),
    },
    v3: {
      validate: (admin, token) => ask(send('GET', '/v3/auth/tokens', { as: admin, about: token })),
      revoke: (admin, token) => ask(send('DELETE', '/v3/auth/tokens', { as: admin, about: token })),
    },
  }
  for (const [from, { issue }] of Object.entries(ofVersion)) {
    for (const [to, { validate, revoke }] of Object.entries(by)) {
      for (const [adminOf, { admin }] of Object.entries(ofVersion)) {
        const what = `${from}, ended by ${to}, by an admin of ${adminOf}`
        const [caller, token] = [await admin(), await issue()]
        for (const other of Object.values(by))
          assert.equal((await other.validate(caller, token)).status, 200, what)
        assert.equal((await revoke(caller, token)).status, 204, what)
        for (const other of Object.values(by))
          assert.equal((await other.validate(caller, token)).status, 404, what)
        assert.equal((await revoke(caller, token)).status, 404, what)
        assert.equal((await validate(token, token)).status, 401, what)
      }
    }
  }
})

test('a v2.0 token can be rescoped by v3', async () => {
  const { ask, login } = await openV3()
  const token = await login('eve')
  const { user, project, methods } = await tokenIn(await ask(byToken(token)))
  assert.deepEqual([user.id, project?.id, methods], ['id-eve', '900200', ['token', 'password']])
})

test('X-Subject-Token comes back, and the body does not hold the token', async () => {
  const { ask, enter } = await openV3()
  const pia = await enter('pia')
  const answer = await ask(send('GET', '/v3/auth/tokens', { as: pia, about: pia }))
  assert.equal(answer.headers['x-subject-token'], pia)
  assert.ok(!String(answer.body).includes(pia))
})

test('a user with any live token ends its others, and itself', async () => {
  const { ask, enter } = await openV3()
  const [one, two] = [await enter('pia'), await enter('pia')]
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: one, about: two }))).status, 204)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: two, about: one }))).status, 401)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: one, about: one }))).status, 204)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: one, about: one }))).status, 401)
})

test('an expired token is shown on request for as long as rules on it are kept', async () => {
  const { ask, enter, clock } = await openV3()
  const token = await enter('pia')
  const revoked = await enter('pia')
  await ask(send('DELETE', '/v3/auth/tokens', { as: token, about: revoked }))
  const look = async (about: string, query?: string): Promise<number> => {
    const asked = { as: await enter('nova'), about, ...(query === undefined ? {} : { query }) }
    return (await ask(send('GET', '/v3/auth/tokens', asked))).status
  }
  assert.equal(await look(token, 'allow_expired=1'), 200)
  clock.advance(86_400_000)
  assert.equal(await look(token), 404)
  assert.equal(await look(token, 'allow_expired=0'), 404)
  assert.equal(await look(token, 'allow_expired=1'), 200)
  assert.equal(await look(revoked, 'allow_expired=1'), 404)
  clock.advance(599_999)
  assert.equal(await look(token, 'allow_expired=true'), 200)
  clock.advance(1)
  assert.equal(await look(token, 'allow_expired=1'), 404)
})

test('a suspended token does not validate, cannot be used, and can be ended', async () => {
  const { ask, enter, realm } = await openV3()
  const [chief, token] = [await enter('chief'), await enter('pia')]
  const principals = { source: 'identity', subject: 'pia' }
  const id = 'hold_1'
  await append(realm, { kind: 'hold', id, target: { kind: 'cut', shape: 'subject', principals } })
  assert.equal((await ask(send('GET', '/v3/auth/tokens', { as: chief, about: token }))).status, 404)
  assert.equal((await ask(send('GET', '/v3/auth/projects', { as: token }))).status, 401)
  assert.equal((await ask(byToken(token))).status, 401)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: chief, about: token }))).status, 204)
  await append(realm, { kind: 'release', id })
  assert.equal((await ask(send('GET', '/v3/auth/tokens', { as: chief, about: token }))).status, 404)
})

test('an outage is an exception, never a verdict', async () => {
  const { ask, enter, power, realm } = await openV3()
  const pia = await enter('pia')
  const unread = neverIssued(realm)
  power.isDown = true
  await assert.rejects(ask(send('GET', '/v3/auth/tokens', { as: unread, about: pia })), /store/)
  await assert.rejects(ask(send('DELETE', '/v3/auth/tokens', { as: pia, about: pia })), /store/)
})

test('roles in a token are current', async () => {
  const { ask, enter } = await openV3()
  const [chief, pia] = [await enter('chief'), await enter('pia')]
  await ask(send('PUT', '/v3/projects/team/users/pia/roles/reader', { as: chief }))
  const body = await tokenIn(await ask(send('GET', '/v3/auth/tokens', { as: chief, about: pia })))
  assert.deepEqual(
    body.roles?.map(({ name }) => name),
    ['member', 'reader'],
  )
})

test('exactly the scopes of a caller are listed', async () => {
  const { ask, enter } = await openV3()
  const [chief, pia] = [await enter('chief'), await enter('pia')]
  await ask(send('PUT', '/v3/projects/lab/users/pia/roles/member', { as: chief }))
  await ask(send('PUT', '/v3/domains/blue/users/pia/roles/member', { as: chief }))
  const list = async (token: string, name: string): Promise<unknown> => {
    const answer = await ask(send('GET', `/v3/auth/${name}`, { as: token }))
    return ((await bodyJson(answer)) as Record<string, { id?: string }[]>)[name]?.map(({ id }) => id ?? 'all')
  }
  assert.deepEqual(await list(pia, 'projects'), ['team', 'lab'])
  assert.deepEqual(await list(pia, 'domains'), ['blue'])
  assert.deepEqual(await list(pia, 'system'), [])
  assert.deepEqual(await list(chief, 'system'), ['all'])
  await ask(send('PATCH', '/v3/projects/lab', { as: chief, body: { project: { enabled: false } } }))
  assert.deepEqual(await list(pia, 'projects'), ['team'])
  assert.equal((await ask(send('GET', '/v3/auth/catalog', { as: pia }))).status, 200)
  assert.equal((await ask(send('GET', '/v3/auth/catalog', { as: chief }))).status, 403)
})

test('events list revocations since a time, for callers who validate tokens', async () => {
  const { ask, enter, clock } = await openV3()
  const [chief, token] = [await enter('chief'), await enter('pia')]
  const {
    audit_ids: [audit],
  } = await tokenIn(await ask(send('GET', '/v3/auth/tokens', { as: token, about: token })))
  clock.advance(1_000)
  await ask(send('DELETE', '/v3/auth/tokens', { as: token, about: token }))
  clock.advance(1_000)
  await ask(send('DELETE', '/v3/projects/lab/users/kim/roles/member', { as: chief }))
  await ask(send('PATCH', '/v3/domains/blue', { as: chief, body: { domain: { enabled: false } } }))
  type Events = { readonly events: readonly Readonly<Record<string, string>>[]; readonly links: object }
  const since = async (query?: string): Promise<Events> => {
    const asked = { as: await enter('nova'), ...(query === undefined ? {} : { query }) }
    return (await bodyJson(await ask(send('GET', '/v3/OS-REVOKE/events', asked)))) as Events
  }
  const all = await since()
  const at = '2026-03-01T12:00:01.000000Z'
  assert.deepEqual(all.events[0], { audit_id: audit, issued_before: at, revoked_at: at })
  const later = '2026-03-01T12:00:02.000000Z'
  assert.deepEqual(all.events[1], {
    user_id: 'kim',
    project_id: 'lab',
    issued_before: later,
    revoked_at: later,
  })
  const rest = all.events.slice(2)
  for (const event of [{ user_id: 'pia' }, { project_id: 'team' }, { domain_id: 'blue' }])
    assert.ok(
      rest.some((one) =>
        Object.entries(event).every(([name, value]) => one[name] === value && !('audit_id' in one)),
      ),
    )
  const recent = await since('since=Sun%2C%2001%20Mar%202026%2012%3A00%3A02%20GMT')
  assert.deepEqual(recent.events, all.events.slice(1))
  assert.deepEqual((await since('since=2026-03-01T12:00:03Z')).events, [])
  const bad = await ask(send('GET', '/v3/OS-REVOKE/events', { as: chief, query: 'since=yesterday' }))
  assert.equal(bad.status, 400)
})
