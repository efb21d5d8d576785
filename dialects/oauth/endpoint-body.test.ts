import assert from 'node:assert/strict'
import { type OauthStage, onBothStores, STAGE_SECRET } from '../../test/kit/oauth-stage.ts'

const FORM = 'application/x-www-form-urlencoded'
const ENDPOINTS = ['', '/revoke', '/introspect']
const CLIENT = `client_id=svc&client_secret=${STAGE_SECRET}`

async function opened(stage: OauthStage): Promise<{ readonly access: string; readonly other: string }> {
  const client = await stage.put('svc', { grantTypes: ['client_credentials', 'refresh_token'] })
  return { access: (await stage.grant(client)).access, other: (await stage.grant(client)).access }
}

/* A body that its writer meant to hold two tokens must not be answered as if it named one, or none. */
onBothStores(
  '[N06] a form whose pairs are joined by anything but & is 400, and revokes nothing',
  async (stage) => {
    const { access, other } = await opened(stage)
    for (const tokens of [
      `token=${access};token=${other}`,
      `token=${access}; token=${other}`.replace('; ', ';'),
      `token=${access};`,
      `token=${access};;`,
      `;token=${access}`,
      `token=${access}&amp;token=${other}`,
      `token=${access}&amp;token_type_hint=access_token`,
      `token=${access};token_type_hint=access_token`,
      `token=${access};token[]=${other}`,
      `token=${access}\ntoken=${other}`,
      `token=${access}\r\ntoken=${other}`,
      `token=${access}\n`,
      `token=${access}\r\n`,
      `token=${access}&token=${other}`,
      `token=${access}&token=`,
      `token[]=${access}`,
      `token[0]=${access}&token[1]=${other}`,
      `{"token":"${access}"}`,
    ]) {
      for (const body of [`${CLIENT}&${tokens}`, `${tokens}&${CLIENT}`]) {
        for (const path of ENDPOINTS) {
          const { status, body: said } = await stage.send(path, {
            body: path === '' ? `grant_type=x&${body}` : body,
          })
          assert.ok(status === 400 || status === 401, `${path}: ${body}`)
          assert.ok(said['error'] !== undefined)
        }
      }
    }
    for (const token of [access, other]) assert.ok(await stage.isActive('svc', token))
  },
)

onBothStores(
  '[N06] a semicolon belongs to the value when escaped, or raw where no parameter could begin',
  async (stage) => {
    await opened(stage)
    await stage.put('semi', { clientSecret: 'one;two;3', grantTypes: ['client_credentials'] })
    for (const secret of ['one%3Btwo%3B3', 'one;two;3', 'one%3btwo;3']) {
      const body = `grant_type=client_credentials&client_id=semi&client_secret=${secret}`
      assert.equal((await stage.send('', { body })).status, 200, secret)
    }
    // RFC 7009 §2.2: revoking unknown text is a success.
    for (const token of ['a%3Btoken%3Db', 'a%3B', 'a;b', 'a%0A'])
      assert.equal((await stage.send('/revoke', { body: `${CLIENT}&token=${token}` })).status, 200, token)
  },
)

/* An empty query carries no parameters. */
onBothStores('[R6] an empty query is accepted at every endpoint; any other is 400', async (stage) => {
  const { access } = await opened(stage)
  const body = `${CLIENT}&grant_type=client_credentials&token=${access}`
  for (const query of ['?', '&', 'x', `token=${access}`, '=', '%3F', '#'])
    for (const path of ENDPOINTS) assert.equal((await stage.send(path, { body, query })).status, 400, query)
  assert.ok(await stage.isActive('svc', access))
  for (const path of ENDPOINTS) assert.equal((await stage.send(path, { body, query: '' })).status, 200, path)
})

onBothStores(
  '[R6] extra spaces in a scope are ignored; any other malformed scope is refused',
  async (stage) => {
    await opened(stage)
    const asked = (scope: string) => stage.form('', 'svc', { grant_type: 'client_credentials', scope })
    for (const [scope, granted] of [
      ['read ', 'read'],
      [' read', 'read'],
      ['  read   write  ', 'read write'],
      ['write read', 'write read'],
      ['read read ', 'read'],
      ['', 'read write'],
    ] as const)
      assert.equal((await asked(scope)).body['scope'], granted, JSON.stringify(scope))
    for (const scope of [
      ' ',
      '   ',
      'read\t',
      'read\nwrite',
      'read\u00a0',
      'read,write',
      'read admin ',
      'READ ',
      '"read"',
      'read '.repeat(300),
    ])
      assert.equal((await asked(scope)).body['error'], 'invalid_scope', JSON.stringify(scope))
  },
)

/*
 * Only a body of the exact media type is read. RFC 6749 §5.2 has 400 for malformed requests, and RFC 7009 and 7662
 * refer to it. So every endpoint answers 400 `invalid_request`, never 415.
 */
onBothStores(
  '[N13] [N15] a body of another type, or in another charset, is 400 at every endpoint, and is not read',
  async (stage) => {
    const { access } = await opened(stage)
    const body = `${CLIENT}&grant_type=client_credentials&token=${access}`
    for (const type of [
      undefined,
      '',
      'text/plain',
      'application/json',
      'application/xml',
      'text/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded-2',
      'x-application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded, text/plain',
      `${FORM}; charset=iso-8859-1`,
      `${FORM}; charset=utf-16`,
      `${FORM}; charset=`,
    ]) {
      for (const path of ENDPOINTS) {
        const { status, body: said } = await stage.send(path, { body, headers: { 'content-type': type } })
        assert.deepEqual([status, said['error']], [400, 'invalid_request'], `${path}: ${type}`)
      }
    }
    assert.ok(await stage.isActive('svc', access))
    for (const type of [
      FORM,
      FORM.toUpperCase(),
      `${FORM};charset=UTF-8`,
      `${FORM}; charset="utf-8"`,
      `${FORM}; x=y`,
    ])
      for (const path of ENDPOINTS)
        assert.equal((await stage.send(path, { body, headers: { 'content-type': type } })).status, 200, type)
  },
)
