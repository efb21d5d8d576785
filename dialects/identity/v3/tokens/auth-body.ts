import { isObject, type Json, type JsonObject } from '../../../wire/strict-json.ts'
import { CREDENTIAL_MAX, type Malformed } from '../../session/credentials.ts'

/** Distinct methods per request; repeats count once. */
const METHODS_MAX = 4

export type DomainNamed = { readonly by: 'id' | 'name'; readonly value: string }

/** Something in a domain: an id is enough, a name needs a domain. */
export type InDomain =
  | { readonly by: 'id'; readonly value: string }
  | { readonly by: 'name'; readonly value: string; readonly domain: DomainNamed }

export type AuthMethod =
  | { readonly kind: 'password'; readonly user: InDomain; readonly password: string }
  | { readonly kind: 'totp'; readonly user: InDomain; readonly passcode: string }
  | { readonly kind: 'token'; readonly id: string }
  | {
      readonly kind: 'application_credential'
      readonly credential: AppCredentialNamed
      readonly secret: string
    }

export type AppCredentialNamed =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'name'; readonly name: string; readonly user: InDomain }

export type ScopeAsked =
  /** No scope requested: the user's default project, if there is one. */
  | { readonly kind: 'default' }
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'project'; readonly project: InDomain }
  | { readonly kind: 'domain'; readonly domain: DomainNamed }
  | { readonly kind: 'system' }
  | { readonly kind: 'trust' }

export type AuthAsked = {
  readonly kind: 'auth'
  readonly methods: readonly AuthMethod[]
  readonly scope: ScopeAsked
}

/** An unknown method: Keystone answers bad credentials, not a bad request. */
export type UnknownMethod = { readonly kind: 'unknown-method' }

/**
 * Parses the body of `POST /v3/auth/tokens`. Unknown members are ignored, because real clients send some; ambiguous
 * bodies are refused.
 */
export function parseAuth({ auth }: JsonObject): AuthAsked | UnknownMethod | Malformed {
  if (!isObject(auth)) return malformed('The body must hold an object "auth".')
  const identity = auth['identity']
  if (!isObject(identity)) return malformed('"auth" must hold an object "identity".')
  const methods = methodsIn(identity)
  if (!Array.isArray(methods)) return methods as UnknownMethod | Malformed
  const scope = scopeIn(auth['scope'])
  return scope.kind === 'malformed' ? scope : { kind: 'auth', methods, scope }
}

function methodsIn(identity: JsonObject): readonly AuthMethod[] | UnknownMethod | Malformed {
  const list = identity['methods']
  const names = Array.isArray(list) ? [...new Set(list as readonly Json[])] : []
  if (names.length === 0 || names.length > METHODS_MAX)
    return malformed(`"methods" must be a list of 1 to ${METHODS_MAX} names.`)
  const methods: AuthMethod[] = []
  for (const name of names) {
    if (typeof name !== 'string') return malformed('"methods" must hold names.')
    const reader = READERS.get(name)
    if (reader === undefined) return { kind: 'unknown-method' }
    const element = identity[name]
    if (!isObject(element)) return malformed(`"${name}" is named as a method, and is not there.`)
    const method = reader(element)
    if (method.kind === 'malformed') return method
    methods.push(method)
  }
  return methods
}

type Reader = (element: JsonObject) => AuthMethod | Malformed

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    'password',
    (element) => withUser(element, 'password', (user, password) => ({ kind: 'password', user, password })),
  ],
  [
    'totp',
    (element) => withUser(element, 'passcode', (user, passcode) => ({ kind: 'totp', user, passcode })),
  ],
  ['token', tokenIn],
  ['application_credential', appCredentialIn],
])

function withUser(
  element: JsonObject,
  secretName: 'password' | 'passcode',
  made: (user: InDomain, secret: string) => AuthMethod,
): AuthMethod | Malformed {
  const user = inDomain(element['user'], 'user')
  if (user.kind === 'malformed') return user
  const userElement = element['user']
  const secret = isObject(userElement) ? text(userElement[secretName]) : undefined
  return secret === undefined ? badText(secretName) : made(user.named, secret)
}

function tokenIn(element: JsonObject): AuthMethod | Malformed {
  const id = element['id']
  return typeof id === 'string' && id !== ''
    ? { kind: 'token', id }
    : malformed('"id" of the token is missing.')
}

function appCredentialIn(element: JsonObject): AuthMethod | Malformed {
  const secret = text(element['secret'])
  if (secret === undefined) return badText('secret')
  const id = given(element['id'])
  if (id !== undefined) {
    const known = text(id)
    if (known === undefined) return badText('id')
    return { kind: 'application_credential', credential: { by: 'id', id: known }, secret }
  }
  const known = text(element['name'])
  if (known === undefined) return badText('name')
  const user = inDomain(element['user'], 'user')
  if (user.kind === 'malformed') return user
  return { kind: 'application_credential', credential: { by: 'name', name: known, user: user.named }, secret }
}

const SCOPES: readonly string[] = ['project', 'domain', 'system', 'OS-TRUST:trust', 'unscoped']

function scopeIn(scope: Json | undefined): ScopeAsked | Malformed {
  if (scope === undefined) return { kind: 'default' }
  if (scope === 'unscoped') return { kind: 'unscoped' }
  if (!isObject(scope)) return malformed('"scope" must be an object, or "unscoped".')
  const asked = SCOPES.filter((name) => name in scope)
  if (asked.length !== 1) return malformed('"scope" must name exactly one of project, domain and system.')
  switch (asked[0]) {
    case 'project': {
      const project = inDomain(scope['project'], 'project')
      return project.kind === 'malformed' ? project : { kind: 'project', project: project.named }
    }
    case 'domain': {
      const domain = domainIn(scope['domain'])
      return domain.kind === 'malformed' ? domain : { kind: 'domain', domain: domain.named }
    }
    case 'system':
      return isObject(scope['system']) && scope['system']['all'] === true
        ? { kind: 'system' }
        : malformed('"system" must be {"all": true}.')
    case 'unscoped':
      return isObject(scope['unscoped']) ? { kind: 'unscoped' } : malformed('"unscoped" must be an object.')
    default:
      return { kind: 'trust' }
  }
}

type Named<T> = { readonly kind: 'named'; readonly named: T }

/** An id is enough; a name and a domain beside it are ignored. A name needs a domain. */
function inDomain(value: Json | undefined, what: 'user' | 'project'): Named<InDomain> | Malformed {
  if (!isObject(value)) return malformed(`"${what}" must be an object.`)
  const asked = given(value['id'])
  if (asked !== undefined) {
    const id = text(asked)
    return id === undefined ? badText('id') : { kind: 'named', named: { by: 'id', value: id } }
  }
  const name = text(value['name'])
  if (name === undefined) return malformed(`"id" or "name" of the ${what} is missing.`)
  const domain = domainIn(value['domain'])
  if (domain.kind === 'malformed') return domain
  return { kind: 'named', named: { by: 'name', value: name, domain: domain.named } }
}

function domainIn(value: Json | undefined): Named<DomainNamed> | Malformed {
  if (!isObject(value)) return malformed('"domain" must be an object.')
  const id = given(value['id'])
  const known = text(id ?? value['name'])
  if (known === undefined) return malformed('"id" or "name" of the domain is missing.')
  return { kind: 'named', named: { by: id === undefined ? 'name' : 'id', value: known } }
}

/** Clients without an id send null or an empty string. */
function given(value: Json | undefined): Json | undefined {
  return value === null || value === '' ? undefined : value
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= CREDENTIAL_MAX ? value : undefined
}

function badText(name: string): Malformed {
  return malformed(`"${name}" must be text of 1 to ${CREDENTIAL_MAX} characters.`)
}

function malformed(detail: string): Malformed {
  return { kind: 'malformed', detail }
}
