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

/** Every path of v3. */
export const V3_ROUTES: readonly Route<Handler>[] = [
  route('/v3/auth/tokens', { GET: validate, POST: issue, DELETE: revoke }),
  route('/v3', { GET: version }),
  route('/v3/auth/tokens/OS-PKI/revoked', { GET: revokedList }),
  route('/v3/auth/catalog', { GET: ownCatalog }),
  route('/v3/auth/projects', { GET: ownProjects }),
  route('/v3/auth/domains', { GET: ownDomains }),
  route('/v3/auth/system', { GET: ownSystem }),
  route('/v3/OS-REVOKE/events', { GET: walking(events) }),
  route('/v3/users', { GET: walking(listUsers), POST: createUser }),
  route('/v3/users/{user}', { GET: showUser, PATCH: updateUser, DELETE: deleteUser }),
  route('/v3/users/{user}/password', { POST: changePassword }),
  route('/v3/users/{user}/projects', { GET: listUserProjects }),
  route('/v3/users/{user}/application_credentials', { GET: listCredentials, POST: createCredential }),
  route('/v3/users/{user}/application_credentials/{credential}', {
    GET: showCredential,
    DELETE: deleteCredential,
  }),
  route('/v3/projects', { GET: walking(listProjects), POST: createProject }),
  route('/v3/projects/{project}', { GET: showProject, PATCH: updateProject, DELETE: deleteProject }),
  route('/v3/projects/{project}/users/{user}/roles', { GET: ON_PROJECT.list }),
  route('/v3/projects/{project}/users/{user}/roles/{role}', {
    GET: ON_PROJECT.check,
    PUT: ON_PROJECT.grant,
    DELETE: ON_PROJECT.remove,
  }),
  route('/v3/domains', { GET: walking(listDomains), POST: createDomain }),
  route('/v3/domains/{domain}', { GET: showDomain, PATCH: updateDomain, DELETE: deleteDomain }),
  route('/v3/domains/{domain}/users/{user}/roles', { GET: ON_DOMAIN.list }),
  route('/v3/domains/{domain}/users/{user}/roles/{role}', {
    GET: ON_DOMAIN.check,
    PUT: ON_DOMAIN.grant,
    DELETE: ON_DOMAIN.remove,
  }),
  route('/v3/system/users/{user}/roles', { GET: ON_SYSTEM.list }),
  route('/v3/system/users/{user}/roles/{role}', {
    GET: ON_SYSTEM.check,
    PUT: ON_SYSTEM.grant,
    DELETE: ON_SYSTEM.remove,
  }),
  route('/v3/roles', { GET: walking(listRoles), POST: createRole }),
  route('/v3/roles/{role}', { GET: showRole, PATCH: updateRole, DELETE: deleteRole }),
  route('/v3/role_assignments', { GET: walking(listAssignments) }),
  route('/v3/services', { GET: walking(listServices) }),
  route('/v3/services/{service}', { GET: showService }),
  route('/v3/endpoints', { GET: walking(listEndpoints) }),
  route('/v3/endpoints/{endpoint}', { GET: showEndpoint }),
]

export const V3_ROUTER: Router<Route<Handler>> = new Router(V3_ROUTES)

function route(template: string, methods: Readonly<Record<string, Handler>>): Route<Handler> {
  return { template, methods: withHead(new Map(Object.entries(methods))) }
}

/** A list that may be as long as a table or a log. */
function walking(handler: Handler): Handler {
  return listing(handler, (_, waitSeconds) => overLimit(waitSeconds))
}
