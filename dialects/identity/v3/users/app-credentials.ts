import { mintText } from '@rescind/authority'
import { defined, parseInstant } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject, type Json, type JsonObject } from '../../../wire/strict-json.ts'
import type { Call } from '../../call.ts'
import { IDENTITY_APP_CREDENTIALS, type IdentityAppCredential } from '../../directory/app-credentials.ts'
import { created, deleted } from '../../directory/changes.ts'
import { grantedRoles, type IdentityRole } from '../../directory/roles.ts'
import type { IdentityUser } from '../../directory/users.ts'
import type { Malformed } from '../../session/credentials.ts'
import { mayAct } from '../../session/guarded.ts'
import type { Acting } from '../acting.ts'
import { conflict, forbidden, malformed, missing, NO_CONTENT, success } from '../answers.ts'
import { fieldsOf, readEntity } from '../entity.ts'
import { isNamed, listAsk, listBody, pageOf } from '../paging.ts'
import { credentialJson } from '../record-json.ts'
import { governs } from '../scopes/power.ts'
import { newId, written } from '../writing.ts'
import { asVisible } from './users.ts'

/** Application credentials per user; more are refused. */
export const APP_CREDENTIALS_MAX = 100
/** Roles per request. */
const ROLES_MAX = 100

const FIELDS = {
  name: 'text',
  description: 'long',
  secret: 'secret',
  expires_at: 'text?',
  unrestricted: 'flag',
} as const

/** `GET /v3/users/{user}/application_credentials`. */
export function listCredentials(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asVisible(call, userId, async () => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      const { values, next } = await pageOf(call.realm, IDENTITY_APP_CREDENTIALS, {
        ask,
        listed: { name: 'user', value: userId },
        fits: (credential) => isNamed(ask, 'name', credential.name),
      })
      const items: object[] = []
      for (const credential of values) items.push(await withRolesJson(call, credential))
      return success(200, listBody(call.request, 'application_credentials', { items, next }))
    }),
  )
}

/** `GET /v3/users/{user}/application_credentials/{id}`. */
export function showCredential(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asVisible(call, userId, async () => {
      const entry = await call.realm.directory.get(IDENTITY_APP_CREDENTIALS, id)
      if (entry?.value.userId !== userId) return missing('application credential')
      return success(200, { application_credential: await withRolesJson(call, entry.value) })
    }),
  )
}

/** `DELETE …`: also ends the tokens made with it. */
export function deleteCredential(call: Call, [userId = '', id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asVisible(call, userId, async (acting, user) => {
      const entry = await call.realm.directory.get(IDENTITY_APP_CREDENTIALS, id)
      if (entry?.value.userId !== userId) return missing('application credential')
      const isOwn = acting.context.user.id === userId
      if (!isOwn && !governs(acting.power, user.value)) return forbidden()
      if (!(await mayDispose(call, acting, user.value))) return forbidden()
      return written(call, {
        acting,
        how: 'identity.v3.appCredential.delete',
        changes: [deleted('appCredential', entry)],
        done: () => NO_CONTENT,
      })
    }),
  )
}

/**
 * `POST …`: for oneself, in the project of one's token, with roles of that token. The secret is shown once and stored
 * as a digest.
 */
export function createCredential(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asVisible(call, userId, async (acting) => {
      if (acting.context.user.id !== userId) return forbidden()
      if (!(await mayDispose(call, acting, acting.context.user))) return forbidden()
      if (acting.grant.scope.kind !== 'project') return forbidden('This takes a token of a project.')
      const asked = readCredential(call, acting)
      if (asked.kind === 'malformed') return malformed(asked.detail)
      return create(call, { acting, asked, projectId: acting.grant.scope.id })
    }),
  )
}

/** Whether the caller's token may create and delete application credentials of this user. */
function mayDispose({ realm }: Call, { context, grant }: Acting, of: IdentityUser): Promise<boolean> {
  const isUnrestricted = grant.credential?.isUnrestricted === true
  return mayAct(realm, context, { act: 'app-credential', of, isUnrestricted })
}

type Asked = {
  readonly kind: 'asked'
  readonly name: string
  readonly description: string | undefined
  readonly secret: string | undefined
  readonly expiresAtMs: number | undefined
  readonly isUnrestricted: boolean
  readonly roles: readonly IdentityRole[]
}

function readCredential(call: Call, { grant }: Acting): Asked | Malformed {
  const read = readEntity(call.request, 'application_credential')
  if (read.kind === 'malformed') return read
  const parsed = fieldsOf(read.body, FIELDS)
  if (parsed.kind === 'malformed') return parsed
  const { name, description, secret, expires_at: expires, unrestricted = false } = parsed.fields
  if (name === undefined) return refused('"name" is missing.')
  if (isAsking(read.body['access_rules'])) return refused('"access_rules" are not supported.')
  const expiresAtMs = typeof expires === 'string' ? parseInstant(expires) : undefined
  if (typeof expires === 'string' && !(expiresAtMs !== undefined && expiresAtMs > call.realm.nowMs()))
    return refused('"expires_at" must be a date that is yet to come.')
  const roles = rolesIn(read.body, grant.roles)
  if (roles === undefined || roles.length === 0) return refused('"roles" must name roles of the token.')
  // A restricted credential cannot create an unrestricted one.
  const isUnrestricted = unrestricted && (grant.credential?.isUnrestricted ?? true)
  return {
    kind: 'asked',
    name,
    description: description ?? undefined,
    secret,
    expiresAtMs,
    isUnrestricted,
    roles,
  }
}

/** Access rules would narrow the credential. Ignoring them would grant more than was requested. */
function isAsking(rules: Json | undefined): boolean {
  return rules !== undefined && rules !== null && !(Array.isArray(rules) && rules.length === 0)
}

/** All of the token's roles by default. @returns undefined if the request names a role that the token lacks. */
function rolesIn(body: JsonObject, own: readonly IdentityRole[]): readonly IdentityRole[] | undefined {
  const given = body['roles']
  if (given === undefined || given === null || (Array.isArray(given) && given.length === 0)) return own
  if (!Array.isArray(given) || given.length > ROLES_MAX) return undefined
  const roles = (given as readonly Json[]).map((one) =>
    isObject(one)
      ? own.find(({ id, name }) => id === one['id'] || (one['id'] === undefined && name === one['name']))
      : undefined,
  )
  return roles.every((role) => role !== undefined) ? [...new Set(roles)] : undefined
}

type Creating = { readonly acting: Acting; readonly asked: Asked; readonly projectId: string }

async function create(call: Call, { acting, asked, projectId }: Creating): Promise<Answer | Stale> {
  const { realm } = call
  const userId = acting.context.user.id
  const listed = { name: 'user', value: userId }
  const { entries } = await realm.directory.page(IDENTITY_APP_CREDENTIALS, {
    listed,
    after: undefined,
    limit: APP_CREDENTIALS_MAX,
  })
  if (entries.length >= APP_CREDENTIALS_MAX)
    return forbidden(`A user may have at most ${APP_CREDENTIALS_MAX} application credentials.`)
  if (entries.some(({ value }) => value.name === asked.name)) return conflict('Another one has this name.')
  const secret = asked.secret ?? mintText(realm.grammar.prefixes.clientSecret, realm.random).reveal()
  const { description } = asked
  const parent = acting.grant.credential
  const expiresAtMs = earliest(asked.expiresAtMs, parent?.expiresAtMs)
  const credential: IdentityAppCredential = {
    id: newId(realm),
    userId,
    tenantId: projectId,
    name: asked.name,
    ...defined({ description }),
    secretDigest: realm.secretDigest(secret),
    roleIds: asked.roles.map(({ id }) => id),
    ...defined({ expiresAtMs }),
    madeAtMs: realm.nowMs(),
    isUnrestricted: asked.isUnrestricted,
    ...(parent === undefined ? {} : { parentId: parent.id }),
  }
  const json = { ...credentialJson(call)({ credential, roles: asked.roles }), secret }
  return written(call, {
    acting,
    how: 'identity.v3.appCredential.create',
    changes: [created('appCredential', credential.id, { after: credential })],
    done: () => success(201, { application_credential: json }),
  })
}

/** A credential expires with the unrestricted credential that created it, at the latest. */
function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

async function withRolesJson(call: Call, credential: IdentityAppCredential): Promise<object> {
  const roles = await grantedRoles(call.realm, credential.roleIds)
  return credentialJson(call)({ credential, roles })
}

function refused(detail: string): Malformed {
  return { kind: 'malformed', detail }
}
