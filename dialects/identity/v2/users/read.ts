import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { parseFormText } from '../../../wire/form.ts'
import type { Call } from '../../call.ts'
import { rankOf } from '../../directory/grants.ts'
import { accountOf, IDENTITY_USERS, type IdentityUser, userEntryByName } from '../../directory/users.ts'
import type { LiveTokenContext } from '../../session/token-context.ts'
import { asWholeCaller } from '../caller.ts'
import { fault, notAuthorized, VARY } from '../faults.ts'
import { listAnswer } from '../paging.ts'
import { asGovernorOf, governs } from '../permission.ts'
import { heightOf, isOperator } from '../role-ranks.ts'
import { userAnswer, userJson } from './user-json.ts'

/** `GET /v2.0/users/{id}`. */
export function getUser(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'self-or-governed' }, ({ entry }) => userAnswer(call, entry.value)),
  )
}

/** `GET /v2.0/users`, with `?name=` (one `user`) or `?email=`: the caller and the users that it governs. */
export function listUsers(call: Call): Promise<Answer> {
  const form = parseFormText(call.request.query ?? '')
  return untilFresh(() =>
    asWholeCaller(call, ({ user }) => {
      if (form.kind !== 'form') return fault('badRequest', 'The query cannot be read.')
      const name = form.values.get('name')
      if (name !== undefined) return userNamed(call, user, name)
      return list(call, user, form.values.get('email'))
    }),
  )
}

async function list(call: Call, caller: IdentityUser, email: string | undefined): Promise<Answer> {
  const common = {
    name: 'users',
    collection: IDENTITY_USERS,
    show: (user: IdentityUser) => userJson(call, user),
  }
  const isVisible = (user: IdentityUser): boolean => user.id === caller.id || governs(caller, user)
  const hasEmail = (user: IdentityUser): boolean => email === undefined || user.email === email
  if (isOperator(caller)) {
    const listed = email === undefined ? {} : { listed: { name: 'email', value: email } }
    return listAnswer(call, { ...common, ...listed, isVisible })
  }
  const account = accountOf(caller)
  if (heightOf(rankOf(caller)) === 0 || account === undefined) {
    const users = hasEmail(caller) ? [await userJson(call, caller)] : []
    return jsonAnswer(200, { users, users_links: [] }, VARY)
  }
  // Only the caller's account is read, so that no page can end at a hidden user and reveal it.
  return listAnswer(call, {
    ...common,
    listed: { name: 'account', value: account },
    isVisible: (user) => isVisible(user) && hasEmail(user),
  })
}

async function userNamed(call: Call, caller: IdentityUser, name: string): Promise<Answer> {
  if (name === caller.username) return userAnswer(call, caller)
  if (heightOf(rankOf(caller)) === 0) return notAuthorized()
  const entry = await userEntryByName(call.realm, name)
  if (entry === undefined)
    return isOperator(caller) ? fault('itemNotFound', `User ${name} not found`) : notAuthorized()
  return governs(caller, entry.value) ? userAnswer(call, entry.value) : notAuthorized()
}

/** `GET /v2.0/users/{id}/RAX-AUTH/admins`: the user-admins of a user's account. */
export function listAdmins(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernorOf(call, { userId, reach: 'self-or-governed' }, ({ entry }) => {
      const account = accountOf(entry.value)
      if (account === undefined) return jsonAnswer(200, { users: [], users_links: [] }, VARY)
      return listAnswer(call, {
        name: 'users',
        collection: IDENTITY_USERS,
        listed: { name: 'account', value: account },
        isVisible: (user) => rankOf(user) === 'user-admin',
        show: (user) => userJson(call, user),
      })
    }),
  )
}

/** Users of a tenant that a caller may see: `GET /v2.0/tenants/{id}/users`. */
export function usersOfTenant(call: Call, caller: LiveTokenContext, tenantId: string): Promise<Answer> {
  return listAnswer(call, {
    name: 'users',
    collection: IDENTITY_USERS,
    listed: { name: 'tenant', value: tenantId },
    isVisible: (user) => user.id === caller.user.id || governs(caller.user, user),
    show: (user) => userJson(call, user),
  })
}
