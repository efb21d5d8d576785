import { type Audit, mintText, PREFIX, putRecord, type Realm, type Store } from '@rescind/authority'
import { Overloaded, StoreUnavailable } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import type { Answer, Dialect } from '@rescind/dialects'
import { createIdentityDialect, type IdentityOptions } from '../../dialects/identity/dialect.ts'
import {
  IDENTITY_TENANTS,
  IDENTITY_USERS,
  type IdentityUser,
  identityTenantValue,
  identityUserValue,
  type NewIdentityTenant,
  type NewIdentityUser,
} from '../../dialects/identity/directory/directory.ts'
import { roleIdOfName } from '../../dialects/identity/directory/roles.ts'
import type { Notice, Notifier } from '../../dialects/identity/session/notifier.ts'
import type {
  NewPassword,
  PasswordCheck,
  PasswordQuestion,
} from '../../dialects/identity/session/password-check.ts'
import { HandClock, openWorld, START_MS, type World } from './realm.ts'
import { type Ask, bodyJson, wireRequest } from './request.ts'
import { openTestStore } from './test-store.ts'
import { wrappedStore } from './wrapped-store.ts'

const AUDIT: Audit = { by: 'test', from: 'local', how: 'test.seed' }

/** A password's "hash" here is `hash:` and the password. */
export class FakePasswords implements PasswordCheck {
  readonly asked: PasswordQuestion[] = []
  isFull = false
  /** Runs while a password is being hashed. */
  meanwhile: () => Promise<void> = async () => {}

  async verify(question: PasswordQuestion): Promise<boolean> {
    if (this.isFull) throw new Overloaded('too many wait')
    this.asked.push(question)
    await this.meanwhile()
    return question.hash === `hash:${question.password}`
  }

  async hash({ password }: NewPassword): Promise<string> {
    if (this.isFull) throw new Overloaded('too many wait')
    return `hash:${password}`
  }
}

/** A store that can be taken down: then every call is an outage. */
export type Switch = { isDown: boolean }

function breakable(store: Store, power: Switch): Store {
  return wrappedStore(store, (_name, call) => {
    if (power.isDown) throw new StoreUnavailable('the store is down')
    return call()
  })
}

export const USERS: readonly NewIdentityUser[] = [
  user('svc', ['identity:service-admin'], undefined),
  user('root', ['identity:admin'], undefined),
  user('resident', ['identity:admin'], '900100'),
  user('owner', ['identity:user-admin'], '900100'),
  user('manager', ['identity:default', 'identity:user-manage'], '900100'),
  user('manager2', ['identity:default', 'identity:user-manage'], '900100'),
  user('ann', ['identity:default'], '900100'),
  user('bob', ['identity:default'], '900100'),
  user('plain', [], '900100'),
  user('owner2', ['identity:user-admin'], '900200'),
  user('eve', ['identity:default'], '900200'),
  user('loose', ['identity:user-admin'], undefined),
  user('loose2', ['identity:default'], undefined),
]

function user(name: string, roles: readonly string[], tenantId: string | undefined): NewIdentityUser {
  const secrets = { passwordHash: `hash:pw-${name}`, apiKey: `key-${name}` }
  const base = { id: `id-${name}`, username: name, roles, enabled: true, ...secrets }
  return tenantId === undefined ? base : { ...base, tenantId }
}

export type IdentityWorld = World & {
  readonly passwords: FakePasswords
  readonly power: Switch
  readonly dialect: Dialect
  ask(ask: Ask): Promise<Answer>
  /** Logs in by password and returns the token. */
  login(name: string): Promise<string>
}

export type IdentityWorldOptions = Partial<IdentityOptions> & { readonly store?: Store }

export async function openIdentity({
  store: given,
  ...options
}: IdentityWorldOptions = {}): Promise<IdentityWorld> {
  const power = { isDown: false }
  const clock = new HandClock()
  const store = given ?? (await openTestStore(START_MS, clock))
  const world = await openWorld(breakable(store, power), { clock })
  for (const given of USERS) await putUser(world.realm, identityUserValue(world.realm, given))
  for (const id of ['900100', '900200']) await putTenant(world.realm, { id, name: `tenant-${id}` })
  const passwords = new FakePasswords()
  const dialect = createIdentityDialect({ passwords, ratePerSecond: 0, ...options })
  const ask = async (given: Ask): Promise<Answer> => dialect.handle(world.realm, wireRequest(given))
  const login = async (name: string): Promise<string> => tokenOf(await ask(passwordLogin(name)))
  return { ...world, passwords, power, dialect, ask, login }
}

export async function putUser(realm: Realm, value: IdentityUser): Promise<void> {
  const { version } = await realm.directory.state(IDENTITY_USERS, value.id)
  const put = { collection: IDENTITY_USERS, id: value.id, value, fromVersion: version }
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, put, AUDIT),
  })
}

export async function putTenant(realm: Realm, given: NewIdentityTenant): Promise<void> {
  const { version } = await realm.directory.state(IDENTITY_TENANTS, given.id)
  const value = identityTenantValue(given)
  const put = { collection: IDENTITY_TENANTS, id: value.id, value, fromVersion: version }
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, put, AUDIT),
  })
}

/** Writes a row that no call of this dialect writes. */
export async function append(realm: Realm, rule: Rule): Promise<void> {
  const operation = { kind: 'append', row: realm.row(rule, AUDIT) } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [operation] })
}

/** Changes some members of a user's record. */
export async function changeUser(
  realm: Realm,
  id: string,
  { roles, ...change }: Partial<IdentityUser> & { readonly roles?: readonly string[] },
): Promise<void> {
  const entry = await realm.directory.get(IDENTITY_USERS, id)
  if (entry === undefined) throw new Error(`no user ${id}`)
  const grants = roles?.map((name) => ({ roleId: roleIdOfName(name) })) ?? entry.value.grants
  await putUser(realm, { ...entry.value, grants, ...change })
}

export function passwordLogin(name: string, beside: object = {}): Ask {
  return post({ auth: { passwordCredentials: { username: name, password: `pw-${name}` }, ...beside } })
}

export function apiKeyLogin(name: string, beside: object = {}): Ask {
  const credentials = { username: name, apiKey: `key-${name}` }
  return post({ auth: { 'RAX-KSKEY:apiKeyCredentials': credentials, ...beside } })
}

export function post(body: unknown): Ask {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  return { method: 'POST', path: '/v2.0/tokens', headers, body: JSON.stringify(body) }
}

export function as(token: string, method: string, path: string, query?: string): Ask {
  const ask = { method, path, headers: { 'x-auth-token': token } }
  return query === undefined ? ask : { ...ask, query }
}

/** Text of our grammar that was never issued. */
export function neverIssued(realm: Realm): string {
  return mintText(PREFIX.identity, realm.random).reveal()
}

type Access = {
  readonly access: {
    readonly token: {
      readonly id: string
      readonly expires: string
      readonly tenant?: { id: string; name: string }
    }
    readonly user: { readonly id: string; readonly roles: readonly { id: string; name: string }[] }
    readonly serviceCatalog?: readonly { readonly type: string; readonly endpoints: readonly object[] }[]
  }
}

export async function accessOf(answer: Answer): Promise<Access['access']> {
  if (answer.status !== 200) throw new Error(`${answer.status} ${String(answer.body)}`)
  return ((await bodyJson(answer)) as Access).access
}

export async function tokenOf(answer: Answer): Promise<string> {
  return (await accessOf(answer)).token.id
}

/** The fault of an answer: its name, code and message. */
export async function faultOf(answer: Answer): Promise<{ name: string; code: number; message: string }> {
  const [[name, { code, message }]] = Object.entries(
    (await bodyJson(answer)) as Record<string, { code: number; message: string }>,
  ) as [[string, { code: number; message: string }]]
  return { name, code, message }
}

/** A request with a JSON body and this X-Auth-Token. */
export function send(token: string, method: string, path: string, body?: unknown): Ask {
  const headers = { 'x-auth-token': token, 'content-type': 'application/json' }
  return { method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
}

/** Keeps the notices that it should deliver. */
export class FakeNotifier implements Notifier {
  readonly notices: Notice[] = []

  deliver(notice: Notice): void {
    this.notices.push(notice)
  }
}
