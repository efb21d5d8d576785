import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectExpired, EXPIRING_KINDS } from '@rescind/authority'
import {
  OauthStage,
  onBothStores,
  type Said,
  STAGE_REDIRECT,
  STAGE_VERIFIER,
} from '../../test/kit/oauth-stage.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { CODE_LIFETIME_SECONDS } from './code-grant.ts'

/*
 * A used code may be in a log, a referrer or a browser's history. Its holder must not be able to do anything with it.
 * Only a second presentation by the same client with verifier and redirect URI, which could have been the first, is
 * reuse.
 */

const OTHER_VERIFIER = 'A'.repeat(43)
const WRONG_PROOFS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'without a verifier': { code_verifier: '' },
  'with a verifier that was made up': { code_verifier: OTHER_VERIFIER },
  'with the challenge as verifier': { code_verifier: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' },
  'with a verifier that is too short': { code_verifier: STAGE_VERIFIER.slice(0, 42) },
  'without a redirect URI': { redirect_uri: '' },
  'with another redirect URI': { redirect_uri: 'https://app.example/cb/' },
  'with the redirect URI in other letters': { redirect_uri: STAGE_REDIRECT.toUpperCase() },
}

const causeOf = ({ body }: Said): string | undefined =>
  (body['cause'] as Readonly<Record<string, string>> | undefined)?.['code']

/** A code that its owner has redeemed, and the tokens that it got. */
async function redeemed(
  stage: OauthStage,
): Promise<{ readonly code: string; readonly access: string; readonly refresh: string }> {
  const client = await stage.put('svc')
  const code = await stage.code(client)
  const answer = await stage.redeem('svc', code)
  assert.equal(answer.status, 200, answer.text)
  return { code, access: String(answer.body['access_token']), refresh: String(answer.body['refresh_token']) }
}

/** Collects the code's record, as happens with time. Then only an expiring entry says that the code was used. */
async function collect({ world }: OauthStage): Promise<void> {
  const { clock, realm, realms, store } = world
  clock.advance(CODE_LIFETIME_SECONDS * 1_000)
  realms.ledger.raiseFloor(realm.nowMs())
  await realms.ledger.settleFloor()
  assert.ok((await collectExpired(realms, store)) >= 1)
}

for (const when of ['while its record is kept', 'after its record was collected']) {
  onBothStores(
    `[W86] [P13] a used code without its proof ends nothing and tells nothing, ${when}`,
    async (stage) => {
      const { code, access, refresh } = await redeemed(stage)
      if (when.startsWith('after')) await collect(stage)
      for (const [what, wrong] of Object.entries(WRONG_PROOFS)) {
        const answer = await stage.redeem('svc', code, wrong)
        assert.equal(answer.status, 400, what)
        assert.equal(causeOf(answer), undefined, what)
      }
      await stage.put('thief')
      assert.equal((await stage.redeem('thief', code)).body['error'], 'invalid_grant')
      assert.equal((await stage.redeem('svc', code, {}, 'a-guessed-secret')).status, 401)
      assert.ok(await stage.isActive('svc', access))
      assert.deepEqual(stage.notices, [])
      const refreshed = await stage.refresh('svc', refresh)
      assert.equal(refreshed.status, 200)
      // With the full proof it is reuse, and only a client that can prove the code is told why.
      assert.equal(causeOf(await stage.redeem('svc', code)), 'authorization_code_reuse')
      assert.equal(await stage.isActive('svc', String(refreshed.body['access_token'])), false)
      assert.equal(causeOf(await stage.redeem('svc', code)), 'authorization_code_reuse')
      const wrong = await stage.redeem('svc', code, { code_verifier: OTHER_VERIFIER })
      assert.equal(causeOf(wrong), undefined)
    },
  )
}

onBothStores('[W86] a public client is known by its name alone, and so is not asked less', async (stage) => {
  const client = await stage.put('app', { isPublic: true })
  const code = await stage.code(client)
  const first = await stage.send('', {
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: 'app', code },
      ...{ redirect_uri: STAGE_REDIRECT, code_verifier: STAGE_VERIFIER },
    }).toString(),
  })
  assert.equal(first.status, 200, first.text)
  const body = { grant_type: 'authorization_code', client_id: 'app', code, redirect_uri: STAGE_REDIRECT }
  const wrong = new URLSearchParams({ ...body, code_verifier: OTHER_VERIFIER }).toString()
  assert.equal((await stage.send('', { body: wrong })).status, 400)
  const { status } = await stage.send('', {
    body: new URLSearchParams({
      ...{ grant_type: 'refresh_token', client_id: 'app' },
      refresh_token: String(first.body['refresh_token']),
    }).toString(),
  })
  assert.equal(status, 200)
})

onBothStores('[W86] wrong proofs neither spend a code nor lock its owner out', async (stage) => {
  const client = await stage.put('svc')
  const code = await stage.code(client)
  for (let nth = 0; nth < 20; nth += 1)
    for (const wrong of Object.values(WRONG_PROOFS))
      assert.equal((await stage.redeem('svc', code, wrong)).status, 400)
  assert.equal((await stage.redeem('svc', code)).status, 200)
})

onBothStores('[W86] a code that expired unused is no re-use, with its proof or without', async (stage) => {
  const client = await stage.put('svc')
  const { access } = await stage.grant(client)
  const code = await stage.code(client)
  stage.world.clock.advance(CODE_LIFETIME_SECONDS * 1_000)
  for (const more of [{}, ...Object.values(WRONG_PROOFS)]) {
    const answer = await stage.redeem('svc', code, more)
    assert.deepEqual([answer.status, causeOf(answer)], [400, undefined])
  }
  assert.deepEqual(stage.notices, [])
  assert.ok(await stage.isActive('svc', access))
})

for (const over of ['its subject', 'its grant'] as const) {
  onBothStores(
    `[W86] under a hold over ${over} a code brings no tokens, and its reuse is still detected`,
    async (stage) => {
      const { code, access } = await redeemed(stage)
      const { realm, store } = stage.world
      const { records } = await store.tokens(realm.ordinal, { source: 'oauth', after: undefined, limit: 10 })
      const grant = records[0]?.grant
      assert.ok(grant !== undefined)
      const principals = { source: 'oauth', subject: 'ann' }
      const target =
        over === 'its grant'
          ? ({ kind: 'grant', source: 'oauth', grant } as const)
          : ({ kind: 'cut', shape: 'subject', principals } as const)
      await stage.append({ kind: 'hold', id: 'hold_1', target })
      for (const wrong of Object.values(WRONG_PROOFS))
        assert.equal((await stage.redeem('svc', code, wrong)).status, 400)
      await stage.append({ kind: 'release', id: 'hold_1' })
      assert.ok(await stage.isActive('svc', access), 'wrong proofs under a hold ended it')
      await stage.append({ kind: 'hold', id: 'hold_2', target })
      assert.equal(causeOf(await stage.redeem('svc', code)), 'authorization_code_reuse')
      await stage.append({ kind: 'release', id: 'hold_2' })
      assert.equal(await stage.isActive('svc', access), false)
    },
  )
}

onBothStores(
  '[W86] of concurrent redemptions one gets tokens, which reuse ends; wrong proofs beside them change nothing',
  async (stage) => {
    const client = await stage.put('svc')
    const [raced, lone] = [await stage.code(client), await stage.code(client)]
    const wrong = { code_verifier: OTHER_VERIFIER }
    const beside = Array.from({ length: 8 }, () => stage.redeem('svc', lone, wrong))
    const [alone, ...others] = await Promise.all([stage.redeem('svc', lone), ...beside])
    assert.deepEqual([alone?.status, new Set(others.map(({ status }) => status))], [200, new Set([400])])
    assert.ok(await stage.isActive('svc', String(alone?.body['access_token'])))
    const answers = await Promise.all(Array.from({ length: 16 }, () => stage.redeem('svc', raced)))
    const won = answers.filter(({ status }) => status === 200)
    assert.equal(won.length, 1)
    assert.equal(await stage.isActive('svc', String(won[0]?.body['access_token'])), false)
  },
)

test('[W86] an expiring entry of an earlier version proves nothing: the code is refused, and nothing ends', async () => {
  // Such entries hold no redirect URI and no challenge. The test removes both members from an entry just written.
  const stage = new OauthStage(await openWorld())
  const { code, access } = await redeemed(stage)
  await collect(stage)
  const { realm, store } = stage.world
  const page = await store.expiringPage(realm.ordinal, {
    kind: EXPIRING_KINDS.oauthUsedCode,
    after: undefined,
    limit: 1,
  })
  const [entry] = page.entries
  assert.ok(entry !== undefined)
  const { redirectUri, codeChallenge, ...older } = JSON.parse(
    Buffer.from(entry.value).toString('utf8'),
  ) as Record<string, string>
  assert.ok(redirectUri !== undefined && codeChallenge !== undefined)
  const value = Buffer.from(JSON.stringify(older), 'utf8')
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'put-expiring', entry: { ...entry, value } }],
  })
  assert.deepEqual(causeOf(await stage.redeem('svc', code)), undefined)
  assert.ok(await stage.isActive('svc', access))
})
