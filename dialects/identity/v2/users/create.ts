import { mayDelegated, unreachable } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call } from '../../call.ts'
import { created } from '../../directory/changes.ts'
import { rankOf } from '../../directory/grants.ts'
import { DEFAULT_DOMAIN, isProjectId } from '../../directory/names.ts'
import { roleIdOfName } from '../../directory/roles.ts'
import { accountOf, IDENTITY_USERS, type IdentityUser } from '../../directory/users.ts'
import { turnOf } from '../../session/password-check.ts'
import type { LiveTokenContext } from '../../session/token-context.ts'
import { asWholeCaller } from '../caller.ts'
import { change } from '../changing.ts'
import { bodyFault, fault, notAuthorized, VARY } from '../faults.ts'
import { readDocument } from '../format.ts'
import { heightOf, isOperator } from '../role-ranks.ts'
import { readFields, type UserFields } from './fields.ts'
import { newId, newPassword } from './secrets.ts'
import { userJson } from './user-json.ts'

/** Users that an account's admins may create in it; the vendor's bound. */
export const SUB_USERS_MAX = 100

/**
 * `POST /v2.0/users`: 201 with the user, and with the password if it was generated. A service-admin creates admins; an
 * admin user-admins (in Keystone's form: plain users); user-admin and user-manage sub-users of their account.
 */
export function createUser(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asWholeCaller(call, (caller) => {
      if (heightOf(rankOf(caller.user)) === 0 || !mayDelegated(caller.record, 'outlive'))
        return notAuthorized()
      if (read.kind !== 'body') return bodyFault(read)
      const parsed = readFields(read.body)
      if (parsed.kind === 'malformed') return fault('badRequest', parsed.detail)
      return create(call, caller, parsed.fields)
    }),
  )
}

async function create(call: Call, caller: LiveTokenContext, fields: UserFields): Promise<Answer | Stale> {
  const { realm, request, settings } = call
  const { username } = fields
  if (username === undefined) return fault('badRequest', '"username" is missing.')
  const home = homeOf(call, caller.user, fields)
  if (home === undefined) return notAuthorized()
  if (home.tenantId !== undefined && !isProjectId(home.tenantId))
    return fault('badRequest', 'This cannot be the id of a tenant.')
  if (!isOperator(caller.user) && (await isFull(call, caller.user)))
    return fault('badRequest', `User cannot create more than ${SUB_USERS_MAX} sub-users in an account.`)
  const password = fields.password ?? newPassword(realm)
  const passwordHash = await settings.passwords.hash({ password, ...turnOf(call, username) })
  const id = newId(realm)
  const user: IdentityUser = {
    id,
    username,
    ...defined({ email: fields.email, description: fields.description, defaultRegion: fields.defaultRegion }),
    enabled: fields.enabled ?? true,
    domainId: isOperator(caller.user) ? DEFAULT_DOMAIN : caller.user.domainId,
    passwordHash,
    grants: [{ roleId: roleIdOfName(roleFor(caller.user, fields)) }],
    ...home,
  }
  const changes = [created('user', id, { after: user })]
  return change(call, { caller, how: 'user.create', changes }, async () => {
    const json = {
      ...(await userJson(call, user)),
      ...(fields.password ? {} : { 'OS-KSADM:password': password }),
    }
    const location = `${request.base}/v2.0/users/${encodeURIComponent(id)}`
    return jsonAnswer(201, { user: json }, { ...VARY, location })
  })
}

type Home = Pick<IdentityUser, 'accountId' | 'tenantId'>

/** Account and tenant of a new user. @returns undefined if the caller may not choose them. */
function homeOf({ realm }: Call, caller: IdentityUser, fields: UserFields): Home | undefined {
  const { accountId, tenantId } = fields
  if (isOperator(caller)) {
    if (fields.isKeystone) return { ...optional('accountId', accountId), ...optional('tenantId', tenantId) }
    const account = accountId ?? newId(realm)
    return { accountId: account, tenantId: tenantId ?? account }
  }
  const account = accountOf(caller)
  if (account === undefined) return undefined
  if ((accountId ?? account) !== account || (tenantId ?? caller.tenantId) !== caller.tenantId)
    return undefined
  return { accountId: account, ...optional('tenantId', caller.tenantId) }
}

function optional<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  // At most one member, so the cast is safe.
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: string }
}

function roleFor(caller: IdentityUser, { isKeystone }: UserFields): string {
  const rank = rankOf(caller)
  switch (rank) {
    case 'service-admin':
      return isKeystone ? 'identity:default' : 'identity:admin'
    case 'admin':
      return isKeystone ? 'identity:default' : 'identity:user-admin'
    case 'user-admin':
    case 'user-manage':
    case 'default':
    case 'none':
      return 'identity:default'
    default:
      return unreachable(rank)
  }
}

/** Counts an account's sub-users when one is to be added; there are never many. */
async function isFull({ realm }: Call, caller: IdentityUser): Promise<boolean> {
  const listed = { name: 'account', value: accountOf(caller) ?? '' }
  const page = await realm.directory.page(IDENTITY_USERS, {
    listed,
    after: undefined,
    limit: SUB_USERS_MAX + 2,
  })
  const subUsers = page.entries.filter(({ value }) => rankOf(value) !== 'user-admin')
  return subUsers.length >= SUB_USERS_MAX
}
