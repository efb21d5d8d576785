import { type Route, Router } from '../../wire/router.ts'
import type { Handler } from '../call.ts'
import { listing } from '../listing.ts'
import { createRole, deleteRole, getRole, listRoles } from './admin/roles.ts'
import {
  createEndpoint,
  createService,
  deleteEndpoint,
  deleteService,
  getService,
  listEndpoints,
  listServices,
} from './admin/services.ts'
import {
  createTenant,
  deleteTenant,
  getTenant,
  listTenants,
  listTenantUsers,
  updateTenantRecord,
} from './admin/tenants.ts'
import { extension, extensions } from './extensions.ts'
import { overLimit } from './faults.ts'
import { impersonate } from './impersonate.ts'
import { login } from './login.ts'
import {
  addOtpDevice,
  addPhone,
  deleteOtpDevice,
  deletePhone,
  getOtpDevice,
  listOtpDevices,
  listPhones,
  sendPhoneCode,
  verifyOtpDevice,
  verifyPhone,
} from './mfa/devices.ts'
import { deleteMultiFactor, putAccountMultiFactor, putMultiFactor } from './mfa/settings.ts'
import { revoke } from './revoke.ts'
import { createUser } from './users/create.ts'
import { addCredentials, deleteApiKey, getApiKey, listCredentials, resetApiKey } from './users/credentials.ts'
import { changeOwnPassword, changePassword, forgotPassword, resetPassword } from './users/passwords.ts'
import { getUser, listAdmins, listUsers } from './users/read.ts'
import {
  giveRole,
  giveTenantRole,
  listTenantRoles,
  listUserRoles,
  takeRole,
  takeTenantRole,
} from './users/roles.ts'
import { deleteUser, updateEnabled, updatePassword, updateTenant, updateUser } from './users/update.ts'
import { endpoints, revokedList, subjectEndpoints, validate, validateSubject } from './validate.ts'
import { version, versions } from './versions.ts'

const USER = '/v2.0/users/{userId}'
const CREDENTIALS = `${USER}/OS-KSADM/credentials`
const API_KEY = `${CREDENTIALS}/RAX-KSKEY:apiKeyCredentials`
const MFA = `${USER}/RAX-AUTH/multi-factor`
const TENANT_USER = '/v2.0/tenants/{tenantId}/users/{userId}'

type Method = {
  readonly handler: Handler
  /** Whether a successful answer has a body, so that Accept must admit its format. */
  readonly hasBody: boolean
}

type V2Route = Route<Method> & { readonly isRateLimited: boolean }

/** Every path of v2.0. */
export const V2_ROUTES: readonly V2Route[] = [
  open('/', reading(versions)),
  open('/v2.0', reading(version)),
  open('/v2.0/extensions', reading(extensions)),
  open('/v2.0/extensions/{alias}', reading(extension)),

  route('/v2.0/tokens', { DELETE: silent((call) => revoke(call, undefined)), POST: login }),
  route('/v2.0/tokens/revoked', reading(revokedList)),
  route('/v2.0/tokens/{tokenId}', {
    DELETE: silent((call, [id]) => revoke(call, id)),
    ...reading(validate),
  }),
  route('/v2.0/tokens/{tokenId}/endpoints', reading(endpoints)),
  route('/v2.0/OS-KSVALIDATE/token/validate', reading(validateSubject)),
  route('/v2.0/OS-KSVALIDATE/token/endpoints', reading(subjectEndpoints)),
  route('/v2.0/RAX-AUTH/impersonation-tokens', { POST: impersonate }),

  route('/v2.0/users', { ...walking(listUsers), POST: createUser }),
  route('/v2.0/users/RAX-AUTH/change-pwd', { POST: silent(changePassword) }),
  route('/v2.0/users/RAX-AUTH/forgot-pwd', { POST: silent(forgotPassword) }),
  route('/v2.0/users/RAX-AUTH/pwd-reset', { POST: silent(resetPassword) }),
  route(USER, {
    ...reading(getUser),
    POST: updateUser,
    PUT: updateUser,
    DELETE: silent(deleteUser),
  }),
  route(`${USER}/RAX-AUTH/admins`, walking(listAdmins)),
  route(`${USER}/roles`, reading(listUserRoles)),
  route(`${USER}/roles/OS-KSADM/{roleId}`, { PUT: giveRole, DELETE: silent(takeRole) }),
  route(`${USER}/OS-KSADM/password`, { PUT: updatePassword }),
  route(`${USER}/OS-KSADM/enabled`, { PUT: updateEnabled }),
  route(`${USER}/OS-KSADM/tenant`, { PUT: updateTenant }),
  route(CREDENTIALS, { ...reading(listCredentials), POST: addCredentials }),
  route(API_KEY, { ...reading(getApiKey), DELETE: silent(deleteApiKey) }),
  route(`${API_KEY}/RAX-AUTH/reset`, { POST: resetApiKey }),
  route('/v2.0/OS-KSCRUD/users/{userId}', { PATCH: changeOwnPassword }),

  route(MFA, { PUT: silent(putMultiFactor), DELETE: silent(deleteMultiFactor) }),
  route(`${MFA}/otp-devices`, { ...reading(listOtpDevices), POST: addOtpDevice }),
  route(`${MFA}/otp-devices/{deviceId}`, { ...reading(getOtpDevice), DELETE: silent(deleteOtpDevice) }),
  route(`${MFA}/otp-devices/{deviceId}/verify`, { POST: silent(verifyOtpDevice) }),
  route(`${MFA}/mobile-phones`, { ...reading(listPhones), POST: addPhone }),
  route(`${MFA}/mobile-phones/{phoneId}`, { DELETE: silent(deletePhone) }),
  route(`${MFA}/mobile-phones/{phoneId}/verificationcode`, { POST: silent(sendPhoneCode) }),
  route(`${MFA}/mobile-phones/{phoneId}/verify`, { POST: silent(verifyPhone) }),
  route('/v2.0/RAX-AUTH/domains/{accountId}/multi-factor', { PUT: silent(putAccountMultiFactor) }),

  route('/v2.0/tenants', { ...reading(listTenants), POST: createTenant }),
  route('/v2.0/tenants/{tenantId}', {
    ...reading(getTenant),
    POST: updateTenantRecord,
    PUT: updateTenantRecord,
    DELETE: silent(deleteTenant),
  }),
  route('/v2.0/tenants/{tenantId}/users', walking(listTenantUsers)),
  route(`${TENANT_USER}/roles`, reading(listTenantRoles)),
  route(`${TENANT_USER}/roles/OS-KSADM/{roleId}`, { PUT: giveTenantRole, DELETE: silent(takeTenantRole) }),

  route('/v2.0/OS-KSADM/roles', { ...walking(listRoles), POST: createRole }),
  route('/v2.0/OS-KSADM/roles/{roleId}', { ...reading(getRole), DELETE: silent(deleteRole) }),
  route('/v2.0/OS-KSADM/services', { ...walking(listServices), POST: createService }),
  route('/v2.0/OS-KSADM/services/{serviceId}', { ...reading(getService), DELETE: silent(deleteService) }),
  route('/v2.0/endpoints', { ...walking(listEndpoints), POST: createEndpoint }),
  route('/v2.0/endpoints/{endpointId}', { DELETE: silent(deleteEndpoint) }),
]

export const V2_ROUTER: Router<V2Route> = new Router(V2_ROUTES)

type Given = Readonly<Record<string, Handler | Method>>

function route(template: string, given: Given, isRateLimited = true): V2Route {
  const methods = Object.entries(given).map(([method, handler]): [string, Method] => [
    method,
    typeof handler === 'function' ? { handler, hasBody: true } : handler,
  ])
  return { template, methods: new Map(methods), isRateLimited }
}

function open(template: string, given: Given): V2Route {
  return route(template, given, false)
}

/** A method whose successful answer has no body. */
function silent(handler: Handler): Method {
  return { handler, hasBody: false }
}

/** HEAD is handled as GET; the server drops the body. */
function reading(handler: Handler): Given {
  return { GET: handler, HEAD: handler }
}

/** Reads a list that may be as long as a table. */
function walking(handler: Handler): Given {
  return reading(
    listing(handler, ({ realm }, waitSeconds) =>
      overLimit(waitSeconds, realm.nowMs(), 'Too many lists are under way.'),
    ),
  )
}
