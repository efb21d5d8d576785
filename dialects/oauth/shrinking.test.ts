import assert from 'node:assert/strict'
import type { TokenRecord } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { type OauthStage, onBothStores, type Said, STAGE_ISSUER } from '../../test/kit/oauth-stage.ts'

// A token derived from another one must not have more targets, more scope or a longer life.

const BILLING = 'https://billing.example'
const SHOP = 'https://shop.example'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TYPE = 'urn:ietf:params:oauth:token-type:'
const GRANT_TYPES = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE] as const

type Asked = Readonly<Record<string, string | readonly string[]>>

function exchange(stage: OauthStage, token: string, more: Asked = {}): Promise<Said> {
  const subject = { subject_token: token, subject_token_type: `${TYPE}access_token` }
  return stage.form('', 'svc', { grant_type: EXCHANGE, ...subject, ...more })
}

async function recordOf({ world: { realm } }: OauthStage, answer: Said): Promise<TokenRecord> {
  assert.equal(answer.status, 200, answer.text)
  const raw = RawToken.parse(String(answer.body['access_token']))
  const record = raw === undefined ? undefined : (await realm.find(raw)).record
  assert.ok(record !== undefined)
  return record
}

/** A client that got its targets after its grant was made. */
async function lateTargets(stage: OauthStage, more: Parameters<OauthStage['put']>[1] = {}) {
  const settings = { grantTypes: [...GRANT_TYPES], ...more }
  const client = await stage.put('svc', settings)
  const grant = await stage.grant(client)
  const code = await stage.code(client)
  await stage.put('svc', { ...settings, audiences: [BILLING] })
  return { ...grant, code }
}

onBothStores(
  '[H17] [E10] tokens derived from a token without an audience have none either',
  async (stage) => {
    const { access, refresh, code } = await lateTargets(stage)
    assert.equal((await recordOf(stage, await exchange(stage, access))).audience, undefined)
    assert.equal((await recordOf(stage, await stage.redeem('svc', code))).audience, undefined)
    const next = await stage.refresh('svc', refresh)
    assert.equal((await recordOf(stage, next)).audience, undefined)
    const last = await stage.refresh('svc', String(next.body['refresh_token']))
    assert.equal((await recordOf(stage, last)).audience, undefined)
  },
)

onBothStores('[H17] [E10] asking for a target that the parent has not is refused', async (stage) => {
  const { access, refresh, code } = await lateTargets(stage)
  for (const named of [{ resource: BILLING }, { audience: BILLING }, { resource: [BILLING, SHOP] }]) {
    assert.equal((await exchange(stage, access, named)).body['error'], 'invalid_target')
    assert.equal((await stage.refresh('svc', refresh, named)).body['error'], 'invalid_target')
  }
  assert.equal((await stage.redeem('svc', code, { resource: BILLING })).body['error'], 'invalid_target')
  assert.equal((await stage.refresh('svc', refresh)).status, 200, 'a refused question uses nothing up')
})

onBothStores(
  '[H17] [E10] a JWT whose only audience is its issuer has none, nor have tokens derived from it',
  async (stage) => {
    const { access } = await lateTargets(stage, { accessTokenFormat: 'jwt' })
    const child = await exchange(stage, access)
    assert.equal((await recordOf(stage, child)).audience, undefined)
    assert.equal((await exchange(stage, access, { resource: BILLING })).body['error'], 'invalid_target')
    const settings = { grantTypes: [...GRANT_TYPES], audiences: [BILLING] }
    const client = await stage.put('svc', settings)
    // Records of JWTs once stored the issuer as audience.
    const older = await stage.grant(client, { audience: [STAGE_ISSUER] })
    for (const token of [String(child.body['access_token']), older.access]) {
      const opaque = await exchange(stage, token)
      assert.equal((await recordOf(stage, opaque)).audience, undefined)
      assert.equal((await exchange(stage, token, { resource: BILLING })).body['error'], 'invalid_target')
    }
  },
)

onBothStores('[H17] [E10] a target that the client gets later does not reach old grants', async (stage) => {
  const settings = { grantTypes: [...GRANT_TYPES] }
  const client = await stage.put('svc', { ...settings, audiences: [SHOP] })
  const { access, refresh } = await stage.grant(client, { audience: [SHOP] })
  await stage.put('svc', { ...settings, audiences: [SHOP, BILLING] })
  assert.deepEqual((await recordOf(stage, await exchange(stage, access))).audience, [SHOP])
  assert.equal((await exchange(stage, access, { resource: BILLING })).body['error'], 'invalid_target')
  const next = await stage.refresh('svc', refresh)
  assert.deepEqual((await recordOf(stage, next)).audience, [SHOP])
  const asking = await stage.refresh('svc', String(next.body['refresh_token']), { resource: BILLING })
  assert.equal(asking.body['error'], 'invalid_target')
})

onBothStores(
  '[H17] [E10] a code for two targets can get a token for one, and the grant keeps both',
  async (stage) => {
    const client = await stage.put('svc', { audiences: [SHOP, BILLING] })
    const code = await stage.code(client, { audience: [SHOP, BILLING] })
    const first = await stage.redeem('svc', code, { resource: SHOP })
    assert.deepEqual((await recordOf(stage, first)).audience, [SHOP])
    const next = await stage.refresh('svc', String(first.body['refresh_token']))
    assert.deepEqual((await recordOf(stage, next)).audience, [SHOP, BILLING])
  },
)

onBothStores('[H17] [E10] a scope that the client gets later does not reach old grants', async (stage) => {
  const settings = { grantTypes: [...GRANT_TYPES] }
  const client = await stage.put('svc', { ...settings, scopes: ['read'] })
  const { access, refresh } = await stage.grant(client, { scope: 'read' })
  await stage.put('svc', { ...settings, scopes: ['read', 'write'] })
  for (const answer of [await exchange(stage, access), await stage.refresh('svc', refresh)])
    assert.equal((await recordOf(stage, answer)).scope, 'read')
  assert.equal((await exchange(stage, access, { scope: 'write' })).body['error'], 'invalid_scope')
  const bare = await stage.grant(client, { scope: '' })
  assert.equal((await recordOf(stage, await exchange(stage, bare.access))).scope, '')
  assert.equal((await stage.refresh('svc', bare.refresh, { scope: 'read' })).body['error'], 'invalid_scope')
})

onBothStores(
  '[H17] [E10] a chain of exchanges keeps the narrowest scope, audience and life',
  async (stage) => {
    const client = await stage.put('svc', { grantTypes: [...GRANT_TYPES], audiences: [SHOP, BILLING] })
    const { access } = await stage.grant(client, { audience: [SHOP, BILLING] })
    const ends = (await recordOf(stage, await exchange(stage, access))).expiresAtMs
    stage.world.clock.advance(60_000)
    const narrow = await exchange(stage, access, { scope: 'read', resource: SHOP })
    const actor = await stage.grant(client, { audience: [SHOP, BILLING] })
    stage.world.clock.advance(60_000)
    const last = await exchange(stage, String(narrow.body['access_token']), {
      actor_token: actor.access,
      actor_token_type: `${TYPE}access_token`,
    })
    const record = await recordOf(stage, last)
    assert.deepEqual([record.scope, record.audience], ['read', [SHOP]])
    assert.ok(record.expiresAtMs <= ends)
    for (const wider of [{ scope: 'write' }, { resource: BILLING }])
      assert.equal((await exchange(stage, String(last.body['access_token']), wider)).status, 400)
  },
)

onBothStores('a token that was made by exchange says so, and so does what is made of it', async (stage) => {
  const client = await stage.put('svc', { grantTypes: [...GRANT_TYPES] })
  const { access } = await stage.grant(client)
  const child = await exchange(stage, access)
  const grandchild = await exchange(stage, String(child.body['access_token']))
  for (const answer of [child, grandchild])
    assert.equal((await recordOf(stage, answer)).delegated, 'exchange')
})
