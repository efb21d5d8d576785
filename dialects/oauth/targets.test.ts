import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothStores } from '../../test/kit/oauth-stage.ts'
import { targetsOf } from './targets.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/* Two spellings of one http URI (RFC 3986 §6.2.3). Clients send either one by themselves. */
const ALIKE: readonly (readonly [string, string])[] = [
  ['https://a.example', 'https://a.example/'],
  ['https://a.example:8443', 'https://a.example:8443/'],
  ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/'],
  ['https://[::1]', 'https://[::1]/'],
  ['https://a.example?x=1', 'https://a.example/?x=1'],
]
const OTHERS: readonly (readonly [string, string])[] = [
  ['https://a.example/v1', 'https://a.example/v1/'],
  ['https://a.example', 'https://a.example//'],
  ['https://a.example', 'http://a.example'],
  ['https://a.example', 'https://a.example.evil'],
  ['https://a.example', 'https://a.example:443/'],
  ['https://a.example', 'https://a.example/?'],
  ['https://a.example', 'https://a.example@evil.example/'],
  ['https://a.example', 'https://a.example/x'],
  ['urn:a', 'urn:a/'],
  ['app://a', 'app://a/'],
  ['billing', 'billing/'],
]

for (const [one, other] of ALIKE) {
  test(`[R4] ${one} and ${other} are one target, spelled as registered`, () => {
    for (const [registered, asked] of [
      [one, other],
      [other, one],
      [one, one],
    ] as const) {
      for (const name of ['resource', 'audience']) {
        const named = targetsOf(new Map([[name, [asked]]]), clientOf([registered]))
        assert.deepEqual(named, { kind: 'targets', audience: [registered] })
        const within = targetsOf(new Map([[name, [asked]]]), clientOf([registered]), [asked])
        assert.deepEqual(within, { kind: 'targets', audience: [asked] }, 'a grant has its own spelling')
      }
    }
    const both = targetsOf(new Map([['resource', [one, other]]]), clientOf([one]))
    assert.deepEqual(both, { kind: 'targets', audience: [one] })
    const apart = targetsOf(new Map([['resource', [other]]]), clientOf([one, other]))
    assert.deepEqual(apart, { kind: 'targets', audience: [other] }, 'the same text comes first')
  })
}

for (const [one, other] of OTHERS) {
  test(`[R4] ${one} and ${other} are two targets`, () => {
    for (const [registered, asked] of [
      [one, other],
      [other, one],
    ] as const)
      assert.equal(targetsOf(new Map([['audience', [asked]]]), clientOf([registered])).kind, 'refused')
  })
}

function clientOf(audiences: readonly string[]) {
  const rest = { clientId: 'svc', grantTypes: [], scopes: [], introspect: 'own', enabled: true } as const
  return { ...rest, audiences }
}

onBothStores(
  '[R4] every grant type accepts either spelling, and only an authenticated client is told the registered one',
  async (stage) => {
    const audiences = ['https://a.example', 'https://b.example/v1', 'say "it"', 'ü']
    const grantTypes = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE] as const
    const client = await stage.put('svc', { audiences, grantTypes })
    const app = await stage.put('app', { audiences, isPublic: true })
    const exchanging = (subject_token: string) => ({
      grant_type: EXCHANGE,
      subject_token,
      subject_token_type: ACCESS_TYPE,
    })
    const within = { audience: audiences }
    for (const asked of [
      async () => ({ grant_type: 'client_credentials' }),
      async () => ({
        grant_type: 'refresh_token',
        refresh_token: (await stage.grant(client, within)).refresh,
      }),
      async () => exchanging((await stage.grant(client, within)).access),
    ]) {
      const right = await stage.form('', 'svc', { ...(await asked()), resource: 'https://a.example/' })
      assert.equal(right.status, 200, right.text)
      const token = String(right.body['access_token'])
      assert.equal((await stage.form('/introspect', 'svc', { token })).body['aud'], 'https://a.example')
      const wrong = await stage.form('', 'svc', { ...(await asked()), resource: 'https://a.example/other' })
      assert.equal(wrong.body['error'], 'invalid_target')
      const said = String(wrong.body['error_description'])
      assert.match(said, /registered: https:\/\/a\.example https:\/\/b\.example\/v1$/)
    }
    const { refresh } = await stage.grant(app, within)
    const body = new URLSearchParams({
      ...{ grant_type: 'refresh_token', client_id: 'app', refresh_token: refresh },
      resource: 'https://a.example/other',
    }).toString()
    for (const headers of [{}, { authorization: `Basic ${Buffer.from('app:').toString('base64')}` }]) {
      const wrong = await stage.send('', { body, headers })
      assert.equal(wrong.body['error'], 'invalid_target')
      assert.ok(!wrong.text.includes('a.example'), 'anybody can name a public client')
    }
    await stage.put('svc', { grantTypes })
    const none = await stage.form('', 'svc', {
      grant_type: 'client_credentials',
      resource: 'https://a.example',
    })
    assert.match(String(none.body['error_description']), /none is registered$/)
  },
)

onBothStores(
  '[R4] a grant keeps its targets when they are registered again with the other spelling',
  async (stage) => {
    const client = await stage.put('svc', { audiences: ['https://a.example', 'https://b.example'] })
    const codes = [await stage.code(client, { audience: ['https://a.example'] })]
    const { refresh } = await stage.grant(client, { audience: ['https://a.example', 'https://b.example'] })
    await stage.put('svc', { audiences: ['https://a.example/'] })
    for (const answer of [await stage.refresh('svc', refresh), await stage.redeem('svc', codes[0] ?? '')]) {
      assert.equal(answer.status, 200, answer.text)
      const token = String(answer.body['access_token'])
      assert.equal((await stage.form('/introspect', 'svc', { token })).body['aud'], 'https://a.example')
    }
  },
)
