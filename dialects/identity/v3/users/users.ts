import type { Entry } from '@rescind/authority'
import { mayDelegated } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call, Reply } from '../../call.ts'
import { created, deleted, updated } from '../../directory/changes.ts'
import { domainOfTenant, tenantEntry } from '../../directory/tenants.ts'
import {
  accountOf,
  IDENTITY_USERS,
  type IdentityUser,
  userEntry,
  userEntryByName,
} from '../../directory/users.ts'
import { mayUpdate } from '../../session/guarded.ts'
import { turnOf } from '../../session/password-check.ts'
import { type Acting, asActing } from '../acting.ts'
import { conflict, forbidden, malformed, missing, NO_CONTENT, success } from '../answers.ts'
import { type Fields, fieldsOf, readEntity } from '../entity.ts'
import { isFlagged, isNamed, type ListAsk, listAsk, listBody, type Page, pageOf } from '../paging.ts'
import { domainEntry, unchanged } from '../projects/domain-lookup.ts'
import { userJson } from '../record-json.ts'
import { governs, governsDomain, readsAll } from '../scopes/power.ts'
import { newId, written } from '../writing.ts'

const FIELDS = {
  name: 'text',
  domain_id: 'text?',
  password: 'secret',
  email: 'long',
  description: 'long',
  default_project_id: 'text?',
  enabled: 'flag',
} as const

/** `GET /v3/users`: all, or those of the domain that the caller governs. */
export function listUsers(call: Call): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, async ({ power }) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      if (!readsAll(power) && power.kind !== 'domain') return forbidden()
      const fits = (user: IdentityUser): boolean =>
        (readsAll(power) || governsDomain(power, user.domainId)) &&
        isNamed(ask, 'name', user.username) &&
        isNamed(ask, 'domain_id', user.domainId) &&
        isFlagged(ask, 'enabled', user.enabled)
      const only = power.kind === 'domain' ? power.domainId : ask.filters.get('domain_id')
      const { values, next } = await usersThatFit(call, ask, { only, fits })
      const items: object[] = []
      for (const user of values) items.push(await userJson(call, user))
      return success(200, listBody(call.request, 'users', { items, next }))
    }),
  )
}

type Wanted = { readonly only: string | undefined; readonly fits: (user: IdentityUser) => boolean }

/** A name is looked up; other queries read the list. */
async function usersThatFit(
  { realm }: Call,
  ask: ListAsk,
  { only, fits }: Wanted,
): Promise<Page<IdentityUser>> {
  const name = ask.filters.get('name')
  if (name !== undefined) {
    const user = (await userEntryByName(realm, name))?.value
    return { values: user !== undefined && fits(user) ? [user] : [], next: undefined }
  }
  const listed = only === undefined ? undefined : { name: 'domain', value: only }
  return pageOf(realm, IDENTITY_USERS, { ask, listed, fits })
}

/** `GET /v3/users/{id}`. */
export function showUser(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asVisible(call, id, async (_, { value }) => success(200, { user: await userJson(call, value) })),
  )
}

/** `POST /v3/users`: in the named domain, else in that of the caller's token, else in the caller's own. */
export function createUser(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async (acting) => {
      const { power, context } = acting
      if (power.kind !== 'system' && power.kind !== 'domain') return forbidden()
      if (!mayDelegated(context.record, 'outlive')) return forbidden()
      const read = readEntity(call.request, 'user')
      if (read.kind === 'malformed') return malformed(read.detail)
      const parsed = fieldsOf(read.body, FIELDS)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { fields } = parsed
      if (fields.name === undefined) return malformed('"name" is missing.')
      const domainId = fields.domain_id ?? (power.kind === 'domain' ? power.domainId : context.user.domainId)
      const domain = governsDomain(power, domainId) ? await domainEntry(call.realm, domainId) : undefined
      if (domain === undefined) return missing('domain')
      if ((await userEntryByName(call.realm, fields.name)) !== undefined)
        return conflict('Another user has this name; names of users are unique in the realm.')
      const blank = { id: newId(call.realm), username: fields.name, domainId, grants: [], enabled: true }
      const made = await withFields(call, { acting, user: blank, fields })
      if (made.kind === 'refused') return made.answer
      const json = await userJson(call, made.user)
      return written(call, {
        acting,
        how: 'identity.v3.user.create',
        changes: [created('user', blank.id, { after: made.user })],
        expects: [unchanged(domain)],
        done: () => success(201, { user: json }),
      })
    }),
  )
}

/** `PATCH /v3/users/{id}`: a new password or `enabled: false` ends the user's tokens. */
export function updateUser(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGoverned(call, id, async (acting, entry) => {
      const read = readEntity(call.request, 'user', id)
      if (read.kind === 'malformed') return malformed(read.detail)
      const parsed = fieldsOf(read.body, FIELDS)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { fields } = parsed
      if (fields.domain_id !== undefined && fields.domain_id !== entry.value.domainId)
        return malformed('"domain_id" cannot be changed.')
      const setsPassword = fields.password !== undefined
      const update = { before: entry.value, after: becoming(entry.value, fields), setsPassword }
      if (!(await mayUpdate(call.realm, acting.context, update))) return forbidden()
      const made = await withFields(call, { acting, user: entry.value, fields })
      if (made.kind === 'refused') return made.answer
      const json = await userJson(call, made.user)
      return written(call, {
        acting,
        how: 'identity.v3.user.update',
        changes: [updated('user', entry, made.user)],
        done: () => success(200, { user: { ...json, extra: extraOf(made.user) } }),
      })
    }),
  )
}

/** Members that Keystone stores outside its own columns. It repeats them in the answer to a change, and so do we. */
function extraOf({ email, description }: IdentityUser): object {
  return { ...optional('email', email), ...optional('description', description) }
}

/** `DELETE /v3/users/{id}`. */
export function deleteUser(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGoverned(call, id, (acting, entry) =>
      written(call, {
        acting,
        how: 'identity.v3.user.delete',
        changes: [deleted('user', entry)],
        done: () => NO_CONTENT,
      }),
    ),
  )
}

type UserAct = (acting: Acting, entry: Entry<IdentityUser>) => Reply

/** Goes on with a user that the caller may see: itself, or one that it governs or may read. Others are 404. */
export function asVisible(call: Call, id: string, next: UserAct): Reply {
  return asActing(call, async (acting): Promise<Answer | Stale> => {
    const entry = await userEntry(call.realm, id)
    if (entry === undefined || !sees(acting, entry.value)) return missing('user')
    return next(acting, entry)
  })
}

/** Goes on with a user that the caller may change. */
function asGoverned(call: Call, id: string, next: UserAct): Reply {
  return asVisible(call, id, (acting, entry) =>
    governs(acting.power, entry.value) ? next(acting, entry) : forbidden(),
  )
}

export function sees({ context, power }: Acting, user: IdentityUser): boolean {
  return user.id === context.user.id || readsAll(power) || governsDomain(power, user.domainId)
}

type Filling = {
  readonly acting: Acting
  readonly user: IdentityUser
  readonly fields: Fields<typeof FIELDS>
}
type Filled =
  | { readonly kind: 'filled'; readonly user: IdentityUser }
  | { readonly kind: 'refused'; readonly answer: Answer }

async function withFields(call: Call, { acting, user, fields }: Filling): Promise<Filled> {
  const { password, default_project_id: projectId } = fields
  if (typeof projectId === 'string' && !(await isFitProject(call, acting, projectId)))
    return { kind: 'refused', answer: missing('project') }
  const passwordHash =
    password === undefined
      ? user.passwordHash
      : await call.settings.passwords.hash({ password, ...turnOf(call, user.id) })
  return { kind: 'filled', user: { ...becoming(user, fields), ...optional('passwordHash', passwordHash) } }
}

/** A user with these fields, except for the password. */
function becoming(user: IdentityUser, fields: Fields<typeof FIELDS>): IdentityUser {
  const { name, enabled, email, description, default_project_id: projectId } = fields
  const { email: oldEmail, description: oldDescription, tenantId: oldProject, ...rest } = user
  const project = changed(oldProject, projectId)
  return {
    ...rest,
    username: name ?? user.username,
    enabled: enabled ?? user.enabled,
    ...optional('email', changed(oldEmail, email)),
    ...optional('description', changed(oldDescription, description)),
    ...optional('tenantId', project),
    // A user whose own project is removed stays in the account that it had through it, as when the project is deleted.
    ...optional('accountId', project === undefined ? accountOf(user) : user.accountId),
  }
}

/** A default project grants a login without a role on it, so the caller must be able to grant it. */
async function isFitProject({ realm }: Call, { power }: Acting, id: string): Promise<boolean> {
  const entry = await tenantEntry(realm, id)
  return entry !== undefined && governsDomain(power, domainOfTenant(entry.value))
}

/** A changed field: absent keeps it, null or empty removes it. */
function changed(old: string | undefined, given: string | null | undefined): string | undefined {
  return given === undefined ? old : given || undefined
}

function optional<N extends string>(name: N, value: string | undefined): { readonly [K in N]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: string }
}
