import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject } from '../../../wire/strict-json.ts'
import type { Call } from '../../call.ts'
import { created, deleted } from '../../directory/changes.ts'
import { rankOf } from '../../directory/grants.ts'
import {
  BUILT_IN_ROLES,
  IDENTITY_ROLES,
  isBuiltInRole,
  isRoleNameTaken,
  roleById,
} from '../../directory/roles.ts'
import { asWholeCaller } from '../caller.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, notAuthorized, VARY } from '../faults.ts'
import { isName, textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { listAnswer, pageAsked } from '../paging.ts'
import { asOperator } from '../permission.ts'
import { roleJson } from '../role-json.ts'
import { heightOf } from '../role-ranks.ts'
import { newId } from '../users/secrets.ts'

/** `GET /v2.0/OS-KSADM/roles`: the built-in roles come first. */
export function listRoles(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asWholeCaller(call, async ({ user }) => {
      if (heightOf(rankOf(user)) === 0) return notAuthorized()
      const asked = pageAsked(call)
      if (asked.kind === 'refused') return asked.answer
      if (asked.marker === undefined || isBuiltInRole(asked.marker)) return firstPage(call, asked)
      return listAnswer(call, {
        name: 'roles',
        collection: IDENTITY_ROLES,
        isVisible: () => true,
        show: (role) => roleJson(role),
      })
    }),
  )
}

type FirstPage = { readonly limit: number; readonly marker: string | undefined }

async function firstPage(call: Call, { limit, marker }: FirstPage): Promise<Answer> {
  const start = marker === undefined ? 0 : BUILT_IN_ROLES.findIndex(({ id }) => id === marker) + 1
  const builtIn = BUILT_IN_ROLES.slice(start, start + limit)
  const rest = limit - builtIn.length
  const isTruncated = start + limit < BUILT_IN_ROLES.length
  const page = isTruncated
    ? { entries: [], next: undefined }
    : await call.realm.directory.page(IDENTITY_ROLES, { after: undefined, limit: Math.max(1, rest) })
  const own = rest > 0 ? page.entries.map(({ value }) => value) : []
  const roles = [...builtIn, ...own].map((role) => roleJson(role))
  const hasMore = isTruncated || page.next !== undefined || (rest === 0 && page.entries.length > 0)
  const last = [...builtIn, ...own].at(-1)
  const href = `${call.request.base}${call.request.path}?marker=${encodeURIComponent(last?.id ?? '')}&limit=${limit}`
  const links = hasMore ? [{ rel: 'next', href }] : []
  return jsonAnswer(200, { roles, roles_links: links }, VARY)
}

/** `GET /v2.0/OS-KSADM/roles/{id}`. */
export function getRole(call: Call, [roleId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asWholeCaller(call, async ({ user }) => {
      if (heightOf(rankOf(user)) === 0) return notAuthorized()
      const role = await roleById(call.realm, roleId)
      return role === undefined
        ? fault('itemNotFound', `Role ${roleId} not found`)
        : jsonAnswer(200, { role: roleJson(role) }, VARY)
    }),
  )
}

/** `POST /v2.0/OS-KSADM/roles`. */
export function createRole(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      if (read.kind !== 'body') return bodyFault(read)
      const given = read.body['role']
      const name = isObject(given) ? textIn(given, 'name') : undefined
      if (!isObject(given) || name === undefined || !isName(name))
        return fault('badRequest', 'A "role" with a "name" is needed.')
      const id = newId(call.realm)
      if (await isRoleNameTaken(call.realm, name, id)) return fault('conflict', 'Another one has this name.')
      const serviceId = textIn(given, 'serviceId')
      const role = {
        id,
        name,
        description: textIn(given, 'description') ?? name,
        ...defined({ serviceId }),
      }
      const changes = [created('role', id, { after: role })]
      return change(call, { caller, how: 'role.create', changes }, () =>
        jsonAnswer(
          201,
          { role: roleJson(role) },
          { ...VARY, location: `${call.request.base}/v2.0/OS-KSADM/roles/${id}` },
        ),
      )
    }),
  )
}

/**
 * `DELETE /v2.0/OS-KSADM/roles/{id}`: takes the role away from everybody, with all consequences. Built-in roles cannot
 * be deleted.
 */
export function deleteRole(call: Call, [roleId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      if (isBuiltInRole(roleId)) return fault('forbidden', 'This role belongs to the service.')
      const entry = await call.realm.directory.get(IDENTITY_ROLES, roleId)
      if (entry === undefined) return fault('itemNotFound', `Role ${roleId} not found`)
      const changes = [deleted('role', entry)]
      return change(call, { caller, how: 'role.delete', changes }, () => NO_CONTENT)
    }),
  )
}
