import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { API_KEY, basic, CLIENT_KEY, CONTROL, FORM_BODY, JSON_BODY, memberAt, OAUTH } from '../kit/calls.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, CHAT, GATEWAY, OTHER, SVC } from '../kit/seed.ts'
import { hostileTest } from './malformed/hostile-test.ts'
import { assertRefusal, type Shape } from './malformed/shapes.ts'
import { HOSTILE_MEMBERS } from './malformed/templates.ts'
import { HostileWorld, type Sent, sentBytes, VICTIM } from './malformed/world.ts'

/** Unexpected members, parameters and credentials beside valid ones. */

let world: HostileWorld
before(async () => {
  world = await HostileWorld.open()
})
after(() => world.close())

const refused = (sent: Sent, shape: Shape): Promise<RawAnswer> => world.refusedSent(sent, shape)
const hostile = hostileTest(() => world, 'some')

hostile('a member of that kind changes nothing about a login, or about a client', async () => {
  const credentials = { username: ANN.username, apiKey: ANN.apiKey }
  const plain = await world.send(loginBytes({ 'RAX-KSKEY:apiKeyCredentials': credentials }))
  for (const name of HOSTILE_MEMBERS) {
    const hostileValue = { [name]: { user_id: '1', is_admin: true, roles: ['identity:admin'] } }
    for (const auth of [
      { 'RAX-KSKEY:apiKeyCredentials': credentials, ...hostileValue },
      { 'RAX-KSKEY:apiKeyCredentials': { ...credentials, ...hostileValue } },
    ]) {
      const answer = await world.send(loginBytes(auth))
      assert.deepEqual(memberAt(answer, 'access', 'user'), memberAt(plain, 'access', 'user'))
      const token = String(memberAt(answer, 'access', 'token', 'id'))
      assert.equal((await world.calls.identity('DELETE', token, world.victims.root)).status, 403)
    }
    const body = JSON.stringify({ _id: 'marked', ...hostileValue })
    const answer = await world.send(
      sentBytes({ line: 'POST /admin/clients', headers: [API_KEY, JSON_BODY], body }),
    )
    assert.equal(answer.status, 200)
    assert.equal(memberAt(answer, 'result', 'isRobot'), false)
    assert.equal((await world.calls.chatRevoke('marked', world.victims.chat)).status, 404)
  }
})

function loginBytes(auth: unknown): Buffer {
  return sentBytes({ line: 'POST /v2.0/tokens', headers: [JSON_BODY], body: JSON.stringify({ auth }) })
}

hostile('[C04] what a caller without rights puts beside its request gives it none', async () => {
  const { victims } = world
  const beside = HOSTILE_MEMBERS.map((name) => `${name}=1`)
  for (const query of [...beside, beside.join('&'), '__proto__=x', 'tokenId[]=x', 'is_admin[]=1']) {
    for (const [method, expected] of [
      ['GET', 403],
      ['DELETE', 403],
    ] as const) {
      const line = `${method} /v2.0/tokens/${victims.root}?${query}`
      const body = JSON.stringify({
        target: { user_id: BOB.id },
        token: { user_id: BOB.id },
        user_id: BOB.id,
      })
      const answer = await refused(
        { line, headers: [`X-Auth-Token: ${victims.bob}`, JSON_BODY], body },
        'identity',
      )
      // `tokenId[]` looks like a misspelt tokenId, which a DELETE refuses.
      assert.ok(answer.status === expected || (answer.status === 400 && query === 'tokenId[]=x'), line)
    }
  }
  const inactive = await world.calls.introspect(OTHER, 'nothing')
  for (const more of [
    ...beside,
    'scope=admin',
    'sub=other',
    'username=other',
    'aud=other',
    '__proto__=other',
  ]) {
    const body = `token=${victims.access}&${more.replace('client_id=1', 'client_id=other')}`
    const answer = await world.send(
      sentBytes({ line: `POST ${OAUTH}/introspect`, headers: [basic(OTHER), FORM_BODY], body }),
    )
    assert.deepEqual([answer.status, answer.body], [200, inactive.body], more)
    const revoke = sentBytes({ line: `POST ${OAUTH}/revoke`, headers: [basic(OTHER), FORM_BODY], body })
    const denied = await world.send(revoke)
    assertRefusal(denied, ['oauth'], more)
  }
})

const OAUTH_ROUTES = [OAUTH, `${OAUTH}/revoke`, `${OAUTH}/introspect`] as const

hostile(
  '[N06] refuses every repeated, broken or misplaced form parameter, and revokes nothing by it',
  async () => {
    const { access, refresh } = world.victims
    const forms: readonly (string | Buffer)[] = [
      `token=${access}&token=${access}`,
      `token=x&token=${access}`,
      `token=${access}&%74oken=x`,
      `token=&token=${access}`,
      `grant_type=refresh_token&grant_type=refresh_token&refresh_token=${refresh}`,
      `grant_type=refresh_token&refresh_token=${refresh}&refresh_token=x`,
      `token=${access}&token_type_hint=access_token&token_type_hint=x`,
      `token[]=${access}`,
      `token%5B%5D=${access}`,
      `token.0=${access}`,
      `Token=${access}`,
      `token%20=${access}`,
      `%00token=${access}`,
      `token=%00`,
      `token=%`,
      `token=%4`,
      `token=%zz`,
      `token=%ff`,
      `token=%ed%a0%80`,
      `token=%c0%80`,
      Buffer.from(`token=\xff`, 'latin1'),
      `=${access}`,
      `&&&`,
      '',
      Array.from({ length: 65 }, (_, at) => `a${at}=1`).join('&'),
      `{"token":"${access}"}`,
    ]
    for (const path of OAUTH_ROUTES) {
      for (const body of forms) {
        const answer = await refused(
          { line: `POST ${path}`, headers: [basic(SVC), FORM_BODY], body },
          'oauth',
        )
        assert.equal(answer.status, 400, `${path} ${String(body)}`)
      }
      for (const query of [`token=${access}`, 'x', '?', 'client_id=svc&client_secret=x', 'callback=f']) {
        const body = `token=${access}&grant_type=client_credentials`
        const sent = { line: `POST ${path}?${query}`, headers: [basic(SVC), FORM_BODY], body }
        assert.equal((await refused(sent, 'oauth')).status, 400, query)
      }
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '']) {
        const sent = {
          line: `POST ${path}`,
          headers: [basic(SVC), `Content-Type: ${type}`],
          body: `token=${access}`,
        }
        assert.equal((await refused(sent, 'oauth')).status, 400, type)
      }
    }
    for (const path of OAUTH_ROUTES) {
      const body = `token=${access};token=x`
      const sent = { line: `POST ${path}`, headers: [basic(SVC), FORM_BODY], body }
      assert.equal((await refused(sent, 'oauth')).status, 400, '[N06] two tokens to some, none to others')
    }
    const semicolon = await world.calls.oauthRevoke(SVC, `${access};token=x`)
    assert.equal(semicolon.status, 200, 'a token of that text does not exist')
  },
)

hostile('a query on a chat call is refused, and ends nothing', async () => {
  for (const query of ['', 'token=x', 'all=true', `client=${VICTIM}`, 'token[]=x']) {
    for (const line of [
      `DELETE /admin/clients/${VICTIM}/token?${query}`,
      `PUT /admin/clients/${VICTIM}/token?${query}`,
      `POST /admin/clients?${query}`,
    ]) {
      const body = line.startsWith('POST') ? `{"_id":"${VICTIM}","nickname":"q"}` : '{"token":"unbound"}'
      await refused({ line, headers: [API_KEY, JSON_BODY], body }, 'chat')
    }
  }
})

hostile('every credential counts to its last character, at any length', async () => {
  const revoke = `DELETE /admin/clients/${VICTIM}/token`
  for (const key of changes(CHAT.apiKey)) {
    const answer = await refused({ line: revoke, headers: [`IM-API-KEY: ${key}`] }, 'chat')
    assert.equal(answer.status, 401, key)
  }
  for (const key of changes(CHAT.clientKey)) {
    const headers = [`IM-CLIENT-KEY: ${key}`, `IM-Authorization: ${world.victims.chat}`]
    assert.equal((await refused({ line: 'GET /me', headers }, 'chat')).status, 403, key)
  }
  for (const client of [SVC, GATEWAY]) {
    for (const clientSecret of changes(client.clientSecret)) {
      const headers = [basic({ ...client, clientSecret }), FORM_BODY]
      const sent = { line: `POST ${OAUTH}`, headers, body: 'grant_type=client_credentials' }
      assert.equal((await refused(sent, 'oauth')).status, 401, clientSecret)
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        ...client,
        client_secret: clientSecret,
      })
      form.set('client_id', client.clientId)
      const inBody = { line: `POST ${OAUTH}`, headers: [FORM_BODY], body: form.toString() }
      assert.equal((await refused(inBody, 'oauth')).status, 401, clientSecret)
    }
  }
  for (const apiKey of changes(ANN.apiKey)) {
    const auth = { 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey } }
    const sent = { line: 'POST /v2.0/tokens', headers: [JSON_BODY], body: JSON.stringify({ auth }) }
    assert.equal((await refused(sent, 'identity')).status, 401, apiKey)
  }
  for (const key of changes(CONTROL.slice('Authorization: Bearer '.length))) {
    const sent = { line: 'POST /control/v1/grants', headers: [`Authorization: Bearer ${key}`] }
    assert.equal((await refused(sent, 'problem')).status, 401, key)
  }
})

/** Texts that are nearly the same. A header's value cannot begin or end with a space. */
function changes(text: string): readonly string[] {
  const swapped = [...text].map((char) =>
    char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase(),
  )
  return [
    text.slice(0, -1),
    text.slice(1),
    `${text}x`,
    `${text}${'x'.repeat(400)}`,
    `x${text}`,
    text + text,
    swapped.join(''),
    text.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')),
    `${text}\xc2\xa0x`,
    `"${text}"`,
    encodeURIComponent(encodeURIComponent(`${text}%`)),
  ].filter((changed) => changed !== text)
}

hostile('a Basic header that is broken is 401, never an error of ours', async () => {
  for (const value of [
    'Basic',
    'Basic ',
    'Basic =',
    'Basic !!!!',
    `Basic ${Buffer.from('svc').toString('base64')}`,
    `Basic ${Buffer.from(':').toString('base64')}`,
    `Basic ${Buffer.from('svc:').toString('base64')}`,
    `Basic ${Buffer.from('svc\0:x').toString('base64')}`,
    `Basic ${Buffer.from('\xff:\xff', 'latin1').toString('base64')}`,
    `Basic ${Buffer.from('%zz:%').toString('base64')}`,
    `Basic ${Buffer.from('__proto__:x').toString('base64')}`,
    `Basic ${Buffer.from('constructor:x').toString('base64')}`,
    `Basic ${'A'.repeat(8_000)}`,
    `Bearer ${world.victims.access}`,
    'Digest username="svc"',
    'Negotiate abc',
    'x',
  ]) {
    for (const path of OAUTH_ROUTES) {
      const headers = [`Authorization: ${value}`, FORM_BODY]
      const answer = await refused(
        { line: `POST ${path}`, headers, body: `token=${world.victims.access}` },
        'oauth',
      )
      assert.equal(answer.status, 401, value)
    }
  }
})

hostile('[N08] ids named like members of every object are only ids', async () => {
  for (const id of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    '',
  ]) {
    const client = { clientId: id, clientSecret: 'x' }
    assert.equal((await world.send(introspection(client))).status, 401)
    const line = `DELETE /admin/clients/${id}/token`
    assert.ok([400, 404].includes((await refused({ line, headers: [API_KEY] }, 'chat')).status))
    const auth = { 'RAX-KSKEY:apiKeyCredentials': { username: id, apiKey: 'x' } }
    const login = { line: 'POST /v2.0/tokens', headers: [JSON_BODY], body: JSON.stringify({ auth }) }
    assert.ok([400, 401].includes((await refused(login, 'identity')).status))
    const me = { line: 'GET /me', headers: [CLIENT_KEY, `IM-Authorization: ${id}`] }
    assert.equal((await refused(me, 'chat')).status, 401)
    const realm = { line: `POST /control/v1/grants?realm=${id}`, headers: [CONTROL, JSON_BODY], body: '{}' }
    await refused(realm, 'problem')
  }
})

function introspection(client: { readonly clientId: string; readonly clientSecret: string }): Buffer {
  return sentBytes({ line: `POST ${OAUTH}/introspect`, headers: [basic(client), FORM_BODY], body: 'token=x' })
}
