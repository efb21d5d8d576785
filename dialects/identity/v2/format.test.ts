import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyJson } from '../../../test/kit/request.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import { as, openIdentity, passwordLogin, post } from '../../../test/kit/world-identity.ts'
import { formatOf, withoutSuffix } from './format.ts'

const CASES: readonly [string | undefined, 'json' | 'xml' | undefined][] = [
  [undefined, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['APPLICATION/JSON; charset=utf-8', 'json'],
  ['application/*;q=0.1', 'json'],
  ['application/xml, application/json;q=0.2', 'xml'],
  ['application/xml;q=0.2, application/json', 'json'],
  ['application/xml, application/json', 'json'],
  ['application/xml, */*;q=0.1', 'xml'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'xml'],
  ['text/html,*/*;q=0.8', 'json'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['application/vnd.openstack.identity-v2.0+json', 'json'],
  ['application/json;q=0', undefined],
  ['application/json;q=0, */*', 'xml'],
  ['*/*;q=0, application/json', 'json'],
  ['application/*;q=0, */*', undefined],
  ['text/html', undefined],
  [';;;,,,', undefined],
]

for (const [accept, format] of CASES)
  test(`Accept ${JSON.stringify(accept)} is answered in ${format ?? 'nothing: 406'}`, () => {
    assert.equal(formatOf(accept), format)
  })

test('a suffix counts only at the end of a v2.0 path', () => {
  const cases = [
    ['/v2.0/tokens.json', '/v2.0/tokens', 'json'],
    ['/v2.0/tokens/x.xml', '/v2.0/tokens/x', 'xml'],
    ['/v2.0.xml', '/v2.0', 'xml'],
    ['/v2.0', '/v2.0', undefined],
    ['/v2.0/users/a%2Exml', '/v2.0/users/a%2Exml', undefined],
    ['/v2.0/tokens.XML', '/v2.0/tokens.XML', undefined],
    ['/v3/x.xml', '/v3/x.xml', undefined],
  ] as const
  for (const [path, bare, format] of cases) assert.deepEqual(withoutSuffix(path), { path: bare, format })
})

test('a suffix wins over Accept, for good answers and for faults', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  const headers = { 'x-auth-token': ann, accept: 'application/json' }
  const xml = await ask({ method: 'GET', path: `/v2.0/tokens/${ann}.xml`, headers })
  assert.deepEqual([xml.status, xml.headers['content-type']], [200, 'application/xml'])
  const none = await ask({
    method: 'GET',
    path: `/v2.0/tokens/${ann}.json`,
    headers: { accept: 'text/html' },
  })
  assert.deepEqual([none.status, none.headers['content-type']], [401, 'application/json'])
  const lost = await ask({ method: 'GET', path: '/v2.0/nowhere.xml' })
  assert.equal(
    lost.body,
    [
      '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
      '<itemNotFound xmlns="http://docs.openstack.org/identity/api/v2.0" code="404">',
      '<message>The resource could not be found.</message></itemNotFound>',
    ].join(''),
  )
})

test('the server’s own refusals are in XML if XML was asked for', async () => {
  const { dialect } = await openIdentity()
  const written = (path: string, accept?: string) =>
    dialect.refuse({ kind: 'outage' }, path, accept).headers['content-type']
  assert.equal(written('/v2.0/tokens', 'application/xml'), 'application/xml')
  assert.equal(written('/v2.0/tokens.xml'), 'application/xml')
  assert.equal(written('/v2.0/tokens'), 'application/json')
  assert.equal(written('/v2.0/tokens', 'text/html'), 'application/json')
})

test('request and answer may have different formats', async () => {
  const { ask } = await openIdentity()
  const given = passwordLogin('ann')
  const login = '<passwordCredentials username="ann" password="pw-ann"/>'
  const body = `<auth xmlns="http://docs.openstack.org/identity/api/v2.0" tenantId="900100">${login}</auth>`
  const json = await ask({ ...given, headers: { 'content-type': 'application/xml' }, body })
  assert.deepEqual([json.status, json.headers['content-type']], [200, 'application/json'])
  const xml = await ask({ ...given, headers: { ...given.headers, accept: 'application/xml' } })
  assert.deepEqual([xml.status, xml.headers['content-type']], [200, 'application/xml'])
  assert.match(String(xml.body), /<access xmlns="[^"]+v2\.0" xmlns:RAX-AUTH="[^"]+"><token id="rsi_/)
  assert.match(
    String(xml.body),
    /<RAX-AUTH:authenticatedBy><RAX-AUTH:credential>PASSWORD<\/RAX-AUTH:credential>/,
  )
})

test('revoking by a path with a suffix ends the named token, never the caller’s own by mistake', async () => {
  const { ask, login } = await openIdentity()
  const [root, ann, other] = [await login('root'), await login('ann'), await login('ann')]
  assert.equal((await ask(as(root, 'DELETE', `/v2.0/tokens/${ann}.json`))).status, 204)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 404)
  assert.notEqual((await ask(as(other, 'DELETE', '/v2.0/tokens/.json'))).status, 204)
  assert.equal((await ask(as(other, 'DELETE', '/v2.0/tokens.xml'))).status, 204)
})

const NS = 'xmlns="http://docs.openstack.org/identity/api/v2.0"'
const RAX = 'xmlns="http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0"'
const KSKEY = 'xmlns="http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0"'

test('every form of login, and an impersonation, is accepted in XML', async () => {
  const { ask, login } = await openIdentity()
  const [ann, root] = [await login('ann'), await login('root')]
  const given = passwordLogin('ann')
  const headers = { 'content-type': 'application/xml; charset=UTF-8', accept: 'application/xml' }
  const forms = [
    [`<auth ${NS}><passwordCredentials userId="id-ann" password="pw-ann"/></auth>`, 200],
    [
      `<auth ${NS} tenantName="tenant-900100"><passwordCredentials username="ann" password="pw-ann"/></auth>`,
      200,
    ],
    [`<auth ${NS}><passwordCredentials username="ann" password="pw-ann" tenantId="900100"/></auth>`, 200],
    [`<auth ${NS}><apiKeyCredentials ${KSKEY} username="ann" apiKey="key-ann"/></auth>`, 200],
    [`<auth ${NS}><apiKeyCredentials username="ann" apiKey="key-ann"/></auth>`, 400],
    [`<auth ${NS} tenantId="900100"><token id="${ann}"/></auth>`, 200],
    [`<auth ${NS}><passcodeCredentials ${RAX} passcode="123456"/></auth>`, 401],
    [
      `<auth ${NS}><passwordCredentials username="ann" password="pw-ann"/><scope ${RAX}>SETUP-MFA</scope></auth>`,
      200,
    ],
    [
      `<auth ${NS} tenantId="1" tenantName="2"><passwordCredentials username="ann" password="pw-ann"/></auth>`,
      400,
    ],
    [`<auth ${NS}><passwordCredentials username="ann" password="no"/></auth>`, 401],
    [`<!DOCTYPE auth><auth ${NS}><passwordCredentials username="ann" password="pw-ann"/></auth>`, 400],
    ['{"auth":{}}', 400],
  ] as const
  for (const [body, status] of forms) {
    const answer = await ask({ ...given, headers, body })
    assert.equal(answer.status, status, body)
    assert.equal(answer.headers['content-type'], 'application/xml')
    assert.match(
      String(answer.body),
      /^<\?xml version="1\.0" encoding="UTF-8" standalone="yes"\?>\n<\w+ xmlns=/,
    )
  }
  const impersonation = `<impersonation ${RAX}><user username="ann"/><expire-in-seconds>60</expire-in-seconds></impersonation>`
  const path = '/v2.0/RAX-AUTH/impersonation-tokens'
  const answer = await ask({
    method: 'POST',
    path,
    headers: { ...headers, 'x-auth-token': root },
    body: impersonation,
  })
  assert.equal(answer.status, 200)
  assert.match(String(answer.body), /<access xmlns="[^"]+"><token id="rsi_\w+" expires="[^"]+"\/><\/access>/)
})

const KSADM = 'xmlns:k="http://docs.openstack.org/identity/api/ext/OS-KSADM/v1.0"'
const IN_XML = { 'content-type': 'application/xml', accept: 'application/json' }

onBothStores(
  '[W20] a password set in XML logs in with JSON and vice versa, to the last space',
  async (store) => {
    const { ask, login } = await openIdentity({ store })
    const headers = { ...IN_XML, 'x-auth-token': await login('owner') }
    let at = 0
    for (const password of [
      ' Spaced pass 1 ',
      '\u00a0Hard pass 1\u00a0',
      '\ufeffMarked pass 1',
      '  \n Line 1 \t',
    ]) {
      at += 1
      const username = `xml-${at}`
      const body = `<user ${NS} ${KSADM} username="${username}">\n  <k:password>${password}</k:password>\n</user>`
      const made = await ask({ method: 'POST', path: '/v2.0/users', headers, body })
      assert.equal(made.status, 201, String(made.body))
      const inJson = async (given: string): Promise<number> =>
        (await ask(post({ auth: { passwordCredentials: { username, password: given } } }))).status
      assert.deepEqual([await inJson(password), await inJson(password.trim())], [200, 401])
      const asked = `<auth ${NS}><passwordCredentials username="${username}"><password>${password}</password></passwordCredentials></auth>`
      assert.equal(
        (await ask({ method: 'POST', path: '/v2.0/tokens', headers: IN_XML, body: asked })).status,
        200,
      )
    }
  },
)

test('[W20] as in JSON, a name may not have white space at its ends', async () => {
  const { ask, login } = await openIdentity()
  const headers = { 'x-auth-token': await login('owner'), accept: 'application/json' }
  for (const name of [' padded ', '\u00a0padded', 'padded\n']) {
    const xml = `<user ${NS}><username>${name}</username></user>`
    const json = JSON.stringify({ user: { username: name } })
    const asked = { method: 'POST', path: '/v2.0/users' }
    const statuses = [
      (await ask({ ...asked, headers: { ...headers, 'content-type': 'application/xml' }, body: xml })).status,
      (await ask({ ...asked, headers: { ...headers, 'content-type': 'application/json' }, body: json }))
        .status,
    ]
    assert.deepEqual(statuses, [400, 400], JSON.stringify(name))
  }
})

test('[W20] white space around a number or a boolean is ignored, as in XML Schema', async () => {
  const { ask, login } = await openIdentity()
  const headers = { ...IN_XML, 'x-auth-token': await login('root') }
  const body = `<impersonation ${RAX}><user username="ann"/><expire-in-seconds>\n  60\n</expire-in-seconds></impersonation>`
  const path = '/v2.0/RAX-AUTH/impersonation-tokens'
  assert.equal((await ask({ method: 'POST', path, headers, body })).status, 200)
  const user = `<user ${NS}><username>flagged</username><enabled> false </enabled></user>`
  const made = await ask({ method: 'POST', path: '/v2.0/users', headers, body: user })
  assert.equal(made.status, 201, String(made.body))
  assert.equal(((await bodyJson(made)) as { user: { enabled: boolean } }).user.enabled, false)
})

test('a body in UTF-16 logs in, and any +json or +xml type is parsed by its suffix', async () => {
  const { ask } = await openIdentity()
  const xml = `<auth ${NS}><passwordCredentials username="ann" password="pw-ann"/></auth>`
  const json = JSON.stringify({ auth: { passwordCredentials: { username: 'ann', password: 'pw-ann' } } })
  const forms: readonly [string, string | Uint8Array, number][] = [
    ['application/xml', Buffer.from(`\ufeff${xml}`, 'utf16le'), 200],
    ['application/xml; charset="UTF-16"', Buffer.from(`\ufeff${xml}`, 'utf16le').swap16(), 200],
    ['text/xml; charset=us-ascii', xml, 200],
    ['application/xml', Buffer.from(xml, 'utf16le'), 400],
    ['application/xml', `<?xml version="1.0" encoding="ISO-8859-1"?>${xml}`, 400],
    ['application/xml; charset=iso-8859-1', xml, 415],
    ['application/vnd.api+json', json, 200],
    ['application/VND.API+JSON; charset=utf-8', json, 200],
    ['application/soap+xml', xml, 200],
    ['application/json; charset=utf-16', Buffer.from(json, 'utf16le'), 415],
    ['text/json', json, 415],
    ['image/svg+xml', xml, 415],
    ['application/jsonp', json, 415],
  ]
  for (const [type, body, status] of forms)
    assert.equal(
      (await ask({ method: 'POST', path: '/v2.0/tokens', headers: { 'content-type': type }, body })).status,
      status,
      type,
    )
})
