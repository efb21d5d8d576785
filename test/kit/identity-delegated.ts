// The calls of delegated.test.ts. `boss` governs everything, so only delegation can restrict its tokens.

const USER = '/v2.0/users/id-bob'
const KEY = `${USER}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`
const MFA = `${USER}/RAX-AUTH/multi-factor`
export const SECRET_SEED = 'JBSWY3DPEHPK3PXP'

export type Decision =
  /** Shows a secret, makes or changes a credential, or makes something that outlives the token. */
  | 'guarded'
  /** Makes or deletes application credentials, which unrestricted ones may do. */
  | 'app-credential'
  /** Uses rights without making any. */
  | 'free'
export type Case = {
  readonly is: Decision
  readonly asks: readonly (readonly [path: string, body?: unknown])[]
}

const free = (path: string, body?: unknown): Case => ({ is: 'free', asks: [[path, body]] })
const guarded = (...asks: Case['asks']): Case => ({ is: 'guarded', asks })

const PASSWORD = { user: { password: 'new-password' } }
const NAMES = { user: { username: 'renamed' } }

/** Every method of every route. The `free` ones are what delegated tokens may do. */
export const CASES: Readonly<Record<string, Case>> = {
  'GET /': free('/'),
  'GET /v2.0': free('/v2.0'),
  'GET /v2.0/extensions': free('/v2.0/extensions'),
  'GET /v2.0/extensions/{alias}': free('/v2.0/extensions/RAX-AUTH'),
  'DELETE /v2.0/tokens': free('/v2.0/tokens'),
  'POST /v2.0/tokens': free('/v2.0/tokens', { auth: { token: { id: 'OWN' } } }),
  'GET /v2.0/tokens/revoked': free('/v2.0/tokens/revoked'),
  'DELETE /v2.0/tokens/{tokenId}': free('/v2.0/tokens/OWN'),
  'GET /v2.0/tokens/{tokenId}': free('/v2.0/tokens/OWN'),
  'GET /v2.0/tokens/{tokenId}/endpoints': free('/v2.0/tokens/OWN/endpoints'),
  'GET /v2.0/OS-KSVALIDATE/token/validate': free('/v2.0/OS-KSVALIDATE/token/validate'),
  'GET /v2.0/OS-KSVALIDATE/token/endpoints': free('/v2.0/OS-KSVALIDATE/token/endpoints'),
  'POST /v2.0/RAX-AUTH/impersonation-tokens': guarded([
    '/v2.0/RAX-AUTH/impersonation-tokens',
    { 'RAX-AUTH:impersonation': { user: { username: 'bob' } } },
  ]),
  'GET /v2.0/users': free('/v2.0/users'),
  'POST /v2.0/users': guarded(
    ['/v2.0/users', { user: { username: 'made', password: 'x' } }],
    ['/v2.0/users', { user: { name: 'made' } }],
  ),
  'POST /v2.0/users/RAX-AUTH/change-pwd': free('/v2.0/users/RAX-AUTH/change-pwd', {}),
  'POST /v2.0/users/RAX-AUTH/forgot-pwd': free('/v2.0/users/RAX-AUTH/forgot-pwd', {}),
  'POST /v2.0/users/RAX-AUTH/pwd-reset': guarded(['/v2.0/users/RAX-AUTH/pwd-reset', PASSWORD]),
  'GET /v2.0/users/{userId}': free(USER),
  'POST /v2.0/users/{userId}': guarded(
    [USER, PASSWORD],
    [USER, { user: { email: 'thief@example.org' } }],
    [USER, NAMES],
    [USER, { user: { tenantId: '900200' } }],
    [USER, { user: { 'RAX-AUTH:domainId': '900200' } }],
    ['/v2.0/users/boss', PASSWORD],
  ),
  'PUT /v2.0/users/{userId}': guarded([USER, PASSWORD], [USER, NAMES], ['/v2.0/users/boss', PASSWORD]),
  'DELETE /v2.0/users/{userId}': free(USER),
  'GET /v2.0/users/{userId}/RAX-AUTH/admins': free(`${USER}/RAX-AUTH/admins`),
  'GET /v2.0/users/{userId}/roles': free(`${USER}/roles`),
  'PUT /v2.0/users/{userId}/roles/OS-KSADM/{roleId}': guarded([`${USER}/roles/OS-KSADM/7`]),
  'DELETE /v2.0/users/{userId}/roles/OS-KSADM/{roleId}': free(`${USER}/roles/OS-KSADM/2`),
  'PUT /v2.0/users/{userId}/OS-KSADM/password': guarded(
    [`${USER}/OS-KSADM/password`, PASSWORD],
    ['/v2.0/users/boss/OS-KSADM/password', PASSWORD],
  ),
  'PUT /v2.0/users/{userId}/OS-KSADM/enabled': free(`${USER}/OS-KSADM/enabled`, { user: { enabled: false } }),
  'PUT /v2.0/users/{userId}/OS-KSADM/tenant': guarded([
    `${USER}/OS-KSADM/tenant`,
    { user: { tenantId: '900200' } },
  ]),
  'GET /v2.0/users/{userId}/OS-KSADM/credentials': guarded(
    [`${USER}/OS-KSADM/credentials`],
    ['/v2.0/users/boss/OS-KSADM/credentials'],
  ),
  'POST /v2.0/users/{userId}/OS-KSADM/credentials': guarded(
    [`${USER}/OS-KSADM/credentials`, { passwordCredentials: { username: 'bob', password: 'new' } }],
    [`${USER}/OS-KSADM/credentials`, { 'RAX-KSKEY:apiKeyCredentials': { username: 'bob', apiKey: 'new' } }],
  ),
  'GET /v2.0/users/{userId}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials': guarded([KEY]),
  'DELETE /v2.0/users/{userId}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials': guarded([KEY]),
  'POST /v2.0/users/{userId}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset': guarded(
    [`${KEY}/RAX-AUTH/reset`],
    ['/v2.0/users/boss/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset'],
  ),
  'PATCH /v2.0/OS-KSCRUD/users/{userId}': guarded([
    '/v2.0/OS-KSCRUD/users/boss',
    { user: { password: 'new', original_password: 'pw-boss' } },
  ]),
  'PUT /v2.0/users/{userId}/RAX-AUTH/multi-factor': guarded(
    [MFA, { 'RAX-AUTH:multiFactor': { enabled: true } }],
    [MFA, { 'RAX-AUTH:multiFactor': { enabled: false } }],
    [MFA, { 'RAX-AUTH:multiFactor': { userMultiFactorEnforcementLevel: 'OPTIONAL' } }],
  ),
  'DELETE /v2.0/users/{userId}/RAX-AUTH/multi-factor': guarded([MFA]),
  'GET /v2.0/users/{userId}/RAX-AUTH/multi-factor/otp-devices': free(`${MFA}/otp-devices`),
  'POST /v2.0/users/{userId}/RAX-AUTH/multi-factor/otp-devices': guarded(
    [`${MFA}/otp-devices`, { 'RAX-AUTH:otpDevice': { name: 'thief' } }],
    ['/v2.0/users/boss/RAX-AUTH/multi-factor/otp-devices', { 'RAX-AUTH:otpDevice': { name: 'thief' } }],
  ),
  'GET /v2.0/users/{userId}/RAX-AUTH/multi-factor/otp-devices/{deviceId}': free(`${MFA}/otp-devices/seed`),
  'DELETE /v2.0/users/{userId}/RAX-AUTH/multi-factor/otp-devices/{deviceId}': guarded([
    `${MFA}/otp-devices/seed`,
  ]),
  'POST /v2.0/users/{userId}/RAX-AUTH/multi-factor/otp-devices/{deviceId}/verify': guarded([
    `${MFA}/otp-devices/seed/verify`,
    { 'RAX-AUTH:verificationCode': { code: '000000' } },
  ]),
  'GET /v2.0/users/{userId}/RAX-AUTH/multi-factor/mobile-phones': free(`${MFA}/mobile-phones`),
  'POST /v2.0/users/{userId}/RAX-AUTH/multi-factor/mobile-phones': guarded([
    `${MFA}/mobile-phones`,
    { 'RAX-AUTH:mobilePhone': { number: '+1 555 0199' } },
  ]),
  'DELETE /v2.0/users/{userId}/RAX-AUTH/multi-factor/mobile-phones/{phoneId}': guarded([
    `${MFA}/mobile-phones/p`,
  ]),
  'POST /v2.0/users/{userId}/RAX-AUTH/multi-factor/mobile-phones/{phoneId}/verificationcode': guarded([
    `${MFA}/mobile-phones/p/verificationcode`,
  ]),
  'POST /v2.0/users/{userId}/RAX-AUTH/multi-factor/mobile-phones/{phoneId}/verify': guarded([
    `${MFA}/mobile-phones/p/verify`,
    { 'RAX-AUTH:verificationCode': { code: '0000000' } },
  ]),
  'PUT /v2.0/RAX-AUTH/domains/{accountId}/multi-factor': guarded([
    '/v2.0/RAX-AUTH/domains/900100/multi-factor',
    { 'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: 'OPTIONAL' } },
  ]),
  'GET /v2.0/tenants': free('/v2.0/tenants'),
  'POST /v2.0/tenants': free('/v2.0/tenants', { tenant: { name: 'made' } }),
  'GET /v2.0/tenants/{tenantId}': free('/v2.0/tenants/900100'),
  'POST /v2.0/tenants/{tenantId}': free('/v2.0/tenants/900100', { tenant: { name: 'renamed' } }),
  'PUT /v2.0/tenants/{tenantId}': free('/v2.0/tenants/900100', { tenant: { enabled: false } }),
  'DELETE /v2.0/tenants/{tenantId}': free('/v2.0/tenants/900100'),
  'GET /v2.0/tenants/{tenantId}/users': free('/v2.0/tenants/900100/users'),
  'GET /v2.0/tenants/{tenantId}/users/{userId}/roles': free('/v2.0/tenants/900100/users/id-bob/roles'),
  'PUT /v2.0/tenants/{tenantId}/users/{userId}/roles/OS-KSADM/{roleId}': guarded([
    '/v2.0/tenants/900100/users/id-bob/roles/OS-KSADM/member',
  ]),
  'DELETE /v2.0/tenants/{tenantId}/users/{userId}/roles/OS-KSADM/{roleId}': free(
    '/v2.0/tenants/900100/users/id-bob/roles/OS-KSADM/reader',
  ),
  'GET /v2.0/OS-KSADM/roles': free('/v2.0/OS-KSADM/roles'),
  'POST /v2.0/OS-KSADM/roles': free('/v2.0/OS-KSADM/roles', { role: { name: 'made' } }),
  'GET /v2.0/OS-KSADM/roles/{roleId}': free('/v2.0/OS-KSADM/roles/2'),
  'DELETE /v2.0/OS-KSADM/roles/{roleId}': free('/v2.0/OS-KSADM/roles/made'),
  'GET /v2.0/OS-KSADM/services': free('/v2.0/OS-KSADM/services'),
  'POST /v2.0/OS-KSADM/services': free('/v2.0/OS-KSADM/services', {}),
  'GET /v2.0/OS-KSADM/services/{serviceId}': free('/v2.0/OS-KSADM/services/s'),
  'DELETE /v2.0/OS-KSADM/services/{serviceId}': free('/v2.0/OS-KSADM/services/s'),
  'GET /v2.0/endpoints': free('/v2.0/endpoints'),
  'POST /v2.0/endpoints': free('/v2.0/endpoints', {}),
  'DELETE /v2.0/endpoints/{endpointId}': free('/v2.0/endpoints/e'),

  'GET /v3': free('/v3'),
  'GET /v3/auth/tokens': free('/v3/auth/tokens'),
  'POST /v3/auth/tokens': free('/v3/auth/tokens', {
    auth: { identity: { methods: ['token'], token: { id: 'OWN' } } },
  }),
  'DELETE /v3/auth/tokens': free('/v3/auth/tokens'),
  'GET /v3/auth/tokens/OS-PKI/revoked': free('/v3/auth/tokens/OS-PKI/revoked'),
  'GET /v3/auth/catalog': free('/v3/auth/catalog'),
  'GET /v3/auth/projects': free('/v3/auth/projects'),
  'GET /v3/auth/domains': free('/v3/auth/domains'),
  'GET /v3/auth/system': free('/v3/auth/system'),
  'GET /v3/OS-REVOKE/events': free('/v3/OS-REVOKE/events'),
  'GET /v3/users': free('/v3/users'),
  'POST /v3/users': guarded(
    ['/v3/users', { user: { name: 'made', domain_id: 'blue', password: 'x' } }],
    ['/v3/users', { user: { name: 'made', domain_id: 'blue' } }],
  ),
  'GET /v3/users/{user}': free('/v3/users/pol'),
  'PATCH /v3/users/{user}': guarded(
    ['/v3/users/pol', PASSWORD],
    ['/v3/users/pol', { user: { email: 'thief@example.org' } }],
    ['/v3/users/pol', { user: { name: 'renamed' } }],
    ['/v3/users/pol', { user: { default_project_id: 'lab' } }],
    ['/v3/users/boss', PASSWORD],
  ),
  'DELETE /v3/users/{user}': free('/v3/users/pol'),
  'POST /v3/users/{user}/password': guarded([
    '/v3/users/boss/password',
    { user: { password: 'new', original_password: 'pw-boss' } },
  ]),
  'GET /v3/users/{user}/projects': free('/v3/users/pol/projects'),
  'GET /v3/users/{user}/application_credentials': free('/v3/users/boss/application_credentials'),
  'POST /v3/users/{user}/application_credentials': {
    is: 'app-credential',
    asks: [['/v3/users/boss/application_credentials', { application_credential: { name: 'made' } }]],
  },
  'GET /v3/users/{user}/application_credentials/{credential}': free(
    '/v3/users/boss/application_credentials/OTHER',
  ),
  'DELETE /v3/users/{user}/application_credentials/{credential}': {
    is: 'app-credential',
    asks: [['/v3/users/boss/application_credentials/OTHER'], ['/v3/users/pia/application_credentials/PIAS']],
  },
  'GET /v3/projects': free('/v3/projects'),
  'POST /v3/projects': free('/v3/projects', { project: { name: 'made', domain_id: 'blue' } }),
  'GET /v3/projects/{project}': free('/v3/projects/lab'),
  'PATCH /v3/projects/{project}': free('/v3/projects/lab', { project: { description: 'changed' } }),
  'DELETE /v3/projects/{project}': free('/v3/projects/lab'),
  'GET /v3/projects/{project}/users/{user}/roles': free('/v3/projects/team/users/pol/roles'),
  'GET /v3/projects/{project}/users/{user}/roles/{role}': free('/v3/projects/team/users/pol/roles/member'),
  'PUT /v3/projects/{project}/users/{user}/roles/{role}': guarded(
    ['/v3/projects/team/users/pol/roles/reader'],
    ['/v3/projects/team/users/boss/roles/reader'],
  ),
  'DELETE /v3/projects/{project}/users/{user}/roles/{role}': free('/v3/projects/team/users/pol/roles/member'),
  'GET /v3/domains': free('/v3/domains'),
  'POST /v3/domains': free('/v3/domains', { domain: { name: 'made' } }),
  'GET /v3/domains/{domain}': free('/v3/domains/blue'),
  'PATCH /v3/domains/{domain}': free('/v3/domains/blue', { domain: { description: 'changed' } }),
  'DELETE /v3/domains/{domain}': free('/v3/domains/blue'),
  'GET /v3/domains/{domain}/users/{user}/roles': free('/v3/domains/blue/users/governor/roles'),
  'GET /v3/domains/{domain}/users/{user}/roles/{role}': free('/v3/domains/blue/users/governor/roles/admin'),
  'PUT /v3/domains/{domain}/users/{user}/roles/{role}': guarded(['/v3/domains/blue/users/pol/roles/admin']),
  'DELETE /v3/domains/{domain}/users/{user}/roles/{role}': free(
    '/v3/domains/blue/users/governor/roles/admin',
  ),
  'GET /v3/system/users/{user}/roles': free('/v3/system/users/sysadmin/roles'),
  'GET /v3/system/users/{user}/roles/{role}': free('/v3/system/users/sysadmin/roles/admin'),
  'PUT /v3/system/users/{user}/roles/{role}': guarded(['/v3/system/users/pol/roles/admin']),
  'DELETE /v3/system/users/{user}/roles/{role}': free('/v3/system/users/sysadmin/roles/admin'),
  'GET /v3/roles': free('/v3/roles'),
  'POST /v3/roles': free('/v3/roles', { role: { name: 'made' } }),
  'GET /v3/roles/{role}': free('/v3/roles/member'),
  'PATCH /v3/roles/{role}': free('/v3/roles/made', { role: { description: 'changed' } }),
  'DELETE /v3/roles/{role}': free('/v3/roles/made'),
  'GET /v3/role_assignments': free('/v3/role_assignments'),
  'GET /v3/services': free('/v3/services'),
  'GET /v3/services/{service}': free('/v3/services/identity'),
  'GET /v3/endpoints': free('/v3/endpoints'),
  'GET /v3/endpoints/{endpoint}': free('/v3/endpoints/identity'),
}
