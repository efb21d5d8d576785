import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call, Reply } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import { GRANTS_MAX, isGlobal, isSameGrant, rankOf, withGrant, withoutGrant } from '../../directory/grants.ts'
import { isProjectId } from '../../directory/names.ts'
import { type IdentityRole, KEYSTONE_POWER_ROLE_IDS, roleById } from '../../directory/roles.ts'
import type { Grant, IdentityUser } from '../../directory/users.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { fault, notAuthorized, VARY } from '../faults.ts'
import { asGovernorOf, type Governing, type OnUser, type Reach } from '../permission.ts'
import { roleJson, rolesOf } from '../role-json.ts'
import { heightOf, isOperator } from '../role-ranks.ts'

/** `GET /v2.0/users/{id}/roles`: a user's global roles. */
export function listUserRoles(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'self-or-governed' }, ({ entry }) =>
      listed(call, entry.value.grants.filter(isGlobal)),
    ),
  )
}

/** `GET /v2.0/tenants/{t}/users/{u}/roles`: roles on one tenant. */
export function listTenantRoles(
  call: Call,
  [tenantId = '', userId = '']: readonly string[],
): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'self-or-governed' }, ({ entry }) =>
      listed(
        call,
        entry.value.grants.filter((grant) => grant.tenantId === tenantId),
      ),
    ),
  )
}

async function listed(call: Call, grants: readonly Grant[]): Promise<Answer> {
  const roles = await rolesOf(call.realm, grants)
  return jsonAnswer(200, { roles, roles_links: [] }, VARY)
}

/** `PUT /v2.0/users/{id}/roles/OS-KSADM/{roleId}`: 200 with the role. */
export function giveRole(call: Call, [userId = '', roleId = '']: readonly string[]): Promise<Answer> {
  return changing(call, { userId, grant: { roleId }, act: 'outlive' }, give)
}

/** Taking a role away ends every token of the user in the same write. */
export function takeRole(call: Call, [userId = '', roleId = '']: readonly string[]): Promise<Answer> {
  return changing(call, { userId, grant: { roleId } }, take)
}

/** `PUT` and `DELETE /v2.0/tenants/{t}/users/{u}/roles/OS-KSADM/{r}`: taking a role away ends tokens scoped to that tenant. */
export function giveTenantRole(
  call: Call,
  [tenantId = '', userId = '', roleId = '']: readonly string[],
): Promise<Answer> {
  return changing(call, { userId, grant: { roleId, tenantId }, act: 'outlive' }, give)
}
export function takeTenantRole(
  call: Call,
  [tenantId = '', userId = '', roleId = '']: readonly string[],
): Promise<Answer> {
  return changing(call, { userId, grant: { roleId, tenantId } }, take)
}

type Asked = Pick<Governing, 'userId' | 'act'> & { readonly grant: Grant }
type Act = (call: Call, on: OnUser, given: Given) => Reply
type Given = { readonly grant: Grant; readonly role: IdentityRole | undefined }

/** Nobody may change their own roles. */
const REACH: Reach = 'governed'

function changing(call: Call, { grant, ...of }: Asked, then: Act): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { ...of, reach: REACH }, async (on) => {
      if (!mayDispose(on.caller.user, grant)) return notAuthorized()
      const role = await roleById(call.realm, grant.roleId)
      return then(call, on, { grant, role })
    }),
  )
}

/**
 * Who may give and take a role. A role of the ranks: callers above it, from user-admin up. A role on a tenant:
 * operators, as in Keystone. Any other role: user-admin and above.
 */
function mayDispose(caller: IdentityUser, { roleId, tenantId }: Grant): boolean {
  const rank = rankOf(caller)
  if (tenantId !== undefined && !isOperator(caller)) return false
  const asked = rankOf({ grants: [{ roleId }] })
  if (asked !== 'none') return heightOf(rank) > heightOf(asked) && heightOf(rank) >= heightOf('user-admin')
  // Only operators outrank roles with power over others in v3.
  return KEYSTONE_POWER_ROLE_IDS.includes(roleId)
    ? isOperator(caller)
    : heightOf(rank) >= heightOf('user-admin')
}

function give(call: Call, { caller, entry }: OnUser, { grant, role }: Given): Reply {
  if (role === undefined) return noRole(grant.roleId)
  if (grant.tenantId !== undefined && !isProjectId(grant.tenantId))
    return fault('itemNotFound', 'Tenant not found.')
  const after = withGrant(entry.value, grant)
  const document = { role: roleJson(role, grant.tenantId) }
  if (after === entry.value) return jsonAnswer(200, document, VARY)
  if (after.grants.length > GRANTS_MAX) return fault('badRequest', 'The user has too many roles.')
  const changes = [updated('user', entry, after)]
  return change(call, { caller, how: 'role.give', changes }, () => jsonAnswer(200, document, VARY))
}

function take(call: Call, { caller, entry }: OnUser, { grant }: Given): Reply {
  if (!entry.value.grants.some((one) => isSameGrant(one, grant))) return noRole(grant.roleId)
  const changes = [updated('user', entry, withoutGrant(entry.value, grant))]
  return change(call, { caller, how: 'role.take', changes }, () => NO_CONTENT)
}

function noRole(roleId: string): Answer {
  return fault('itemNotFound', `Role ${roleId} not found`)
}
