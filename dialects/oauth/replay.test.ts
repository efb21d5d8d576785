import assert from 'node:assert/strict'
import { callerFacts, issueTokens, KEY_PURPOSES, seal, subkey } from '@rescind/authority'
import { mintHandle } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { type OauthStage, onBothStores } from '../../test/kit/oauth-stage.ts'

// A used refresh token comes again within its replay window. The same request gets the lost answer again; a different
// request must not get it.

const A = 'https://a.example'
const B = 'https://b.example'
type Asked = Readonly<Record<string, string | readonly string[]>>

/** A grant for both targets whose first refresh token has been used, with the request `first`. */
async function refreshed(stage: OauthStage, first: Asked) {
  const client = await stage.put('svc', { audiences: [A, B] })
  const { refresh } = await stage.grant(client, { audience: [A, B] })
  const answered = await stage.refresh('svc', refresh, first)
  assert.equal(answered.status, 200, answered.text)
  return { refresh, answered }
}

const OTHERS: readonly (readonly [first: Asked, second: Asked, error: string])[] = [
  [{ resource: A }, { resource: B }, 'invalid_grant'],
  [{ resource: A }, {}, 'invalid_grant'],
  [{ resource: A }, { resource: [A, B] }, 'invalid_grant'],
  [{ resource: A }, { audience: B }, 'invalid_grant'],
  [{}, { resource: A }, 'invalid_grant'],
  [{ scope: 'read' }, { scope: 'write' }, 'invalid_grant'],
  [{ scope: 'read' }, {}, 'invalid_grant'],
  [{}, { scope: 'read' }, 'invalid_grant'],
  [{ scope: 'read', resource: A }, { scope: 'read', resource: B }, 'invalid_grant'],
  [{ scope: 'read' }, { scope: 'admin' }, 'invalid_scope'],
  [{}, { scope: 'read "write"' }, 'invalid_scope'],
  [{ resource: A }, { resource: 'https://c.example' }, 'invalid_target'],
  [{ resource: A }, { resource: 'no-uri' }, 'invalid_target'],
]
for (const [first, second, error] of OTHERS) {
  const [was, is] = [JSON.stringify(first), JSON.stringify(second)]
  onBothStores(`[H5] after ${was}, ${is} is ${error}, and the grant lives on`, async (stage) => {
    const { refresh, answered } = await refreshed(stage, first)
    const other = await stage.refresh('svc', refresh, second)
    assert.deepEqual([other.status, other.body['error']], [400, error])
    assert.equal('cause' in other.body, false)
    assert.equal((await stage.refresh('svc', refresh, first)).text, answered.text)
    assert.equal((await stage.refresh('svc', String(answered.body['refresh_token']))).status, 200)
  })
}

const SAME: readonly (readonly [first: Asked, second: Asked])[] = [
  [{}, {}],
  [{}, { scope: 'read write' }],
  [{}, { scope: 'write read' }],
  [{ scope: 'write read write' }, {}],
  [{ scope: 'read' }, { scope: 'read read' }],
  [{}, { resource: [B, A] }],
  [{ resource: [A, B] }, { audience: [B, A] }],
  [{ resource: A }, { resource: [A, A] }],
]
for (const [first, second] of SAME) {
  const [was, is] = [JSON.stringify(first), JSON.stringify(second)]
  onBothStores(`[H5] after ${was}, ${is} asks the same and gets the answer again`, async (stage) => {
    const { refresh, answered } = await refreshed(stage, first)
    assert.equal((await stage.refresh('svc', refresh, second)).text, answered.text)
  })
}

onBothStores(
  '[H5] a different request after the window, or once the answer was used, is reuse',
  async (stage) => {
    const late = await refreshed(stage, { scope: 'read' })
    stage.world.clock.advance(30_000)
    const reused = await stage.refresh('svc', late.refresh, { scope: 'admin' })
    assert.equal((reused.body['cause'] as Asked)['code'], 'refresh_token_reuse')
    const used = await refreshed(stage, { resource: A })
    await stage.refresh('svc', String(used.answered.body['refresh_token']))
    const again = await stage.refresh('svc', used.refresh, { resource: B })
    assert.equal((again.body['cause'] as Asked)['code'], 'refresh_token_reuse')
  },
)

onBothStores('[H5] what the client lost since is not handed out again', async (stage) => {
  const { refresh, answered } = await refreshed(stage, {})
  await stage.put('svc', { audiences: [A, B], scopes: ['read'] })
  assert.equal((await stage.refresh('svc', refresh)).body['error'], 'invalid_grant')
  const next = await stage.refresh('svc', String(answered.body['refresh_token']))
  assert.equal(next.body['scope'], 'read')
})

onBothStores(
  '[H5] an answer of an earlier version, which does not record its request, is not repeated',
  async (stage) => {
    const { realm } = stage.world
    const client = await stage.put('svc')
    const { refresh } = await stage.grant(client)
    const raw = RawToken.parse(refresh)
    const record = raw === undefined ? undefined : (await realm.find(raw)).record
    assert.ok(record !== undefined)
    const { handle, digest, grant } = record
    const answer = { atMs: realm.nowMs(), successor: mintHandle(realm.random), body: '{"access_token":"x"}' }
    const sealing = {
      key: subkey(realm.keys.sealKey, KEY_PURPOSES.refreshAnswer(handle)),
      associated: `refresh-answer:${realm.name}:${handle}:${digest}`,
      random: realm.random,
    }
    const issued = await issueTokens(realm, {
      judgedAt: realm.position(),
      caller: stage.caller(),
      tokens: [],
      consume: record,
      consumeSealed: seal(sealing, Buffer.from(JSON.stringify(answer))),
    })
    assert.equal(issued.kind, 'issued')
    const again = await stage.refresh('svc', refresh)
    assert.deepEqual(
      [again.status, again.body['error'], again.body['cause']],
      [400, 'invalid_grant', undefined],
    )
    const facts = { ...callerFacts({ source: 'oauth' }, realm.position()), grant }
    assert.equal(realm.judge(facts).kind, 'active', 'the grant lives on')
  },
)
