/** Places on the ladder of v2.0 authority, the highest first. `none` is a user without any of its roles. */
const LADDER = ['service-admin', 'admin', 'user-admin', 'user-manage', 'default'] as const

export type Rank = (typeof LADDER)[number] | 'none'

/**
 * The highest place that these roles give: a sub-user with `identity:user-manage` holds `identity:default`
 * too.
 */
export function rankOf(roles: readonly string[]): Rank {
  return LADDER.find((rank) => roles.includes(`identity:${rank}`)) ?? 'none'
}

/** A role as answers show it. */
export type ShownRole = { readonly id: string; readonly name: string; readonly description: string }

/**
 * Ids that the vendor publishes: admin 1, default 2, user-admin 3. The others are not fixed by anything we
 * could read; 4 and 7 are ours.
 */
const KNOWN: ReadonlyMap<string, ShownRole> = new Map(
  [
    { id: '4', name: 'identity:service-admin', description: 'Service Admin Role.' },
    { id: '1', name: 'identity:admin', description: 'Admin Role.' },
    { id: '3', name: 'identity:user-admin', description: 'User Admin Role.' },
    { id: '7', name: 'identity:user-manage', description: 'User Manage Role.' },
    { id: '2', name: 'identity:default', description: 'Default Role.' },
  ].map((role) => [role.name, role]),
)

/** Any other role is its own id: names are unique, and a role keeps its id wherever it is shown. */
export function shownRole(name: string): ShownRole {
  return KNOWN.get(name) ?? { id: name, name, description: name }
}
