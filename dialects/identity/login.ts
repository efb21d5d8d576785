import {
  type Awaitable,
  ContractBroken,
  callerFacts,
  issueTokens,
  mintText,
  type Position,
  type Principals,
  type Realm,
  sameDigest,
  type TokenIntent,
  unreachable,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { untilFresh } from '../wire/dialect.ts'
import { accessAnswer } from './access.ts'
import type { Call } from './call.ts'
import { type Credentials, type Login, type Named, parseLogin } from './credentials.ts'
import { userEntryByName } from './directory/users.ts'
import {
  accountOf,
  IDENTITY,
  type IdentityTenant,
  type IdentityUser,
  tenantById,
  userById,
} from './directory.ts'
import { bodyFault, fault, unauthorized, WRONG_CREDENTIALS } from './faults.ts'
import { readDocument } from './format.ts'

/**
 * `POST /v2.0/tokens`: a new token for every login, so that ending one never ends another (the vendor's pages
 * of 2015 and 2016 disagree on it). X-Auth-Token is ignored: some clients send an old one along.
 */
export function login(call: Call): Awaitable<Answer> {
  const read = readDocument(call.request)
  if (read.kind !== 'body') return bodyFault(read)
  const asked = parseLogin(read.body)
  if (asked.kind === 'malformed') return fault('badRequest', asked.detail)
  return untilFresh(() => attempt(call, asked))
}

async function attempt(call: Call, asked: Login): Promise<Answer | Stale> {
  const { realm, request } = call
  const basis = realm.basis()
  const { credentials } = asked
  const { by, value } = credentials.user
  const user = await (by === 'id' ? userById(realm, value) : (await userEntryByName(realm, value))?.value)
  const isProven = await isProof(call, user, credentials)
  if (user === undefined || !isProven) return unauthorized(request, WRONG_CREDENTIALS)
  // Only who knows the credentials learns what became of the user.
  if (!user.enabled) return fault('userDisabled', `User '${user.username}' is disabled.`)
  const scope = await scopeOf(realm, user, asked.tenant)
  if (scope.kind === 'not-theirs') return unauthorized(request, notTheirs(scope.asked, user))
  return mint(call, { basis, user, tenant: scope.tenant, kind: credentials.kind })
}

/** Unknown users cost what known ones do: one password hashing, or one comparison of digests. */
async function isProof(call: Call, user: IdentityUser | undefined, given: Credentials): Promise<boolean> {
  const { realm, request, settings } = call
  switch (given.kind) {
    case 'password': {
      const { password } = given
      return settings.passwords.verify({ hash: user?.passwordHash, password, from: request.from })
    }
    case 'api-key': {
      const digest = user?.apiKeyDigest
      const isSame = sameDigest(digest ?? NO_DIGEST, realm.secretDigest(given.apiKey))
      return isSame && digest !== undefined
    }
    default:
      return unreachable(given)
  }
}

/** What a key is compared with where there is none: of a digest's length. */
const NO_DIGEST = 'A'.repeat(43)

type Scope =
  | { readonly kind: 'scope'; readonly tenant: IdentityTenant | undefined }
  | { readonly kind: 'not-theirs'; readonly asked: string }

/** The user's own tenant, asked for or not: a login without one is scoped to it, as clients rely on. */
async function scopeOf(realm: Realm, user: IdentityUser, asked: Named | undefined): Promise<Scope> {
  if (user.tenantId === undefined) {
    if (asked === undefined) return { kind: 'scope', tenant: undefined }
    return { kind: 'not-theirs', asked: asked.value }
  }
  const tenant = await tenantById(realm, user.tenantId)
  const named = asked?.by === 'name' ? tenant.name : tenant.id
  const isTheirs = asked === undefined || asked.value === named
  if (isTheirs && tenant.enabled) return { kind: 'scope', tenant }
  return { kind: 'not-theirs', asked: asked?.value ?? tenant.id }
}

function notTheirs(asked: string, user: IdentityUser): string {
  return `Tenant with Name/Id: '${asked}' is not valid for User '${user.username}' (id: '${user.id}')`
}

type Mint = {
  readonly basis: Position
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
  readonly kind: Credentials['kind']
}

async function mint(call: Call, { basis, user, tenant, kind }: Mint): Promise<Answer | Stale> {
  const { realm, request, settings } = call
  const principals: Principals =
    tenant === undefined
      ? { source: IDENTITY, subject: user.id }
      : { source: IDENTITY, subject: user.id, tenant: tenant.id }
  const account = accountOf(user)
  const intent: TokenIntent = {
    ...principals,
    raw: mintText(realm.grammar.prefixes.identity, realm.random),
    kind: 'identity',
    expiresAtMs: realm.nowMs() + settings.tokenLifeMs,
    authenticatedBy: [kind === 'password' ? 'PASSWORD' : 'APIKEY'],
    claims: account === undefined ? {} : { account },
  }
  const standing = { realm: realm.ordinal, facts: callerFacts(principals, basis) }
  const caller = { id: `${IDENTITY}:${user.id}`, from: request.from, standing }
  const issued = await issueTokens(realm, { basis, caller, tokens: [intent] })
  switch (issued.kind) {
    case 'issued': {
      const [record] = issued.records
      if (record === undefined) throw new ContractBroken('one intent makes one record')
      return accessAnswer(call, { id: intent.raw.reveal(), record, user, tenant }, 'with-catalog')
    }
    case 'stale':
    // 178 random bits drawn twice: draw again.
    case 'token-exists':
      return 'stale'
    case 'held':
      return fault('forbidden', 'This user or tenant is suspended.')
    case 'lifetime-too-long':
    case 'too-deep':
    case 'consumed':
      throw new ContractBroken(`a login cannot be "${issued.kind}"`)
    default:
      return unreachable(issued)
  }
}
