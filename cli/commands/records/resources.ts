import type { ControlPath } from '../../remote/client.ts'

/** What the command line calls a collection of the control API, and what can be done to it. */
export type Resource = {
  readonly name: string
  /** Where its list is; with parameters where it belongs to something, whose id comes first: `get client-grants CLIENT`. */
  readonly path: ControlPath
  /** The member of the list's answer that holds the items; absent for a single record, such as settings. */
  readonly member?: string
  /** The members that a table shows. */
  readonly columns: readonly string[]
  /** One record can be read by its id. */
  readonly hasRecords?: true
  /** The member that names a record, where its creator chooses the name. */
  readonly named?: string
  readonly creates?: true
  readonly changes?: 'PATCH' | 'PUT'
  readonly removes?: true
  /** Members of the answer to a creation that are shown there and never again. */
  readonly secrets?: readonly string[]
  /** It belongs to the whole store, not to a realm. */
  readonly isOfStore?: true
  /** Its items are rows of a log: a table tells who did what, and --since leaves out what is older. */
  readonly isLog?: true
}

const LOG_COLUMNS = ['seq', 'at', 'by', 'call', 'what', 'why', 'from'] as const

/** Every collection. A test compares this with the server's own description of its API. */
export const RESOURCES: readonly Resource[] = [
  {
    ...{
      name: 'keys',
      path: '/keys',
      member: 'keys',
      columns: ['id', 'name', 'role', 'realm', 'owner', 'createdAt'],
    },
    ...{ hasRecords: true, creates: true, removes: true, secrets: ['key'] },
  },
  {
    ...{
      name: 'realms',
      path: '/realms',
      member: 'realms',
      columns: ['name', 'enabled', 'createdAt'],
      named: 'name',
    },
    ...{ hasRecords: true, creates: true, changes: 'PATCH', removes: true, isOfStore: true },
  },
  {
    ...{ name: 'clients', path: '/clients', member: 'clients', named: 'clientId' },
    ...{
      columns: ['clientId', 'name', 'enabled', 'grantTypes', 'scopes', 'createdAt'],
      secrets: ['clientSecret'],
    },
    ...{ hasRecords: true, creates: true, changes: 'PATCH', removes: true },
  },
  {
    ...{ name: 'client-grants', path: '/clients/{clientId}/grants', member: 'grants' },
    columns: ['grant', 'subject', 'scope'],
  },
  {
    ...{
      name: 'issuers',
      path: '/issuers',
      member: 'issuers',
      columns: ['id', 'issuer', 'enabled', 'jwksUrl'],
    },
    ...{ hasRecords: true, creates: true, changes: 'PATCH', removes: true },
  },
  {
    ...{ name: 'chat-apps', path: '/chat-apps', member: 'chatApps', named: 'name' },
    ...{ columns: ['name', 'enabled', 'tokenLifetimeSeconds', 'sandbox'], secrets: ['apiKey', 'clientKey'] },
    ...{ hasRecords: true, creates: true, changes: 'PATCH', removes: true },
  },
  {
    ...{ name: 'profiles', path: '/check-profiles', member: 'items', named: 'name' },
    columns: ['name', 'credential', 'sources', 'scopes', 'maxAgeSeconds'],
    ...{ hasRecords: true, creates: true, changes: 'PUT', removes: true },
  },
  {
    ...{
      name: 'verifiers',
      path: '/verifiers',
      member: 'verifiers',
      columns: ['name', 'keys'],
      named: 'name',
    },
    ...{ creates: true, removes: true, secrets: ['key'] },
  },
  { name: 'settings', path: '/settings', columns: [], changes: 'PATCH' },
  { name: 'token-prefixes', path: '/token-prefixes', columns: [], changes: 'PUT' },
  {
    ...{ name: 'chat-clients', path: '/chat-apps/{name}/clients', member: 'clients', hasRecords: true },
    columns: ['id', 'nickname', 'state', 'tokens', 'createdAt'],
  },
  {
    ...{ name: 'users', path: '/identity-users', member: 'users', hasRecords: true, changes: 'PATCH' },
    columns: ['id', 'username', 'email', 'enabled', 'state', 'tenant'],
  },
  {
    ...{ name: 'user-credentials', path: '/identity-users/{userId}/credentials', member: 'credentials' },
    ...{ columns: ['id', 'name', 'tenant', 'madeAt', 'expiresAt'], removes: true },
  },
  {
    ...{ name: 'signing-keys', path: '/signing-keys', member: 'signingKeys' },
    columns: ['keyId', 'algorithm', 'state', 'createdAt', 'activatedAt', 'retiredAt'],
  },
  {
    ...{
      name: 'tokens',
      path: '/tokens',
      member: 'tokens',
      columns: ['state', 'facts', 'lastUsedAt'],
      hasRecords: true,
    },
  },
  {
    ...{ name: 'receipts', path: '/revocations', member: 'revocations', hasRecords: true },
    columns: ['id', 'at', 'covers', 'by', 'reason', 'enforced'],
  },
  {
    ...{
      name: 'schedules',
      path: '/revocations/scheduled',
      member: 'schedules',
      hasRecords: true,
      removes: true,
    },
    columns: ['id', 'state', 'at', 'covers', 'by', 'reason'],
  },
  {
    ...{ name: 'holds', path: '/holds', member: 'holds', hasRecords: true },
    columns: ['id', 'state', 'until', 'covers', 'by', 'reason'],
  },
  {
    ...{ name: 'approvals', path: '/approvals', member: 'approvals', hasRecords: true },
    columns: ['id', 'state', 'act', 'tokens', 'askedBy', 'expiresAt', 'reason'],
  },
  { name: 'audit', path: '/audit', member: 'rows', columns: LOG_COLUMNS, isLog: true },
  {
    name: 'system-audit',
    path: '/audit/system',
    member: 'rows',
    columns: LOG_COLUMNS,
    isOfStore: true,
    isLog: true,
  },
]

export function namesOf(can: (resource: Resource) => boolean): readonly string[] {
  return RESOURCES.filter(can).map(({ name }) => name)
}
