import type { Entry } from '@rescind/authority'
import type { Answer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call, Reply } from '../../call.ts'
import { created, deleted, updated } from '../../directory/changes.ts'
import {
  BUILT_IN_ROLES,
  IDENTITY_ROLES,
  type IdentityRole,
  isBuiltInRole,
  isRoleNameTaken,
  roleById,
} from '../../directory/roles.ts'
import { type Acting, asActing } from '../acting.ts'
import { conflict, forbidden, malformed, missing, NO_CONTENT, success } from '../answers.ts'
import { fieldsOf, readEntity } from '../entity.ts'
import { isNamed, listAsk, listBody, pageOf } from '../paging.ts'
import { roleJson } from '../record-json.ts'
import { readsAll } from '../scopes/power.ts'
import { newId, written } from '../writing.ts'

const FIELDS = { name: 'text', description: 'long', domain_id: 'text?' } as const

/** `GET /v3/roles`: for callers who may grant roles or read everything. */
export function listRoles(call: Call): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, async ({ power }) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      if (!readsAll(power) && power.kind !== 'domain') return forbidden()
      // No role belongs to a domain, so filtering by a domain gives an empty list.
      const fits = (role: IdentityRole): boolean =>
        isNamed(ask, 'name', role.name) && isNamed(ask, 'domain_id', role.domainId)
      const { values, next } = await pageOf(call.realm, IDENTITY_ROLES, { ask, fits, beside: BUILT_IN_ROLES })
      return success(200, listBody(call.request, 'roles', { items: values.map(roleJson(call)), next }))
    }),
  )
}

/** `GET /v3/roles/{id}`: for the same callers, and for users whose token has the role. */
export function showRole(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async (acting) => {
      const role = await roleById(call.realm, id)
      if (role === undefined || !seesRole(acting, id)) return missing('role')
      return success(200, { role: roleJson(call)(role) })
    }),
  )
}

function seesRole({ power, grant }: Acting, id: string): boolean {
  return readsAll(power) || power.kind === 'domain' || grant.roles.some((role) => role.id === id)
}

/** `POST /v3/roles`. */
export function createRole(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async (acting) => {
      if (acting.power.kind !== 'system') return forbidden()
      const parsed = readFields(call)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { name, description, domain_id: domainId } = parsed.fields
      if (name === undefined) return malformed('"name" is missing.')
      if (typeof domainId === 'string') return malformed('Roles of one domain are not supported.')
      const id = newId(call.realm)
      if (await isRoleNameTaken(call.realm, name, id)) return conflict('Another one has this name.')
      const role = { id, name, description: description ?? '' }
      return written(call, {
        acting,
        how: 'identity.v3.role.create',
        changes: [created('role', id, { after: role })],
        done: () => success(201, { role: roleJson(call)(role) }),
      })
    }),
  )
}

/** `PATCH /v3/roles/{id}`. */
export function updateRole(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedRole(call, id, async (acting, entry) => {
      const parsed = readFields(call, id)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { name = entry.value.name, description = entry.value.description } = parsed.fields
      const isNew = name !== entry.value.name
      if (isNew && (await isRoleNameTaken(call.realm, name, id)))
        return conflict('Another one has this name.')
      const role = { ...entry.value, name, description: description ?? '' }
      return written(call, {
        acting,
        how: 'identity.v3.role.update',
        changes: [updated('role', entry, role)],
        done: () => success(200, { role: roleJson(call)(role) }),
      })
    }),
  )
}

/** `DELETE /v3/roles/{id}`: takes the role away from everybody, with all consequences. */
export function deleteRole(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedRole(call, id, (acting, entry) =>
      written(call, {
        acting,
        how: 'identity.v3.role.delete',
        changes: [deleted('role', entry)],
        done: () => NO_CONTENT,
      }),
    ),
  )
}

type RoleAct = (acting: Acting, entry: Entry<IdentityRole>) => Reply

function asGovernedRole(call: Call, id: string, next: RoleAct): Reply {
  return asActing(call, async (acting) => {
    if (!seesRole(acting, id)) return missing('role')
    const isThere = (await roleById(call.realm, id)) !== undefined
    if (!isThere) return missing('role')
    if (acting.power.kind !== 'system') return forbidden()
    const entry = await call.realm.directory.get(IDENTITY_ROLES, id)
    if (entry === undefined || isBuiltInRole(id)) return forbidden('This role is part of the server.')
    return next(acting, entry)
  })
}

function readFields({ request }: Call, pathId?: string): ReturnType<typeof fieldsOf<typeof FIELDS>> {
  const read = readEntity(request, 'role', pathId)
  return read.kind === 'malformed' ? read : fieldsOf<typeof FIELDS>(read.body, FIELDS)
}
