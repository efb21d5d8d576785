import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject, type JsonObject } from '../../../wire/strict-json.ts'
import type { Call } from '../../call.ts'
import { deleted, updated } from '../../directory/changes.ts'
import { isProjectId } from '../../directory/names.ts'
import type { IdentityUser } from '../../directory/users.ts'
import { mayUpdate } from '../../session/guarded.ts'
import { turnOf } from '../../session/password-check.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, notAuthorized } from '../faults.ts'
import { booleanIn, idIn, textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { asGovernorOf, type OnUser } from '../permission.ts'
import { isOperator } from '../role-ranks.ts'
import { readFields, type UserFields } from './fields.ts'
import { userAnswer } from './user-json.ts'

/** `POST` (the vendor's) and `PUT` (Keystone's) `/v2.0/users/{id}`: members that are not sent stay. */
export function updateUser(call: Call, values: readonly string[]): Promise<Answer> {
  return updating(call, values, (body) => readFields(body))
}

/** Keystone's updates of a single member, which answer with the whole user. */
export function updatePassword(call: Call, values: readonly string[]): Promise<Answer> {
  return updating(call, values, (body) => only(body, 'password'))
}
export function updateEnabled(call: Call, values: readonly string[]): Promise<Answer> {
  return updating(call, values, (body) => only(body, 'enabled'))
}
export function updateTenant(call: Call, values: readonly string[]): Promise<Answer> {
  return updating(call, values, (body) => only(body, 'tenantId'))
}

function only(body: JsonObject, member: 'password' | 'enabled' | 'tenantId'): ReturnType<typeof readFields> {
  const user = body['user']
  const isThere =
    isObject(user) &&
    (member === 'enabled'
      ? booleanIn(user, member)
      : (idIn(user, member) ?? textIn(user, `OS-KSADM:${member}`))) !== undefined
  if (!isThere) return { kind: 'malformed', detail: `"${member}" of a "user" is needed.` }
  const read = readFields(body)
  if (read.kind === 'malformed') return read
  const value = read.fields[member]
  return { kind: 'fields', fields: { isKeystone: true, ...(value === undefined ? {} : { [member]: value }) } }
}

/** Keystone's clients send the id too. One that differs from the path's is refused, not ignored. */
export function isAboutAnother(body: JsonObject, userId: string): boolean {
  const user = body['user']
  const isThere = isObject(user) && user['id'] !== undefined && user['id'] !== null
  return isThere && idIn(user, 'id') !== userId
}

type Read = (body: JsonObject) => ReturnType<typeof readFields>

function updating(call: Call, [userId = '']: readonly string[], parse: Read): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'self-or-governed' }, (on) => {
      if (read.kind !== 'body') return bodyFault(read)
      if (isAboutAnother(read.body, userId))
        return fault('badRequest', 'The body names another user than the path.')
      const parsed = parse(read.body)
      if (parsed.kind === 'malformed') return fault('badRequest', parsed.detail)
      return update(call, on, parsed.fields)
    }),
  )
}

async function update(call: Call, { caller, entry }: OnUser, fields: UserFields): Promise<Answer | Stale> {
  const before = entry.value
  const becomes = { ...before, ...fields }
  const setsPassword = fields.password !== undefined
  if (!(await mayUpdate(call.realm, caller, { before, after: becomes, setsPassword }))) return notAuthorized()
  const { enabled, password, tenantId, accountId } = fields
  // Users may neither disable nor enable themselves. Only operators move users to another account or tenant.
  if (caller.user.id === before.id && enabled !== undefined && enabled !== before.enabled)
    return fault('forbidden', 'Users may not enable or disable themselves.')
  const isMoved =
    (tenantId !== undefined && tenantId !== before.tenantId) ||
    (accountId !== undefined && accountId !== before.accountId)
  if (isMoved && (!isOperator(caller.user) || caller.user.id === before.id)) return notAuthorized()
  if (tenantId !== undefined && !isProjectId(tenantId))
    return fault('badRequest', 'This cannot be the id of a tenant.')
  const passwordHash =
    password === undefined
      ? undefined
      : await call.settings.passwords.hash({ password, ...turnOf(call, before.id) })
  const { password: _password, isKeystone: _form, ...rest } = fields
  const after: IdentityUser = { ...before, ...rest, ...defined({ passwordHash }) }
  const changes = [updated('user', entry, after)]
  return change(call, { caller, how: 'user.update', changes }, () => userAnswer(call, after))
}

/** `DELETE /v2.0/users/{id}`: users cannot delete themselves. */
export function deleteUser(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'governed' }, ({ caller, entry }) =>
      change(call, { caller, how: 'user.delete', changes: [deleted('user', entry)] }, () => NO_CONTENT),
    ),
  )
}
