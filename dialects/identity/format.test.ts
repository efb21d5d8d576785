import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatOf, withoutSuffix } from './format.ts'
import { as, openIdentity, passwordLogin } from './test-world.ts'

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

test('a suffix is one at the end of a v2.0 path only', () => {
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
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<itemNotFound xmlns="http://docs.openstack.org/identity/api/v2.0" code="404"><message>The resource could not be found.</message></itemNotFound>',
  )
})

test('the server’s own refusals are in XML where XML was asked for', async () => {
  const { dialect } = await openIdentity()
  const written = (path: string, accept?: string) =>
    dialect.refuse({ kind: 'outage' }, path, accept).headers['content-type']
  assert.equal(written('/v2.0/tokens', 'application/xml'), 'application/xml')
  assert.equal(written('/v2.0/tokens.xml'), 'application/xml')
  assert.equal(written('/v2.0/tokens'), 'application/json')
  assert.equal(written('/v2.0/tokens', 'text/html'), 'application/json')
})

test('request and answer may be written differently', async () => {
  const { ask } = await openIdentity()
  const given = passwordLogin('ann')
  const body =
    '<auth xmlns="http://docs.openstack.org/identity/api/v2.0" tenantId="900100"><passwordCredentials username="ann" password="pw-ann"/></auth>'
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

test('revoking by a path with a suffix ends what the path names, never the caller’s own by mistake', async () => {
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

test('every form of login is taken in XML, and an impersonation', async () => {
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
