import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectExpired, commitOwn, putRecord, revokePrincipals } from '@rescind/core'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { bodyJson, bodyText, wireRequest } from '../../test/kit/request.ts'
import type { Dialect } from '../wire/dialect.ts'
import type { OauthNotice } from './call.ts'
import { callerOf } from './client-authentication.ts'
import { CODE_LIFETIME_SECONDS, startCode } from './code-grant.ts'
import { createOauthDialect } from './dialect.ts'
import { OAUTH_CLIENTS, type OauthClient, oauthClientValue } from './directory.ts'
import { startGrant } from './tokens.ts'

const ISSUER = 'https://as.example/api/id/v1'
const SECRET = 'svc-secret-0123456789'
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const REDIRECT = 'https://app.example/cb'

type Stage = World & {
  readonly dialect: Dialect
  readonly client: OauthClient
  readonly notices: readonly OauthNotice[]
}
type Said = {
  readonly status: number
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

async function open(
  more: { readonly strictHints?: boolean; readonly replaySeconds?: number } = {},
): Promise<Stage> {
  const world = await openWorld()
  const { realm } = world
  const client = oauthClientValue(realm, {
    clientId: 'svc',
    clientSecret: SECRET,
    grantTypes: ['refresh_token', 'authorization_code', 'client_credentials'],
    scopes: ['read'],
    introspect: 'own',
    // Longer than what was rotated: a token that has expired since is still a used one.
    refreshTokenLifetimeSeconds: 60,
  })
  const put = { collection: OAUTH_CLIENTS, id: 'svc', value: client, fromVersion: 0 }
  await commitOwn(realm, putRecord(realm, put, { by: 'test', from: 'local', how: 'test' }))
  const notices: OauthNotice[] = []
  const dialect = createOauthDialect({
    baseOf: () => 'https://as.example',
    replaySeconds: more.replaySeconds ?? 30,
    cacheTtlSeconds: 5,
    strictHints: more.strictHints ?? false,
    onNotice: (notice) => notices.push(notice),
  })
  return { ...world, dialect, client, notices }
}

async function form(
  { dialect, realm }: Stage,
  path: string,
  values: Readonly<Record<string, string>>,
): Promise<Said> {
  const body = new URLSearchParams({ ...values, client_id: 'svc', client_secret: SECRET }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await dialect.handle(
    realm,
    wireRequest({ method: 'POST', path: `/api/id/v1/auth/token${path}`, headers, body }),
  )
  const text = await bodyText(answer)
  return { status: answer.status, text, body: (await bodyJson(answer)) as Said['body'] }
}

const refresh = (stage: Stage, token: string): Promise<Said> =>
  form(stage, '', { grant_type: 'refresh_token', refresh_token: token })

async function login({ realm, client }: Stage): Promise<string> {
  const basis = realm.basis()
  const caller = callerOf(realm, client, { from: '127.0.0.1', basis })
  const minting = { realm, issuer: ISSUER, client, basis }
  const started = await startGrant(minting, caller, { subject: 'ann', scope: 'read' })
  assert.ok(started?.issued.kind === 'issued')
  return started.texts.refresh?.raw.reveal() ?? ''
}

const rows = ({ realm }: Stage): number => realm.index.seq

test('however many reuses race, the grant ends by one row, and the log is told once', async () => {
  const stage = await open()
  const first = await login(stage)
  await refresh(stage, first)
  stage.clock.advance(30_000)
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

test('an answer that was lost is had again although the old token has expired meanwhile', async () => {
  const stage = await open()
  const first = await login(stage)
  stage.clock.advance(59_999)
  const answered = await refresh(stage, first)
  assert.equal(answered.status, 200)
  stage.clock.advance(29_999)
  const again = await refresh(stage, first)
  assert.equal(again.text, answered.text)
  stage.clock.advance(1)
  const late = await refresh(stage, first)
  assert.equal((late.body['cause'] as Readonly<Record<string, string>>)['code'], 'refresh_token_reuse')
  assert.equal((await refresh(stage, String(answered.body['refresh_token']))).status, 400)
})

test('a token that was revoked since its rotation brings no answer back', async () => {
  const stage = await open()
  const { realm, client } = stage
  const first = await login(stage)
  await refresh(stage, first)
  const caller = callerOf(realm, client, { from: '127.0.0.1', basis: realm.basis() })
  const principals = { source: 'oauth', subject: 'ann' }
  await revokePrincipals(realm, { shape: 'subject', principals }, { caller, how: 'test' })
  const again = await refresh(stage, first)
  assert.equal(again.body['error'], 'invalid_grant')
  assert.equal('cause' in again.body, false)
})

test('while a hold is in force, neither a refresh nor its repetition brings tokens; after it, the repetition does', async () => {
  const stage = await open()
  const { realm } = stage
  const first = await login(stage)
  const answered = await refresh(stage, first)
  const principals = { source: 'oauth', subject: 'ann' }
  const target = { kind: 'cut', shape: 'subject', principals } as const
  const audit = { by: 'test', from: 'local', how: 'test' }
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'hold', id: 'hold_1', target }, audit) }])
  for (const token of [first, String(answered.body['refresh_token'])])
    assert.equal((await refresh(stage, token)).body['error'], 'invalid_grant')
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'release', id: 'hold_1' }, audit) }])
  assert.equal((await refresh(stage, first)).text, answered.text)
})

test('a reuse is seen through a hold, and ends the grant for good', async () => {
  const stage = await open()
  const { realm } = stage
  const first = await login(stage)
  const answered = await refresh(stage, first)
  const target = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'ann' } } as const
  const audit = { by: 'test', from: 'local', how: 'test' }
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'hold', id: 'hold_1', target }, audit) }])
  stage.clock.advance(30_000)
  const reused = await refresh(stage, first)
  assert.equal((reused.body['cause'] as Readonly<Record<string, string>>)['code'], 'refresh_token_reuse')
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'release', id: 'hold_1' }, audit) }])
  assert.equal((await refresh(stage, String(answered.body['refresh_token']))).status, 400)
})

test('a code that was used is known as used after its record was collected', async () => {
  const stage = await open()
  const { realm, realms, client, clock, store } = stage
  const basis = realm.basis()
  const caller = callerOf(realm, client, { from: '127.0.0.1', basis })
  const intent = { client, redirectUri: REDIRECT, codeChallenge: CHALLENGE, subject: 'ann', scope: 'read' }
  const { code } = await startCode(realm, { basis, caller }, intent)
  const redeem = (): Promise<Said> =>
    form(stage, '', {
      grant_type: 'authorization_code',
      code: code.reveal(),
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    })
  const first = await redeem()
  assert.equal(first.status, 200, first.text)
  clock.advance(CODE_LIFETIME_SECONDS * 1_000)
  realms.ledger.raiseFloor(realm.nowMs())
  await realms.ledger.settleFloor()
  assert.ok((await collectExpired(realms, store)) >= 1)
  assert.equal((await realm.find(code)).record, undefined)
  const again = await redeem()
  assert.equal((again.body['cause'] as Readonly<Record<string, string>>)['code'], 'authorization_code_reuse')
  const { text } = await form(stage, '/introspect', { token: String(first.body['access_token']) })
  assert.equal(text, '{"active":false}')
})

test('of 16 that redeem one code at once, at most one gets tokens, and none of them lives', async () => {
  const stage = await open()
  const { realm, client } = stage
  const basis = realm.basis()
  const caller = callerOf(realm, client, { from: '127.0.0.1', basis })
  const intent = { client, redirectUri: REDIRECT, codeChallenge: CHALLENGE, subject: 'ann', scope: 'read' }
  const { code } = await startCode(realm, { basis, caller }, intent)
  const values = {
    grant_type: 'authorization_code',
    code: code.reveal(),
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  }
  const answers = await Promise.all(Array.from({ length: 16 }, () => form(stage, '', values)))
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  const { text } = await form(stage, '/introspect', { token: String(won[0]?.body['access_token']) })
  assert.equal(text, '{"active":false}')
})

test('strict hints: an unknown one is 400 and revokes nothing; the two that are known, none and an empty one pass', async () => {
  const stage = await open({ strictHints: true })
  for (const [hint, status] of [
    ['urn:unknown', 400],
    ['Access_Token', 400],
    ['', 200],
    ['access_token', 200],
    ['refresh_token', 200],
  ] as const) {
    for (const name of ['token_type_hint', 'token_type', 'tokenType']) {
      const token = await login(stage)
      const answer = await form(stage, '/revoke', { token, [name]: hint })
      assert.equal(answer.status, status, `${name}=${hint}`)
      assert.equal((await refresh(stage, token)).status, status === 400 ? 200 : 400)
    }
  }
})

test('an answer that is kept for a lost response can be read with the realm key alone', async () => {
  const stage = await open()
  const { realm, store } = stage
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
})
