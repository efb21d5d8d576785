import type { Entry } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { parseFormText } from '../../../wire/form.ts'
import { isObject, type JsonObject } from '../../../wire/strict-json.ts'
import type { Call, Reply } from '../../call.ts'
import { created, deleted, updated } from '../../directory/changes.ts'
import { isMemberOf, tenantsOf } from '../../directory/grants.ts'
import { settled } from '../../directory/home.ts'
import { DEFAULT_DOMAIN, isProjectId } from '../../directory/names.ts'
import {
  IDENTITY_TENANTS,
  type IdentityTenant,
  tenantAt,
  tenantById,
  tenantEntry,
  tenantEntryByName,
} from '../../directory/tenants.ts'
import { accountOf } from '../../directory/users.ts'
import { mayEnable } from '../../session/guarded.ts'
import type { LiveTokenContext } from '../../session/token-context.ts'
import { asWholeCaller } from '../caller.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, notAuthorized, VARY } from '../faults.ts'
import { badMember, booleanIn, isName, textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { pageAsked } from '../paging.ts'
import { asOperator } from '../permission.ts'
import { isOperator } from '../role-ranks.ts'
import { usersOfTenant } from '../users/read.ts'
import { newId } from '../users/secrets.ts'

/** `description` is always present, because libcloud fails without it. */
function tenantJson({ id, name, enabled, description, displayName }: IdentityTenant): object {
  return {
    id,
    name,
    enabled,
    description: description ?? '',
    ...defined({ 'display-name': displayName }),
  }
}

/** `GET /v2.0/tenants`: the caller's own tenants. `?name=` is Keystone's call for operators. */
export function listTenants(call: Call): Promise<Answer> {
  const form = parseFormText(call.request.query ?? '')
  return untilFresh(() =>
    asWholeCaller(call, async (caller) => {
      const asked = pageAsked(call)
      if (asked.kind === 'refused' || form.kind !== 'form')
        return asked.kind === 'refused' ? asked.answer : fault('badRequest', 'The query cannot be read.')
      const name = form.values.get('name')
      if (name !== undefined) return tenantNamed(call, caller, name)
      return ownTenants(call, caller, asked)
    }),
  )
}

type Page = { readonly limit: number; readonly marker: string | undefined }

async function ownTenants(call: Call, caller: LiveTokenContext, { limit, marker }: Page): Promise<Answer> {
  const ids = tenantsOf(await settled(call.realm, caller.user))
  const start = marker === undefined ? 0 : ids.indexOf(marker) + 1
  if (marker !== undefined && start === 0)
    return fault('itemNotFound', 'The marker names nothing on this list.')
  const tenants: object[] = []
  for (const id of ids.slice(start, start + limit)) tenants.push(tenantJson(await tenantById(call.realm, id)))
  if (start + limit >= ids.length) return jsonAnswer(200, { tenants, tenants_links: [] }, VARY)
  const last = encodeURIComponent(ids[start + limit - 1] ?? '')
  const href = `${call.request.base}/v2.0/tenants?marker=${last}&limit=${limit}`
  const headers = { ...VARY, link: `<${href}>; rel="next"` }
  return jsonAnswer(200, { tenants, tenants_links: [{ rel: 'next', href }] }, headers)
}

async function tenantNamed(call: Call, caller: LiveTokenContext, name: string): Promise<Answer> {
  for (const id of tenantsOf(await settled(call.realm, caller.user))) {
    const tenant = await tenantById(call.realm, id)
    if (tenant.name === name) return jsonAnswer(200, { tenant: tenantJson(tenant) }, VARY)
  }
  if (!isOperator(caller.user)) return notAuthorized()
  const entry = await tenantEntryByName(call.realm, DEFAULT_DOMAIN, name)
  return entry === undefined ? noTenant() : jsonAnswer(200, { tenant: tenantJson(entry.value) }, VARY)
}

/** `GET /v2.0/tenants/{id}`: one's own tenants, and any for operators. Others get 403 for every id. */
export function getTenant(call: Call, [tenantId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asWholeCaller(call, async ({ user }) => {
      const isOwn = isMemberOf(user, tenantId)
      if (!isOwn && !isOperator(user)) return notAuthorized()
      const { tenant, version, isDeleted } = await tenantAt(call.realm, tenantId)
      const isThere = isOwn || (version > 0 && isProjectId(tenantId))
      return isThere && !isDeleted ? jsonAnswer(200, { tenant: tenantJson(tenant) }, VARY) : noTenant()
    }),
  )
}

/** `GET /v2.0/tenants/{id}/users`: for operators, and for members of the tenant who have an account. */
export function listTenantUsers(call: Call, [tenantId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asWholeCaller(call, (caller) => {
      const isOwn = isMemberOf(caller.user, tenantId) && accountOf(caller.user) !== undefined
      if (!isOwn && !isOperator(caller.user)) return notAuthorized()
      return usersOfTenant(call, caller, tenantId)
    }),
  )
}

type Fields = {
  readonly name?: string
  readonly description?: string
  readonly displayName?: string
  readonly enabled?: boolean
  readonly id?: string
}

function readTenant(body: JsonObject): Fields | undefined {
  const given = body['tenant']
  if (!isObject(given)) return undefined
  const members = { id: 'text', name: 'text', 'display-name': 'text', enabled: 'boolean' } as const
  if (badMember(given, members) !== undefined) return undefined
  const [id, name, displayName] = [textIn(given, 'id'), textIn(given, 'name'), textIn(given, 'display-name')]
  const [description, enabled] = [textIn(given, 'description'), booleanIn(given, 'enabled')]
  if (name !== undefined && !isName(name)) return undefined
  if (id !== undefined && (!isProjectId(id) || !isName(id))) return undefined
  return {
    ...defined({ id, name, displayName, description, enabled }),
  }
}

const MALFORMED = 'The body must hold a "tenant" with valid members; a new one needs a "name".'

/** `POST /v2.0/tenants`: answers 200, as Keystone does. */
export function createTenant(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      if (read.kind !== 'body') return bodyFault(read)
      const fields = readTenant(read.body)
      if (fields?.name === undefined) return fault('badRequest', MALFORMED)
      const id = fields.id ?? newId(call.realm)
      const { version, entry } = await call.realm.directory.state(IDENTITY_TENANTS, id)
      if (entry !== undefined) return fault('tenantConflict', 'There is a tenant with this id.')
      const tenant: IdentityTenant = { ...fields, id, name: fields.name, enabled: fields.enabled ?? true }
      const changes = [created('tenant', id, { after: tenant, version })]
      return written(call, { caller, how: 'tenant.create', changes }, tenant)
    }),
  )
}

/** `POST` and `PUT /v2.0/tenants/{id}`. Disabling a tenant ends everything scoped to it. */
export function updateTenantRecord(call: Call, [tenantId = '']: readonly string[]): Promise<Answer> {
  const read = readDocument(call.request)
  return onTenant(call, tenantId, (caller, entry) => {
    if (read.kind !== 'body') return bodyFault(read)
    const fields = readTenant(read.body)
    if (fields === undefined || (fields.id !== undefined && fields.id !== tenantId))
      return fault('badRequest', MALFORMED)
    const tenant = { ...entry.value, ...fields }
    if (!mayEnable(caller, entry.value, tenant)) return notAuthorized()
    const changes = [updated('tenant', entry, tenant)]
    return written(call, { caller, how: 'tenant.update', changes }, tenant)
  })
}

/** `DELETE /v2.0/tenants/{id}`: also deletes the roles on it, and ends everything scoped to it. */
export function deleteTenant(call: Call, [tenantId = '']: readonly string[]): Promise<Answer> {
  return onTenant(call, tenantId, (caller, entry) =>
    change(call, { caller, how: 'tenant.delete', changes: [deleted('tenant', entry)] }, () => NO_CONTENT),
  )
}

async function written(
  call: Call,
  changing: Parameters<typeof change>[1],
  tenant: IdentityTenant,
): Promise<Answer | Stale> {
  const answer = await change(call, changing, () => jsonAnswer(200, { tenant: tenantJson(tenant) }, VARY))
  const isTaken = answer !== 'stale' && answer.status === 409
  return isTaken ? fault('tenantConflict', 'Another tenant has this name.') : answer
}

function onTenant(
  call: Call,
  tenantId: string,
  next: (caller: LiveTokenContext, entry: Entry<IdentityTenant>) => Reply,
): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      const entry = await tenantEntry(call.realm, tenantId)
      return entry === undefined ? noTenant() : next(caller, entry)
    }),
  )
}

function noTenant(): Answer {
  return fault('itemNotFound', 'Tenant not found.')
}
