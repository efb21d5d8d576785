import type { Entry } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { JsonObject } from '../../../wire/strict-json.ts'
import type { Call, Reply } from '../../call.ts'
import { created, deleted, updated } from '../../directory/changes.ts'
import { isMemberOf } from '../../directory/grants.ts'
import {
  domainOfTenant,
  IDENTITY_TENANTS,
  type IdentityTenant,
  tenantEntry,
  tenantEntryByName,
} from '../../directory/tenants.ts'
import { mayEnable } from '../../session/guarded.ts'
import { type Acting, asActing } from '../acting.ts'
import { forbidden, malformed, missing, NO_CONTENT, success } from '../answers.ts'
import { type Fields, fieldsOf, readEntity } from '../entity.ts'
import { isFlagged, isNamed, type ListAsk, listAsk, listBody, type Page, pageOf } from '../paging.ts'
import { projectJson } from '../record-json.ts'
import { openProjects } from '../scopes/own-scopes.ts'
import { governsDomain, readsAll } from '../scopes/power.ts'
import { asVisible } from '../users/users.ts'
import { newId, written } from '../writing.ts'
import { domainEntry, unchanged } from './domain-lookup.ts'

const FIELDS = {
  name: 'text',
  domain_id: 'text?',
  parent_id: 'text?',
  description: 'long',
  enabled: 'flag',
  is_domain: 'flag',
} as const

/** `GET /v3/projects`: all, or those of the domain that the caller governs. */
export function listProjects(call: Call): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, async ({ power }) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      if (!readsAll(power) && power.kind !== 'domain') return forbidden()
      const only = power.kind === 'domain' ? power.domainId : ask.filters.get('domain_id')
      const fits = (project: IdentityTenant): boolean =>
        (readsAll(power) || governsDomain(power, domainOfTenant(project))) && isAsked(ask, project)
      const { values, next } = await projectsThatFit(call, ask, { only, fits })
      return success(200, listBody(call.request, 'projects', { items: values.map(projectJson(call)), next }))
    }),
  )
}

function isAsked(ask: ListAsk, project: IdentityTenant): boolean {
  return (
    isNamed(ask, 'name', project.name) &&
    isNamed(ask, 'domain_id', domainOfTenant(project)) &&
    isNamed(ask, 'parent_id', domainOfTenant(project)) &&
    isFlagged(ask, 'enabled', project.enabled) &&
    isFlagged(ask, 'is_domain', false)
  )
}

type Wanted = { readonly only: string | undefined; readonly fits: (project: IdentityTenant) => boolean }

/** A name in a domain is looked up; other queries read the list. */
async function projectsThatFit(
  { realm }: Call,
  ask: ListAsk,
  { only, fits }: Wanted,
): Promise<Page<IdentityTenant>> {
  const name = ask.filters.get('name')
  if (name !== undefined && only !== undefined) {
    const project = (await tenantEntryByName(realm, only, name))?.value
    return { values: project !== undefined && fits(project) ? [project] : [], next: undefined }
  }
  const listed = only === undefined ? undefined : { name: 'domain', value: only }
  return pageOf(realm, IDENTITY_TENANTS, { ask, listed, fits })
}

/** `GET /v3/users/{id}/projects`. */
export function listUserProjects(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asVisible(call, id, async (_, { value }) => {
      const items = (await openProjects(call.realm, value)).map(projectJson(call))
      return success(200, listBody(call.request, 'projects', { items, next: undefined }))
    }),
  )
}

/** `GET /v3/projects/{id}`. */
export function showProject(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asSeen(call, id, (_, { value }) => success(200, { project: projectJson(call)(value) })),
  )
}

/** `POST /v3/projects`. */
export function createProject(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async (acting) => {
      const { power, context } = acting
      if (power.kind !== 'system' && power.kind !== 'domain') return forbidden()
      const parsed = readFields(call)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { fields } = parsed
      if (fields.name === undefined) return malformed('"name" is missing.')
      const fallback = power.kind === 'domain' ? power.domainId : context.user.domainId
      const domainId = fields.domain_id ?? fields.parent_id ?? fallback
      if (isNested(fields, domainId)) return malformed('Projects lie in domains only, not in each other.')
      const domain = governsDomain(power, domainId) ? await domainEntry(call.realm, domainId) : undefined
      if (domain === undefined) return missing('domain')
      const blank = { id: newId(call.realm), name: fields.name, enabled: true, domainId }
      const project = withFields(blank, fields)
      return written(call, {
        acting,
        how: 'identity.v3.project.create',
        changes: [created('tenant', project.id, { after: project })],
        expects: [unchanged(domain)],
        done: () => success(201, { project: projectJson(call)(project) }),
      })
    }),
  )
}

/** `PATCH /v3/projects/{id}`: `enabled: false` ends tokens scoped to it. */
export function updateProject(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedProject(call, id, (acting, entry) => {
      const parsed = readFields(call, id)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const domainId = domainOfTenant(entry.value)
      const { domain_id: asked } = parsed.fields
      if ((asked !== undefined && asked !== domainId) || isNested(parsed.fields, domainId))
        return malformed('A project stays in its domain.')
      const project = withFields(entry.value, parsed.fields)
      if (!mayEnable(acting.context, entry.value, project)) return forbidden()
      return written(call, {
        acting,
        how: 'identity.v3.project.update',
        changes: [updated('tenant', entry, project)],
        done: () => success(200, { project: { ...projectJson(call)(project), extra: {} } }),
      })
    }),
  )
}

/** `DELETE /v3/projects/{id}`. */
export function deleteProject(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedProject(call, id, (acting, entry) =>
      written(call, {
        acting,
        how: 'identity.v3.project.delete',
        changes: [deleted('tenant', entry)],
        done: () => NO_CONTENT,
      }),
    ),
  )
}

type ProjectAct = (acting: Acting, entry: Entry<IdentityTenant>) => Reply

/** Goes on with a project that the caller may see: its own, or one that it governs or may read. */
function asSeen(call: Call, id: string, next: ProjectAct): Reply {
  return asActing(call, async (acting): Promise<Answer | Stale> => {
    const entry = await tenantEntry(call.realm, id)
    if (entry === undefined || !seesProject(acting, entry.value)) return missing('project')
    return next(acting, entry)
  })
}

function asGovernedProject(call: Call, id: string, next: ProjectAct): Reply {
  return asSeen(call, id, (acting, entry) =>
    governsDomain(acting.power, domainOfTenant(entry.value)) ? next(acting, entry) : forbidden(),
  )
}

/** Users see the projects that they may scope a token to; with an application credential, only its project. */
function seesProject({ context, power, grant }: Acting, project: IdentityTenant): boolean {
  if (readsAll(power) || governsDomain(power, domainOfTenant(project))) return true
  const { credential } = grant
  return credential === undefined ? isMemberOf(context.user, project.id) : credential.tenantId === project.id
}

type ParsedFields = Fields<typeof FIELDS>

function readFields({ request }: Call, pathId?: string): ReturnType<typeof fieldsOf<typeof FIELDS>> {
  const read = readEntity(request, 'project', pathId)
  return read.kind === 'malformed' ? read : fieldsOf<typeof FIELDS>(read.body satisfies JsonObject, FIELDS)
}

function isNested({ parent_id: parent, is_domain: isDomain }: ParsedFields, domainId: string): boolean {
  return isDomain === true || (typeof parent === 'string' && parent !== domainId)
}

function withFields(project: IdentityTenant, { name, enabled, description }: ParsedFields): IdentityTenant {
  const { description: old, ...rest } = project
  const text = description === undefined ? old : (description ?? '')
  return {
    ...rest,
    name: name ?? project.name,
    enabled: enabled ?? project.enabled,
    ...defined({ description: text }),
  }
}
