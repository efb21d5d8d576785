import { type Route, Router, withHead } from '../../wire/router.ts'
import type { Handler } from '../call.ts'
import { listing } from '../listing.ts'
import { overLimit } from './answers.ts'
import { createDomain, deleteDomain, listDomains, showDomain, updateDomain } from './projects/domains.ts'
import {
  createProject,
  deleteProject,
  listProjects,
  listUserProjects,
  showProject,
  updateProject,
} from './projects/projects.ts'
import { assignmentsOn } from './roles/assignments.ts'
import { listAssignments } from './roles/role-assignments.ts'
import { createRole, deleteRole, listRoles, showRole, updateRole } from './roles/roles.ts'
import { ownCatalog, ownDomains, ownProjects, ownSystem } from './scopes/own-scopes.ts'
import { listEndpoints, listServices, showEndpoint, showService } from './services.ts'
import { events } from './tokens/events.ts'
import { issue } from './tokens/issue.ts'
import { changePassword } from './tokens/password.ts'
import { revokedList } from './tokens/revoked-list.ts'
import { revoke, validate } from './tokens/tokens.ts'
import {
  createCredential,
  deleteCredential,
  listCredentials,
  showCredential,
} from './users/app-credentials.ts'
import { createUser, deleteUser, listUsers, showUser, updateUser } from './users/users.ts'
import { version } from './versions.ts'

const ON_PROJECT = assignmentsOn('project')
const ON_DOMAIN = assignmentsOn('domain')
const ON_SYSTEM = assignmentsOn('system')

type Method = {
  readonly handler: Handler
  /** The status of a good answer. */
  readonly done: 200 | 201 | 204 | 403
  /** What it can answer that not every call of v3 can. */
  readonly also: readonly number[]
}

/** Of a good answer, where a route says nothing else. */
const DONE: ReadonlyMap<string, Method['done']> = new Map([
  ['GET', 200],
  ['PATCH', 200],
  ['POST', 201],
  ['PUT', 204],
  ['DELETE', 204],
])

/** Every path of v3. */
export const V3_ROUTES: readonly Route<Method>[] = [
  route('/v3/auth/tokens', { GET: validate, POST: issue, DELETE: revoke }),
  route('/v3', { GET: version }),
  route('/v3/auth/tokens/OS-PKI/revoked', { GET: answering(403, revokedList) }),
  route('/v3/auth/catalog', { GET: ownCatalog }),
  route('/v3/auth/projects', { GET: ownProjects }),
  route('/v3/auth/domains', { GET: ownDomains }),
  route('/v3/auth/system', { GET: ownSystem }),
  route('/v3/OS-REVOKE/events', { GET: walking(events) }),
  route('/v3/users', { GET: walking(listUsers), POST: naming(201, createUser) }),
  route('/v3/users/{user}', { GET: showUser, PATCH: naming(200, updateUser), DELETE: deleteUser }),
  route('/v3/users/{user}/password', { POST: answering(204, changePassword) }),
  route('/v3/users/{user}/projects', { GET: listUserProjects }),
  route('/v3/users/{user}/application_credentials', {
    GET: listCredentials,
    POST: naming(201, createCredential),
  }),
  route('/v3/users/{user}/application_credentials/{credential}', {
    GET: showCredential,
    DELETE: deleteCredential,
  }),
  route('/v3/projects', { GET: walking(listProjects), POST: naming(201, createProject) }),
  route('/v3/projects/{project}', {
    GET: showProject,
    PATCH: naming(200, updateProject),
    DELETE: deleteProject,
  }),
  route('/v3/projects/{project}/users/{user}/roles', { GET: ON_PROJECT.list }),
  route('/v3/projects/{project}/users/{user}/roles/{role}', {
    GET: answering(204, ON_PROJECT.check),
    PUT: ON_PROJECT.grant,
    DELETE: ON_PROJECT.remove,
  }),
  route('/v3/domains', { GET: walking(listDomains), POST: naming(201, createDomain) }),
  route('/v3/domains/{domain}', { GET: showDomain, PATCH: naming(200, updateDomain), DELETE: deleteDomain }),
  route('/v3/domains/{domain}/users/{user}/roles', { GET: ON_DOMAIN.list }),
  route('/v3/domains/{domain}/users/{user}/roles/{role}', {
    GET: answering(204, ON_DOMAIN.check),
    PUT: ON_DOMAIN.grant,
    DELETE: ON_DOMAIN.remove,
  }),
  route('/v3/system/users/{user}/roles', { GET: ON_SYSTEM.list }),
  route('/v3/system/users/{user}/roles/{role}', {
    GET: answering(204, ON_SYSTEM.check),
    PUT: ON_SYSTEM.grant,
    DELETE: ON_SYSTEM.remove,
  }),
  route('/v3/roles', { GET: walking(listRoles), POST: naming(201, createRole) }),
  route('/v3/roles/{role}', { GET: showRole, PATCH: naming(200, updateRole), DELETE: deleteRole }),
  route('/v3/role_assignments', { GET: walking(listAssignments) }),
  route('/v3/services', { GET: walking(listServices) }),
  route('/v3/services/{service}', { GET: showService }),
  route('/v3/endpoints', { GET: walking(listEndpoints) }),
  route('/v3/endpoints/{endpoint}', { GET: showEndpoint }),
]

export const V3_ROUTER: Router<Route<Method>> = new Router(V3_ROUTES)

function route(template: string, given: Readonly<Record<string, Handler | Method>>): Route<Method> {
  const methods = Object.entries(given).map(([method, one]): [string, Method] => [
    method,
    typeof one === 'function' ? { handler: one, done: DONE.get(method) ?? 200, also: [] } : one,
  ])
  return { template, methods: withHead(new Map(methods)) }
}

function answering(done: Method['done'], handler: Handler): Method {
  return { handler, done, also: [] }
}

/** A method that fails where a name is taken. */
function naming(done: Method['done'], handler: Handler): Method {
  return { handler, done, also: [409] }
}

/** A list that may be as long as a table or a log. */
function walking(handler: Handler): Handler {
  return listing(handler, (_, waitSeconds) => overLimit(waitSeconds))
}
