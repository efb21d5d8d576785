import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revokePrincipals } from '@rescind/authority'
import { OauthStage, onBothStores, type Said } from '../../test/kit/oauth-stage.ts'
import { openWorld } from '../../test/kit/realm.ts'
import type { OauthClient } from './directory.ts'

/** The client outlives its tokens here: a used token that has also expired still counts as used. */
const putClient = (stage: OauthStage): Promise<OauthClient> =>
  stage.put('svc', { scopes: ['read'], refreshTokenLifetimeSeconds: 60 })

async function login(stage: OauthStage): Promise<string> {
  const { refresh } = await stage.grant(await putClient(stage), { scope: 'read' })
  return refresh
}

const refresh = (stage: OauthStage, token: string): Promise<Said> => stage.refresh('svc', token)
const rows = ({ world }: OauthStage): number => world.realm.index.seq
const causeOf = ({ body }: Said): unknown =>
  (body['cause'] as Readonly<Record<string, string>> | undefined)?.['code']
const SUBJECT = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'ann' } } as const

onBothStores('many concurrent reuses end the grant with one row and one notice', async (stage) => {
  const first = await login(stage)
  await refresh(stage, first)
  stage.world.clock.advance(30_000)
  const before = rows(stage)
  const answers = await Promise.all(Array.from({ length: 32 }, () => refresh(stage, first)))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [400])
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'all are told the same cause')
  assert.equal(rows(stage), before + 1)
  assert.equal(stage.notices.length, 1)
  const [notice] = stage.notices
  assert.equal(notice?.event, 'grant-ended')
  assert.equal(notice.cause?.code, 'refresh_token_reuse')
  assert.deepEqual(answers[0]?.body['cause'], notice.cause)
  assert.ok(!JSON.stringify(stage.notices).includes(first))
})

onBothStores('a lost answer is repeated even if the old token has expired meanwhile', async (stage) => {
  const first = await login(stage)
  stage.world.clock.advance(59_999)
  const answered = await refresh(stage, first)
  assert.equal(answered.status, 200)
  stage.world.clock.advance(29_999)
  const again = await refresh(stage, first)
  assert.equal(again.text, answered.text)
  stage.world.clock.advance(1)
  const late = await refresh(stage, first)
  assert.equal(causeOf(late), 'refresh_token_reuse')
  assert.equal((await refresh(stage, String(answered.body['refresh_token']))).status, 400)
})

onBothStores('a token that was revoked since its rotation brings no answer back', async (stage) => {
  const first = await login(stage)
  await refresh(stage, first)
  const { kind: _cut, ...subject } = SUBJECT
  await revokePrincipals(stage.world.realm, subject, { caller: stage.caller(), how: 'test' })
  const again = await refresh(stage, first)
  assert.equal(again.body['error'], 'invalid_grant')
  assert.equal('cause' in again.body, false)
})

onBothStores(
  'while a hold is in force, neither a refresh nor its repetition gets tokens; after it, the repetition does',
  async (stage) => {
    const first = await login(stage)
    const answered = await refresh(stage, first)
    await stage.append({ kind: 'hold', id: 'hold_1', target: SUBJECT })
    for (const token of [first, String(answered.body['refresh_token'])])
      assert.equal((await refresh(stage, token)).body['error'], 'temporarily_unavailable')
    await stage.append({ kind: 'release', id: 'hold_1' })
    assert.equal((await refresh(stage, first)).text, answered.text)
  },
)

onBothStores('a reuse is seen through a hold, and ends the grant for good', async (stage) => {
  const first = await login(stage)
  const answered = await refresh(stage, first)
  await stage.append({ kind: 'hold', id: 'hold_1', target: SUBJECT })
  stage.world.clock.advance(30_000)
  const reused = await refresh(stage, first)
  assert.equal(causeOf(reused), 'refresh_token_reuse')
  await stage.append({ kind: 'release', id: 'hold_1' })
  assert.equal((await refresh(stage, String(answered.body['refresh_token']))).status, 400)
})

test('strict hints: an unknown hint is 400 and revokes nothing; known, absent and empty hints pass', async () => {
  const stage = new OauthStage(await openWorld(), true)
  for (const [hint, status] of [
    ['urn:unknown', 400],
    ['Access_Token', 400],
    ['', 200],
    ['access_token', 200],
    ['refresh_token', 200],
  ] as const) {
    for (const name of ['token_type_hint', 'token_type', 'tokenType']) {
      const token = await login(stage)
      const answer = await stage.form('/revoke', 'svc', { token, [name]: hint })
      assert.equal(answer.status, status, `${name}=${hint}`)
      assert.equal((await refresh(stage, token)).status, status === 400 ? 200 : 400)
    }
  }
})

onBothStores(
  'an answer kept for a lost response is readable only with the key of the realm',
  async (stage) => {
    const { realm, store } = stage.world
    const first = await login(stage)
    const answered = await refresh(stage, first)
    const { records } = await store.tokens(realm.ordinal, { source: 'oauth', after: undefined, limit: 10 })
    let seen = 0
    for (const { handle } of records) {
      const consumption = await store.consumption(realm.ordinal, handle)
      if (consumption?.sealed === undefined) continue
      seen += 1
      const kept = Buffer.from(consumption.sealed).toString('latin1')
      assert.ok(!kept.includes(String(answered.body['access_token'])) && !kept.includes('refresh'))
    }
    assert.equal(seen, 1)
  },
)
