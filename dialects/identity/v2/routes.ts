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
  /** The status of a successful answer. */
  readonly done: 200 | 201 | 202 | 204 | 300 | 410
  /** Whether a successful answer has a body, so that Accept must admit its format. */
  readonly hasBody: boolean
  /** What it can answer that not every call of v2.0 can. */
  readonly also: readonly number[]
}

type V2Route = Route<Method> & { readonly isRateLimited: boolean }

/** A name is taken, or a change takes too many records along. */
const CONFLICTS: readonly number[] = [409]

/** Every path of v2.0. */
export const V2_ROUTES: readonly V2Route[] = [
  open('/', reading(versions, 300)),
  open('/v2.0', reading(version)),
  open('/v2.0/extensions', reading(extensions)),
  open('/v2.0/extensions/{alias}', reading(extension)),

  route('/v2.0/tokens', { DELETE: silent((call) => revoke(call, undefined)), POST: login }),
  route('/v2.0/tokens/revoked', reading(revokedList, 410)),
  route('/v2.0/tokens/{tokenId}', {
    DELETE: silent((call, [id]) => revoke(call, id)),
    ...reading(validate),
  }),
  route('/v2.0/tokens/{tokenId}/endpoints', reading(endpoints)),
  route('/v2.0/OS-KSVALIDATE/token/validate', reading(validateSubject)),
  route('/v2.0/OS-KSVALIDATE/token/endpoints', reading(subjectEndpoints)),
  route('/v2.0/RAX-AUTH/impersonation-tokens', { POST: impersonate }),

  route('/v2.0/users', { ...walking(listUsers), POST: created(createUser, CONFLICTS) }),
  route('/v2.0/users/RAX-AUTH/change-pwd', { POST: silent(changePassword) }),
  route('/v2.0/users/RAX-AUTH/forgot-pwd', { POST: silent(forgotPassword) }),
  route('/v2.0/users/RAX-AUTH/pwd-reset', { POST: silent(resetPassword) }),
  route(USER, {
    ...reading(getUser),
    POST: answering(200, updateUser, CONFLICTS),
    PUT: answering(200, updateUser, CONFLICTS),
    DELETE: silent(deleteUser, CONFLICTS),
  }),
  route(`${USER}/RAX-AUTH/admins`, walking(listAdmins)),
  route(`${USER}/roles`, reading(listUserRoles)),
  route(`${USER}/roles/OS-KSADM/{roleId}`, { PUT: giveRole, DELETE: silent(takeRole) }),
  route(`${USER}/OS-KSADM/password`, { PUT: updatePassword }),
  route(`${USER}/OS-KSADM/enabled`, { PUT: updateEnabled }),
  route(`${USER}/OS-KSADM/tenant`, { PUT: updateTenant }),
  route(CREDENTIALS, { ...reading(listCredentials), POST: created(addCredentials, CONFLICTS) }),
  route(API_KEY, { ...reading(getApiKey), DELETE: silent(deleteApiKey) }),
  route(`${API_KEY}/RAX-AUTH/reset`, { POST: resetApiKey }),
  route('/v2.0/OS-KSCRUD/users/{userId}', { PATCH: changeOwnPassword }),

  route(MFA, { PUT: silent(putMultiFactor), DELETE: silent(deleteMultiFactor) }),
  route(`${MFA}/otp-devices`, { ...reading(listOtpDevices), POST: created(addOtpDevice) }),
  route(`${MFA}/otp-devices/{deviceId}`, { ...reading(getOtpDevice), DELETE: silent(deleteOtpDevice) }),
  route(`${MFA}/otp-devices/{deviceId}/verify`, { POST: silent(verifyOtpDevice) }),
  route(`${MFA}/mobile-phones`, { ...reading(listPhones), POST: created(addPhone) }),
  route(`${MFA}/mobile-phones/{phoneId}`, { DELETE: silent(deletePhone) }),
  route(`${MFA}/mobile-phones/{phoneId}/verificationcode`, { POST: answering(202, sendPhoneCode) }),
  route(`${MFA}/mobile-phones/{phoneId}/verify`, { POST: silent(verifyPhone) }),
  route('/v2.0/RAX-AUTH/domains/{accountId}/multi-factor', { PUT: silent(putAccountMultiFactor) }),

  route('/v2.0/tenants', { ...reading(listTenants), POST: answering(200, createTenant, CONFLICTS) }),
  route('/v2.0/tenants/{tenantId}', {
    ...reading(getTenant),
    POST: answering(200, updateTenantRecord, CONFLICTS),
    PUT: answering(200, updateTenantRecord, CONFLICTS),
    DELETE: silent(deleteTenant, CONFLICTS),
  }),
  route('/v2.0/tenants/{tenantId}/users', walking(listTenantUsers)),
  route(`${TENANT_USER}/roles`, reading(listTenantRoles)),
  route(`${TENANT_USER}/roles/OS-KSADM/{roleId}`, { PUT: giveTenantRole, DELETE: silent(takeTenantRole) }),

  route('/v2.0/OS-KSADM/roles', { ...walking(listRoles), POST: created(createRole, CONFLICTS) }),
  route('/v2.0/OS-KSADM/roles/{roleId}', { ...reading(getRole), DELETE: silent(deleteRole, CONFLICTS) }),
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
    typeof handler === 'function' ? answering(200, handler) : handler,
  ])
  return { template, methods: new Map(methods), isRateLimited }
}

function answering(done: Method['done'], handler: Handler, also: readonly number[] = []): Method {
  return { handler, done, hasBody: done !== 202 && done !== 204, also }
}

function open(template: string, given: Given): V2Route {
  return route(template, given, false)
}

/** A method whose successful answer has no body. */
function silent(handler: Handler, also: readonly number[] = []): Method {
  return answering(204, handler, also)
}

function created(handler: Handler, also: readonly number[] = []): Method {
  return answering(201, handler, also)
}

/** HEAD is handled as GET; the server drops the body. */
function reading(handler: Handler, done: Method['done'] = 200): Given {
  const method = answering(done, handler)
  return { GET: method, HEAD: method }
}

/** Reads a list that may be as long as a table. */
function walking(handler: Handler): Given {
  return reading(
    listing(handler, ({ realm }, waitSeconds) =>
      overLimit(waitSeconds, realm.nowMs(), 'Too many lists are under way.'),
    ),
  )
}
