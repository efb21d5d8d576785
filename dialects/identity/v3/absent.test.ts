import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorIn, openV3, send } from '../../../test/kit/world-identity-v3.ts'

// Features of Keystone that this server lacks. Each path is 404 in v3's form for every caller and method.
const ABSENT: readonly string[] = [
  '/v3/groups',
  '/v3/groups/g1/users/pia',
  '/v3/users/pia/groups',
  '/v3/projects/team/groups/g1/roles/member',
  '/v3/domains/blue/groups/g1/roles',
  '/v3/system/groups/g1/roles',
  '/v3/regions',
  '/v3/regions/R1',
  '/v3/limits',
  '/v3/limits/model',
  '/v3/registered_limits',
  '/v3/policies',
  '/v3/policies/p1',
  '/v3/policies/p1/OS-ENDPOINT-POLICY/endpoints',
  '/v3/OS-INHERIT/projects/team/users/pia/roles/member/inherited_to_projects',
  '/v3/OS-INHERIT/domains/blue/users/pia/roles/inherited_to_projects',
  '/v3/role_inferences',
  '/v3/roles/member/implies',
  '/v3/projects/team/tags',
  '/v3/domains/blue/config',
  '/v3/domains/config/default',
  '/v3/credentials',
  '/v3/users/pia/credentials/OS-EC2',
  '/v3/users/pia/access_rules',
  '/v3/ec2tokens',
  '/v3/s3tokens',
  '/v3/OS-TRUST/trusts',
  '/v3/OS-FEDERATION/identity_providers',
  '/v3/OS-EP-FILTER/projects/team/endpoints',
  '/v3/OS-OAUTH1/consumers',
  '/v3/OS-OAUTH2/token',
  '/v3/OS-SIMPLE-CERT/ca',
]

test('features of Keystone that this server lacks are 404 in v3’s form, for everybody and every method', async () => {
  const { ask, enter } = await openV3()
  const as = await enter('sysadmin')
  for (const path of ABSENT)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      for (const given of [{}, { as }]) {
        const answer = await ask(send(method, path, given))
        assert.equal(answer.status, 404, `${method} ${path}`)
        assert.deepEqual(await errorIn(answer), {
          code: 404,
          message: 'The resource could not be found.',
          title: 'Not Found',
        })
        assert.match(answer.headers['x-openstack-request-id'] ?? '', /^req-/)
      }
})

test('OPTIONS lists the methods of a path for everybody, and so does a 405', async () => {
  const { ask } = await openV3()
  const paths = {
    '/v3': 'GET, HEAD, OPTIONS',
    '/v3/auth/tokens': 'GET, POST, DELETE, HEAD, OPTIONS',
    '/v3/users': 'GET, POST, HEAD, OPTIONS',
    '/v3/users/no-such': 'GET, PATCH, DELETE, HEAD, OPTIONS',
    '/v3/users/no-such/password': 'POST, OPTIONS',
  }
  for (const [path, allow] of Object.entries(paths)) {
    const answer = await ask(send('OPTIONS', path))
    assert.deepEqual([answer.status, answer.headers['allow'], answer.body], [200, allow, ''], path)
    const refused = await ask(send('TRACE', path))
    assert.deepEqual([refused.status, refused.headers['allow']], [405, allow], path)
  }
})
