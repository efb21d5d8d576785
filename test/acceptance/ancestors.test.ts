import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { until } from '../kit/until.ts'
import { ACCESS_TYPE, type Client, EXCHANGE, type Members, OauthWorld } from '../kit/world-oauth.ts'

// A token with ancestors in several grants. A rule or hold on any ancestor, by any of its ids, applies to the token for
// every reader, and previews count it.

const KEY = 'orders-api-key-0123456789'
const REFRESH_TYPE = 'urn:ietf:params:oauth:token-type:refresh_token'
const SEED = { realms: [{ name: 'default', verifiers: [{ name: 'orders-api', key: KEY }] }] }
const GRANTS = ['client_credentials', 'refresh_token', EXCHANGE]

let world: OauthWorld
let verifier: Verifier
/** Exchanges tokens, and may introspect all. */
let gate: Client
/** The clients of the subject's tokens, the actors' tokens, and the signed ones. */
let owner: Client
let actors: Client
let signers: Client
before(async () => {
  world = await OauthWorld.openReal(SEED)
  gate = await world.client('gate', { introspect: 'any', grantTypes: GRANTS })
  owner = await world.client('owner')
  actors = await world.client('actors', { grantTypes: GRANTS })
  signers = await world.client('signers', { accessTokenFormat: 'jwt' })
  verifier = openVerifier({ url: world.server.url, key: KEY })
  await verifier.ready()
})
after(async () => {
  await verifier.close()
  await world.close()
})

type Actor = {
  readonly client: Client
  readonly subject: string
  readonly access: string
  readonly refresh: string
  readonly facts: Members
}

async function lookUp(token: string): Promise<Members> {
  const { body, text } = await world.control('POST', '/tokens/lookup', { token })
  assert.ok(body['facts'] !== undefined, text)
  return body['facts'] as Members
}

let actorsMade = 0

async function newActor(client: Client): Promise<Actor> {
  actorsMade += 1
  const subject = `actor-${actorsMade}`
  const { access, refresh } = await world.grant(client.clientId, { subject })
  return { client, subject, access, refresh, facts: await lookUp(access) }
}

async function exchanged(subject: string, actor: string, more: Readonly<Record<string, string>> = {}) {
  const made = await world.exchange(gate, subject, {
    actor_token: actor,
    actor_token_type: ACCESS_TYPE,
    ...more,
  })
  assert.equal(made.status, 200, made.text)
  return String(made.body['access_token'])
}

/** The verdict of every path on a token. */
async function said(token: string): Promise<readonly string[]> {
  const check = await world.send('/check', { headers: { authorization: `Bearer ${token}` } })
  const verify = await world.send('/control/v1/verify', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const listed = await world.control('POST', '/tokens/lookup', { token })
  return [
    `introspection ${await world.isActive(gate, token)}`,
    `check ${check.status === 200}`,
    `verify ${(verify.body['verdict'] as Members)['kind'] === 'active'}`,
    `list ${listed.body['state'] === 'active'}`,
    `SDK ${(await verifier.verify(token)).kind === 'active'}`,
    `SDK by itself ${verifier.check(token).kind === 'active'}`,
  ]
}

const EVERYWHERE = ['introspection', 'check', 'verify', 'list', 'SDK', 'SDK by itself']
const saying = (isActive: boolean): readonly string[] => EVERYWHERE.map((path) => `${path} ${isActive}`)

async function revoke(target: Members): Promise<void> {
  const preview = await world.control('POST', '/revocations', { target, reason: 'leak', dryRun: true })
  assert.equal(preview.status, 200, preview.text)
  const body = { target, reason: 'leak', wait: 'enforced', timeoutMs: 20_000 }
  const made = await world.control('POST', '/revocations', body)
  assert.equal(made.status, 201, made.text)
  assert.equal(made.body['enforced'], true)
}

type End = (actor: Actor) => Promise<unknown>

const RULES: Readonly<Record<string, (actor: Actor) => Members>> = {
  token: ({ access }) => ({ token: access }),
  handle: ({ facts }) => ({ handle: facts['handle'] }),
  grant: ({ facts }) => ({ grant: facts['grant'] }),
  'refresh token': ({ refresh }) => ({ token: refresh }),
  subject: ({ subject }) => ({ source: 'oauth', subject }),
  'subject at its client': ({ subject, client }) => ({ source: 'oauth', subject, client: client.clientId }),
}

const ENDS: Readonly<Record<string, End>> = {
  'the actor’s access token is revoked by its client': ({ client, access }) => world.revoke(client, access),
  'the actor’s refresh token is revoked by its client': ({ client, refresh }) =>
    world.revoke(client, refresh),
  'the actor’s refresh token is used again': async ({ client, refresh }) => {
    const second = await world.refresh(client, refresh)
    await world.refresh(client, String(second.body['refresh_token']))
    const reused = await world.refresh(client, refresh)
    assert.equal((reused.body['cause'] as Members)['code'], 'refresh_token_reuse')
  },
  ...Object.fromEntries(
    Object.entries(RULES).map(([name, target]) => [
      `a rule names the actor’s ${name}`,
      (actor: Actor) => revoke(target(actor)),
    ]),
  ),
}

for (const [name, end] of Object.entries(ENDS)) {
  test(`[H15] [E02] [E03] [A11] when ${name}, tokens exchanged with it are dead everywhere`, async () => {
    const actor = await newActor(actors)
    const [own, other] = [await world.grant('owner'), await world.grant('owner')]
    const children = [
      await exchanged(own.access, actor.access),
      await exchanged(own.access, actor.access, {
        requested_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      }),
    ]
    // A chain: an exchanged token is exchanged again, with another actor and without one.
    children.push(await exchanged(other.access, children[0] ?? ''))
    const last = await world.exchange(gate, children[2] ?? '')
    children.push(String(last.body['access_token']))
    const fired: unknown[] = []
    for (const child of children) {
      assert.deepEqual(await said(child), saying(true))
      verifier.onRevoked(child, (ended) => fired.push(ended))
    }
    await end(actor)
    for (const child of children) {
      await until(() => verifier.check(child).kind === 'inactive')
      assert.deepEqual(await said(child), saying(false))
    }
    await until(() => fired.length === children.length)
    assert.deepEqual(await said(own.access), saying(true), 'whom it was about is not touched')
    assert.equal((await world.refresh(owner, own.refresh)).status, 200)
  })
}

for (const [name, target] of Object.entries(RULES)) {
  test(`[H15] a hold of the actor’s ${name} holds tokens exchanged with it, until it is released`, async () => {
    const actor = await newActor(actors)
    const child = await exchanged((await world.grant('owner')).access, actor.access)
    assert.deepEqual(await said(child), saying(true))
    const hold = { target: target(actor), reason: 'look', seconds: 600, atDeadline: 'release' }
    const placed = await world.control('POST', '/holds', hold)
    assert.equal(placed.status, 201, placed.text)
    await until(() => verifier.check(child).kind !== 'active')
    assert.deepEqual(await said(child), saying(false))
    await world.control('POST', `/holds/${String(placed.body['id'])}/release`, { reason: 'fine' })
    await until(() => verifier.check(child).kind === 'active')
    assert.deepEqual(await said(child), saying(true))
  })

  test(`[H15] the preview of a rule on the actor’s ${name} counts tokens exchanged with it`, async () => {
    const actor = await newActor(actors)
    const count = async (): Promise<number> => {
      const asked = { target: target(actor), reason: 'leak', dryRun: true }
      const preview = await world.control('POST', '/revocations', asked)
      assert.equal(preview.body['complete'], true, preview.text)
      return Number(preview.body['tokens'])
    }
    const before = await count()
    await exchanged((await world.grant('owner')).access, actor.access)
    assert.equal(await count(), before + 1)
  })
}

test('[H15] ending the grant of an actor’s refresh token ends tokens exchanged with it', async () => {
  for (const end of ['revoked', 'used again', 'named'] as const) {
    const actor = await newActor(gate)
    const child = await exchanged((await world.grant('owner')).access, actor.refresh, {
      actor_token_type: REFRESH_TYPE,
    })
    assert.deepEqual(await said(child), saying(true))
    const second = await world.refresh(gate, actor.refresh)
    assert.deepEqual(await said(child), saying(true), 'a rotation ends nothing')
    if (end === 'revoked') await world.revoke(gate, String(second.body['refresh_token']))
    else if (end === 'named') await revoke({ grant: actor.facts['grant'] })
    else {
      await world.refresh(gate, String(second.body['refresh_token']))
      await world.refresh(gate, actor.refresh)
    }
    await until(() => verifier.check(child).kind === 'inactive')
    assert.deepEqual(await said(child), saying(false), end)
  }
})

test('[H15] revoking the key that signed the actor ends tokens exchanged with it', async () => {
  const actor = await newActor(signers)
  const child = await exchanged((await world.grant('owner')).access, actor.access)
  assert.deepEqual(await said(child), saying(true))
  const key = { key: actor.facts['keyId'] }
  const hold = { target: key, reason: 'look', seconds: 600, atDeadline: 'release' }
  const placed = await world.control('POST', '/holds', hold)
  assert.equal(placed.status, 201, placed.text)
  await until(() => verifier.check(child).kind !== 'active')
  assert.deepEqual(await said(child), saying(false))
  await world.control('POST', `/holds/${String(placed.body['id'])}/release`, { reason: 'fine' })
  await until(() => verifier.check(child).kind === 'active')
  await revoke(key)
  assert.deepEqual(await said(child), saying(false))
})

test('exchanged tokens, opaque or signed, say so to verifiers; others do not', async () => {
  const own = await world.grant('signers')
  const jwt = { requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
  for (const more of [{}, jwt]) {
    const child = await world.exchange(gate, own.access, more)
    const verified = await verifier.verify(String(child.body['access_token']))
    assert.equal(verified.kind === 'active' && verified.delegated, 'exchange')
  }
  const verified = await verifier.verify(own.access)
  assert.ok(verified.kind === 'active' && verified.delegated === undefined)
})
