import { isObject, type JsonObject } from '../../../wire/strict-json.ts'
import { badMember, booleanIn, idIn, isName, textIn } from '../fields.ts'

/** The members of a user in a body, with the vendor's names or Keystone's (`name`, `password`, `tenantId`). */
export type UserFields = {
  readonly username?: string
  readonly email?: string
  readonly description?: string
  readonly enabled?: boolean
  readonly password?: string
  readonly defaultRegion?: string
  readonly accountId?: string
  readonly tenantId?: string
  readonly isKeystone: boolean
}

export type FieldsRead =
  | { readonly kind: 'fields'; readonly fields: UserFields }
  | { readonly kind: 'malformed'; readonly detail: string }

const PASSWORD = 'OS-KSADM:password'
const MEMBERS = {
  username: 'text',
  name: 'text',
  email: 'text',
  description: 'text',
  enabled: 'boolean',
  password: 'text',
  [PASSWORD]: 'text',
  'RAX-AUTH:defaultRegion': 'text',
  'RAX-AUTH:domainId': 'id',
  tenantId: 'id',
} as const

/** Unknown members are ignored, because no decision depends on them. */
export function readFields(body: JsonObject): FieldsRead {
  const user = body['user']
  if (!isObject(user)) return malformed('The body must hold a "user".')
  const bad = badMember(user, MEMBERS)
  if (bad !== undefined) return malformed(`"${bad}" has the wrong type or length.`)
  const [username, name] = [textIn(user, 'username'), textIn(user, 'name')]
  if (username !== undefined && name !== undefined && username !== name)
    return malformed('"username" and "name" differ.')
  const named = username ?? name
  if (named !== undefined && !isName(named)) return malformed('This cannot be the name of a user.')
  const email = textIn(user, 'email')
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email))
    return malformed('"email" must be an email address.')
  const [own, plain] = [textIn(user, PASSWORD), textIn(user, 'password')]
  if (own !== undefined && plain !== undefined) return malformed('Two passwords are given.')
  return {
    kind: 'fields',
    fields: {
      ...optional('username', named),
      ...optional('email', email),
      ...optional('description', textIn(user, 'description')),
      ...optional('enabled', booleanIn(user, 'enabled')),
      ...optional('password', own ?? plain),
      ...optional('defaultRegion', textIn(user, 'RAX-AUTH:defaultRegion')),
      ...optional('accountId', idIn(user, 'RAX-AUTH:domainId')),
      ...optional('tenantId', idIn(user, 'tenantId')),
      isKeystone: username === undefined && name !== undefined,
    },
  }
}

function optional<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  // At most one member, so the cast is safe.
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V }
}

function malformed(detail: string): FieldsRead {
  return { kind: 'malformed', detail }
}
