import { putRecord } from '@rescind/authority'
import type { Answer } from '@rescind/dialects'
import { identityUserValue } from '../../dialects/identity/directory/directory.ts'
import { IDENTITY_DOMAINS } from '../../dialects/identity/directory/domains.ts'
import type { Grant } from '../../dialects/identity/directory/users.ts'
import { type Ask, bodyJson } from './request.ts'
import {
  type IdentityWorld,
  type IdentityWorldOptions,
  openIdentity,
  putTenant,
  putUser,
} from './world-identity.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test.seed' }

/** Scopes as in a login. */
export const SYSTEM = { system: { all: true } }
export const inProject = (id: string): object => ({ project: { id } })
export const inDomain = (id: string): object => ({ domain: { id } })

type Person = {
  readonly domainId: string
  readonly roles?: readonly string[]
  readonly grants?: readonly Grant[]
  readonly tenantId?: string
  /** The scope of this person's tokens in the tests. */
  readonly scope: object | 'unscoped'
}

const TEAM: Grant = { roleId: 'member', tenantId: 'team' }

/** Two domains, `blue` with two projects and `default`, and people with and without power. */
export const PEOPLE: Readonly<Record<string, Person>> = {
  chief: { domainId: 'default', roles: ['identity:admin'], scope: 'unscoped' },
  sysadmin: { domainId: 'default', grants: [{ roleId: 'admin', system: true }], scope: SYSTEM },
  auditor: { domainId: 'default', grants: [{ roleId: 'reader', system: true }], scope: SYSTEM },
  governor: { domainId: 'blue', grants: [{ roleId: 'admin', domainId: 'blue' }], scope: inDomain('blue') },
  nova: { domainId: 'default', grants: [{ roleId: 'service', tenantId: 'yard' }], scope: inProject('yard') },
  lead: { domainId: 'blue', grants: [{ roleId: 'admin', tenantId: 'team' }], scope: inProject('team') },
  pia: { domainId: 'blue', grants: [TEAM], tenantId: 'team', scope: inProject('team') },
  pol: { domainId: 'blue', grants: [TEAM], scope: inProject('team') },
  kim: { domainId: 'blue', grants: [{ roleId: 'member', tenantId: 'lab' }], scope: inProject('lab') },
  boss: { domainId: 'blue', roles: ['identity:admin'], tenantId: 'team', scope: inProject('team') },
  eva: { domainId: 'default', grants: [{ roleId: 'member', tenantId: 'yard' }], scope: inProject('yard') },
  idle: { domainId: 'blue', scope: 'unscoped' },
}

export type V3World = IdentityWorld & {
  /** Logs in by password, with the person's scope or another one. */
  enter(name: string, scope?: object | 'unscoped'): Promise<string>
}

export async function openV3(options: IdentityWorldOptions = {}): Promise<V3World> {
  const world = await openIdentity(options)
  const { realm } = world
  const blue = { id: 'blue', name: 'Blue', enabled: true }
  const put = { collection: IDENTITY_DOMAINS, id: 'blue', value: blue, fromVersion: 0 }
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, put, AUDIT),
  })
  for (const id of ['team', 'lab']) await putTenant(realm, { id, name: `${id}-name`, domainId: 'blue' })
  await putTenant(realm, { id: 'yard', name: 'yard-name' })
  for (const [name, { roles = [], scope: _, ...rest }] of Object.entries(PEOPLE)) {
    const base = { id: name, username: `${name}-name`, enabled: true, passwordHash: `hash:pw-${name}` }
    await putUser(realm, identityUserValue(realm, { ...base, ...rest, roles }))
  }
  return {
    ...world,
    enter: async (name, scope = PEOPLE[name]?.scope) =>
      subjectToken(await world.ask(byPassword(name, scope))),
  }
}

export function byPassword(name: string, scope?: unknown): Ask {
  return logIn({ methods: ['password'], password: { user: { id: name, password: `pw-${name}` } } }, scope)
}

export function byToken(token: string, scope?: unknown): Ask {
  return logIn({ methods: ['token'], token: { id: token } }, scope)
}

export function logIn(identity: object, scope?: unknown): Ask {
  return send('POST', '/v3/auth/tokens', {
    body: { auth: { identity, ...(scope === undefined ? {} : { scope }) } },
  })
}

export type Sending = {
  readonly as?: string
  readonly about?: string
  readonly query?: string
  readonly body?: unknown
}

/** A call of v3: `as` is X-Auth-Token, `about` is X-Subject-Token. */
export function send(method: string, path: string, { as, about, query, body }: Sending = {}): Ask {
  return {
    method,
    path,
    headers: {
      ...(as === undefined ? {} : { 'x-auth-token': as }),
      ...(about === undefined ? {} : { 'x-subject-token': about }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
}

/** The token of a login's answer. */
export async function subjectToken(answer: Answer): Promise<string> {
  const token = answer.headers['x-subject-token']
  if (answer.status !== 201 || token === undefined) throw new Error(`${answer.status} ${String(answer.body)}`)
  return token
}

export type TokenBody = {
  readonly methods: readonly string[]
  readonly audit_ids: readonly string[]
  readonly issued_at: string
  readonly expires_at: string
  readonly user: { readonly id: string; readonly name: string; readonly domain: object }
  readonly roles?: readonly { readonly id: string; readonly name: string }[]
  readonly project?: { readonly id: string }
  readonly domain?: { readonly id: string }
  readonly system?: object
  readonly is_domain?: boolean
  readonly application_credential?: object
  readonly catalog?: readonly { readonly type: string; readonly endpoints: readonly { url: string }[] }[]
}

export async function tokenIn(answer: Answer): Promise<TokenBody> {
  return ((await bodyJson(answer)) as { token: TokenBody }).token
}

export async function errorIn(answer: Answer): Promise<{ code: number; message: string; title: string }> {
  return ((await bodyJson(answer)) as { error: { code: number; message: string; title: string } }).error
}
