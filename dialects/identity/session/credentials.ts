import { isObject, type Json, type JsonObject } from '../../wire/strict-json.ts'

/** Longest name, password, key or tenant in characters. Longer ones are refused before anything is hashed or looked up. */
export const CREDENTIAL_MAX = 1_024

export type Named = { readonly by: 'id' | 'name'; readonly value: string }

export type Credentials =
  | { readonly kind: 'password'; readonly user: Named; readonly password: string }
  | { readonly kind: 'api-key'; readonly user: Named; readonly apiKey: string }
  | { readonly kind: 'token'; readonly id: string }
  /** The second step of MFA. The session of the first step comes in X-SessionId. */
  | { readonly kind: 'passcode'; readonly passcode: string }

export type Login = {
  readonly kind: 'login'
  readonly credentials: Credentials
  readonly tenant: Named | undefined
  /** `RAX-AUTH:scope`: a token only for setting up MFA. */
  readonly isSetupMfa: boolean
}
export type Malformed = { readonly kind: 'malformed'; readonly detail: string }

const PASSWORD = 'passwordCredentials'
const API_KEY = 'RAX-KSKEY:apiKeyCredentials'
const PASSCODE = 'RAX-AUTH:passcodeCredentials'
const SCOPE = 'RAX-AUTH:scope'

/** Members that ask for other or fewer rights than the user's. Ignoring one would grant rights that were not requested. */
const NARROWING: readonly string[] = ['RAX-AUTH:domain', 'trust_id']
/** Names of a user or a tenant. Null and the empty string name none, as at the vendor. */
const TENANT_NAMES: readonly string[] = ['tenantId', 'tenantName']
const NAMES: readonly string[] = [...TENANT_NAMES, 'username', 'userId']
const SECRETS: readonly string[] = ['password', 'apiKey', 'id', 'passcode']

/**
 * Parses the body of `POST /v2.0/tokens`. Unknown members are ignored, because real clients send some. Two kinds of
 * credentials, or two different tenants, are refused.
 */
export function parseLogin(body: JsonObject): Login | Malformed {
  const auth = body['auth']
  if (!isObject(auth)) return malformed('The body must hold an "auth" with credentials in it.')
  const narrowing = NARROWING.find((name) => name in auth)
  if (narrowing !== undefined) return malformed(`"${narrowing}" is not supported.`)
  const kinds = Object.keys(auth).filter(isCredentialKind)
  if (kinds.length !== 1) return malformed('"auth" must hold credentials of exactly one kind.')
  const element = auth[kinds[0] ?? '']
  if (!isObject(element)) return malformed('Credentials must be an object.')
  const bad =
    unfit(auth, TENANT_NAMES, isName) ?? unfit(element, NAMES, isName) ?? unfit(element, SECRETS, isText)
  if (bad !== undefined) return malformed(`"${bad}" must be text of 1 to ${CREDENTIAL_MAX} characters.`)
  const credentials = credentialsIn(kinds[0], element)
  if (credentials.kind === 'malformed') return credentials
  const tenant = tenantIn(auth, element)
  if (tenant.kind === 'malformed') return tenant
  const isSetupMfa = SCOPE in auth
  if (isSetupMfa && (auth[SCOPE] !== 'SETUP-MFA' || credentials.kind !== 'password'))
    return malformed('The only scope is "SETUP-MFA", for a password.')
  return { kind: 'login', credentials, tenant: tenant.named, isSetupMfa }
}

/** Every kind that the vendor ever had, and `token`, so that none is ignored beside another. */
function isCredentialKind(member: string): boolean {
  return member === 'token' || member.endsWith('Credentials')
}

function credentialsIn(kind: string | undefined, element: JsonObject): Credentials | Malformed {
  switch (kind) {
    case PASSWORD:
      return passwordIn(element)
    case API_KEY:
      return apiKeyIn(element)
    case 'token': {
      const id = textIn(element, 'id')
      return id === undefined ? malformed('"id" is missing.') : { kind: 'token', id }
    }
    case PASSCODE: {
      const passcode = textIn(element, 'passcode')
      return passcode === undefined ? malformed('"passcode" is missing.') : { kind: 'passcode', passcode }
    }
    default:
      return malformed('Credentials of this kind are not supported.')
  }
}

function passwordIn(element: JsonObject): Credentials | Malformed {
  const password = textIn(element, 'password')
  const [username, userId] = [nameIn(element, 'username'), nameIn(element, 'userId')]
  if (password === undefined) return malformed('"password" is missing.')
  if (username !== undefined && userId !== undefined)
    return malformed('"username" and "userId" exclude each other.')
  if (username !== undefined) return { kind: 'password', user: { by: 'name', value: username }, password }
  if (userId !== undefined) return { kind: 'password', user: { by: 'id', value: userId }, password }
  return malformed('"username" or "userId" is missing.')
}

function apiKeyIn(element: JsonObject): Credentials | Malformed {
  const [username, apiKey] = [nameIn(element, 'username'), textIn(element, 'apiKey')]
  if (username === undefined || apiKey === undefined) return malformed('"username" or "apiKey" is missing.')
  return { kind: 'api-key', user: { by: 'name', value: username }, apiKey }
}

type TenantAsked = { readonly kind: 'asked'; readonly named: Named | undefined }

/** The tenant may be beside the credentials (samples and clients), inside them (the vendor's table), or the same in both. */
function tenantIn(auth: JsonObject, element: JsonObject): TenantAsked | Malformed {
  const ids = bothOf(auth, element, 'tenantId')
  const names = bothOf(auth, element, 'tenantName')
  if (ids.length > 0 && names.length > 0) return malformed('"tenantId" and "tenantName" exclude each other.')
  const [value, other] = [...ids, ...names]
  if (value === undefined) return { kind: 'asked', named: undefined }
  if (other !== undefined && other !== value) return malformed('Two different tenants are named.')
  return { kind: 'asked', named: { by: ids.length > 0 ? 'id' : 'name', value } }
}

function bothOf(auth: JsonObject, element: JsonObject, name: string): string[] {
  return [nameIn(auth, name), nameIn(element, name)].filter((text) => text !== undefined)
}

function unfit(
  object: JsonObject,
  names: readonly string[],
  fits: (value: Json | undefined) => boolean,
): string | undefined {
  return names.find((name) => name in object && !fits(object[name]))
}

function isName(value: Json | undefined): boolean {
  return value === null || value === '' || isText(value) || isDigits(value)
}

/** Ids of this vendor consist of digits, and some clients send them as numbers. */
function isDigits(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function nameIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  if (isDigits(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isText(value: Json | undefined): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= CREDENTIAL_MAX
}

function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' ? value : undefined
}

function malformed(detail: string): Malformed {
  return { kind: 'malformed', detail }
}
