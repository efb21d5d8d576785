import type { Entry, Realm } from '@rescind/authority'
import { foldedName, IDENTITY_USERS, type IdentityUser } from '@rescind/dialects'
import { compareAll, type FindPeople, listedUpTo, type Person } from '../../records/people.ts'

const SOURCE = 'identity'

/** Users by id, and by name or e-mail address in any case. */
export const findIdentityUsers: FindPeople = async (realm, { text, isOver }) => {
  const isMeant = (user: IdentityUser): boolean => membersEqual(user, text).length > 0
  const compared = await compareAll(realm, IDENTITY_USERS, { fits: isMeant, isOver })
  const known = compared.isWhole ? compared.entries : [...compared.entries, ...(await lookedUp(realm, text))]
  const users = new Map(known.map((entry) => [entry.id, personOf(entry, text)]))
  return { people: [...users.values()], sources: [SOURCE], missed: compared.isWhole ? [] : [PARTLY] }
}

const PARTLY = {
  source: SOURCE,
  what: 'names and e-mail addresses in another case, of users that an earlier version wrote',
  why: 'there are too many users to compare each one; ids, and names as they are written, were looked up',
}

async function lookedUp(realm: Realm, text: string): Promise<readonly Entry<IdentityUser>[]> {
  const named = { collection: IDENTITY_USERS.name, name: 'username', value: text }
  const byName = await realm.store.recordByKey(realm.ordinal, named)
  const single: Entry<IdentityUser>[] = []
  for (const id of new Set([text, byName?.id ?? text])) {
    const entry = await realm.directory.readable(IDENTITY_USERS, id)
    if (entry !== undefined) single.push(entry)
  }
  return [
    ...single,
    ...(await listedUpTo(realm, IDENTITY_USERS, { name: 'folded', value: foldedName(text) })),
    ...(await listedUpTo(realm, IDENTITY_USERS, { name: 'email', value: text })),
  ]
}

function membersEqual({ id, username, email }: IdentityUser, text: string): Person['by'] {
  const folded = foldedName(text)
  return [
    ...(id === text ? (['id'] as const) : []),
    ...(foldedName(username) === folded ? (['name'] as const) : []),
    ...(email !== undefined && foldedName(email) === folded ? (['email'] as const) : []),
  ]
}

function personOf({ id, value }: Entry<IdentityUser>, text: string): Person {
  return {
    kind: 'user',
    source: SOURCE,
    id,
    name: value.username,
    email: value.email,
    by: membersEqual(value, text),
    isDisabled: !value.enabled,
    named: { subject: id },
    path: `/control/v1/identity-users/${encodeURIComponent(id)}`,
  }
}
