import assert from 'node:assert/strict'
import { issueTokens, mintText } from '@rescind/authority'
import { type OauthStage, onBothStores } from '../../test/kit/oauth-stage.ts'
import { grantLifetimeSeconds, type OauthClient } from './directory.ts'

/*
 * A token ends no later than the token it was minted from, and every chain of tokens has an end. Once, refreshing had
 * no end, and an access token could outlive its refresh token.
 */

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const REFRESH_TYPE = 'urn:ietf:params:oauth:token-type:refresh_token'
const DAY_SECONDS = 86_400

/** When the last token of the store expires. */
async function lastEndMs({ world: { realm, store } }: OauthStage): Promise<number> {
  const ends: number[] = []
  let after: number | undefined
  do {
    const page = await store.tokens(realm.ordinal, { source: 'oauth', after, limit: 1_000 })
    for (const { kind, expiresAtMs } of page.records) if (kind !== 'code') ends.push(expiresAtMs)
    after = page.next
  } while (after !== undefined)
  return Math.max(...ends)
}

/** Refreshes 50 times over the life of a grant, then in its last second. */
async function refreshToTheEnd(stage: OauthStage, { client, first, endMs }: Chain): Promise<void> {
  const { clock, realm } = stage.world
  const stepMs = Math.floor((endMs - realm.nowMs()) / 51)
  let last = { access: '', refresh: first }
  for (let depth = 1; depth <= 50; depth += 1) {
    clock.advance(stepMs)
    const { status, text, body } = await stage.refresh(client.clientId, last.refresh)
    assert.equal(status, 200, `depth ${depth}: ${text}`)
    last = { access: String(body['access_token']), refresh: String(body['refresh_token']) }
    assert.ok((await lastEndMs(stage)) <= endMs, `depth ${depth}`)
  }
  clock.advance(endMs - realm.nowMs() - 1_001)
  const { status, body } = await stage.refresh(client.clientId, last.refresh)
  assert.equal(status, 200)
  assert.ok((await lastEndMs(stage)) <= endMs)
  clock.advance(2)
  const over = await stage.refresh(client.clientId, String(body['refresh_token']))
  assert.deepEqual([over.status, over.body['error']], [400, 'invalid_grant'])
  clock.advance(999)
  assert.equal((await stage.refresh(client.clientId, String(body['refresh_token']))).status, 400)
  for (const token of [last.access, String(body['access_token']), String(body['refresh_token'])])
    assert.equal(await stage.isActive(client.clientId, token), false)
  assert.deepEqual(stage.notices, [], 'the end of a grant is no re-use')
}

type Chain = { readonly client: OauthClient; readonly first: string; readonly endMs: number }

for (const accessTokenFormat of ['opaque', 'jwt'] as const) {
  const settings = { grantLifetimeSeconds: 10 * DAY_SECONDS, accessTokenFormat }

  onBothStores(
    `[E01] a grant of the control API ends, refreshed however often (${accessTokenFormat})`,
    async (stage) => {
      const client = await stage.put('svc', settings)
      const endMs = stage.world.realm.nowMs() + 10 * DAY_SECONDS * 1_000
      const { refresh } = await stage.grant(client)
      await refreshToTheEnd(stage, { client, first: refresh, endMs })
    },
  )

  onBothStores(
    `[E01] a grant by code ends as long after the login, not the redemption (${accessTokenFormat})`,
    async (stage) => {
      const client = await stage.put('svc', settings)
      const endMs = stage.world.realm.nowMs() + 10 * DAY_SECONDS * 1_000
      const code = await stage.code(client)
      stage.world.clock.advance(59_000)
      const { body } = await stage.redeem('svc', code)
      await refreshToTheEnd(stage, { client, first: String(body['refresh_token']), endMs })
    },
  )

  onBothStores(
    `[E11] an access token does not outlive the refresh token beside it (${accessTokenFormat})`,
    async (stage) => {
      const client = await stage.put('svc', { refreshTokenLifetimeSeconds: 5, accessTokenFormat })
      const { access, refresh } = await stage.grant(client)
      const code = await stage.redeem('svc', await stage.code(client))
      assert.equal(code.body['expires_in'], 5)
      stage.world.clock.advance(4_999)
      assert.ok(await stage.isActive('svc', access))
      const next = await stage.refresh('svc', refresh)
      assert.equal(next.body['expires_in'], 5)
      stage.world.clock.advance(5_000)
      for (const { body } of [code, next])
        assert.equal(await stage.isActive('svc', String(body['access_token'])), false)
    },
  )
}

onBothStores(
  '[E01] a code whose client may not refresh gets no token beyond the end of its grant',
  async (stage) => {
    const client = await stage.put('svc', { grantTypes: ['authorization_code'], grantLifetimeSeconds: 30 })
    const [early, late] = [await stage.code(client), await stage.code(client)]
    stage.world.clock.advance(20_000)
    assert.equal((await stage.redeem('svc', early)).body['expires_in'], 10)
    stage.world.clock.advance(9_001)
    assert.equal((await stage.redeem('svc', late)).body['error'], 'invalid_grant')
  },
)

onBothStores(
  '[E01] a token exchanged from an access or refresh token ends no later than that token',
  async (stage) => {
    const grantTypes = ['refresh_token', EXCHANGE] as const
    const client = await stage.put('svc', { grantTypes, grantLifetimeSeconds: 100 })
    const endMs = stage.world.realm.nowMs() + 100_000
    const { access, refresh } = await stage.grant(client)
    stage.world.clock.advance(60_500)
    for (const [subject_token, subject_token_type] of [
      [access, ACCESS_TYPE],
      [refresh, REFRESH_TYPE],
    ] as const) {
      for (const requested_token_type of [ACCESS_TYPE, 'urn:ietf:params:oauth:token-type:jwt']) {
        const asked = { grant_type: EXCHANGE, subject_token, subject_token_type, requested_token_type }
        const { status, text } = await stage.form('', 'svc', asked)
        assert.equal(status, 200, text)
        assert.ok((await lastEndMs(stage)) <= endMs)
      }
    }
  },
)

onBothStores(
  '[E01] a shorter grant lifetime applies to existing grants from their next refresh',
  async (stage) => {
    const client = await stage.put('svc', { grantLifetimeSeconds: 1_000 })
    const [one, other] = [await stage.grant(client), await stage.grant(client)]
    stage.world.clock.advance(100_000)
    await stage.put('svc', { grantLifetimeSeconds: 150 })
    const { body } = await stage.refresh('svc', one.refresh)
    assert.equal(body['expires_in'], 50)
    await stage.put('svc', { grantLifetimeSeconds: 100 })
    assert.equal((await stage.refresh('svc', other.refresh)).body['error'], 'invalid_grant')
    await stage.put('svc', { grantLifetimeSeconds: 1_000 })
    assert.equal((await stage.refresh('svc', other.refresh)).status, 200)
  },
)

onBothStores('[E01] the grant of an older refresh token without a start time still ends', async (stage) => {
  const { realm, clock } = stage.world
  await stage.put('svc', { grantLifetimeSeconds: 1_000 })
  const raw = mintText(realm.grammar.prefixes.refresh, realm.random)
  const about = { source: 'oauth', client: 'svc', subject: 'ann', scope: 'read' } as const
  const tokens = [{ ...about, raw, kind: 'refresh', expiresAtMs: realm.nowMs() + 2_000_000 } as const]
  await issueTokens(realm, { judgedAt: realm.position(), caller: stage.caller(), tokens })
  const issuedAtMs = realm.nowMs()
  clock.advance(500_000)
  const first = await stage.refresh('svc', raw.reveal())
  assert.equal(first.body['expires_in'], 500)
  clock.advance(400_000)
  const second = await stage.refresh('svc', String(first.body['refresh_token']))
  assert.equal(second.body['expires_in'], 100)
  clock.advance(100_000)
  assert.equal((await stage.refresh('svc', String(second.body['refresh_token']))).status, 400)
  assert.equal(issuedAtMs + 1_000_000, realm.nowMs())
})

onBothStores(
  '[E01] by default a grant ends after 90 days, or after the refresh token lifetime if that is longer',
  async (stage) => {
    const client = await stage.put('svc')
    assert.equal(grantLifetimeSeconds(client), 90 * DAY_SECONDS)
    const patient = await stage.put('patient', { refreshTokenLifetimeSeconds: 200 * DAY_SECONDS })
    assert.equal(grantLifetimeSeconds(patient), 200 * DAY_SECONDS)
    const nowMs = stage.world.realm.nowMs()
    await stage.grant(client)
    assert.equal(await lastEndMs(stage), nowMs + 30 * DAY_SECONDS * 1_000)
    await stage.grant(patient)
    assert.equal(await lastEndMs(stage), nowMs + 200 * DAY_SECONDS * 1_000)
  },
)

/* Scopes and audiences taken from a client must not reach it through a pending code. */
onBothStores(
  '[B13] a code does not grant scopes and audiences taken from its client since the login',
  async (stage) => {
    const audiences = ['https://a.example', 'https://b.example']
    const client = await stage.put('svc', { audiences })
    const codes = [
      await stage.code(client, { audience: audiences }),
      await stage.code(client, { audience: audiences }),
    ]
    await stage.put('svc', { scopes: ['read'], audiences: ['https://b.example'] })
    const { body } = await stage.redeem('svc', codes[0] ?? '')
    assert.equal(body['scope'], 'read')
    const seen = await stage.form('/introspect', 'svc', { token: String(body['access_token']) })
    assert.deepEqual([seen.body['scope'], seen.body['aud']], ['read', 'https://b.example'])
    await stage.put('svc', { scopes: [] })
    assert.equal((await stage.redeem('svc', codes[1] ?? '')).body['error'], 'invalid_target')
  },
)
