import type { Entry } from '@rescind/authority'
import { type Position, unreachable } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import type { Call } from '../call.ts'
import { domainAt } from '../directory/domains.ts'
import { isMfaDemanded } from '../directory/mfa-demand.ts'
import { PROOF } from '../directory/names.ts'
import { claimedUser, IDENTITY_USERS, type IdentityUser, mfaOf } from '../directory/users.ts'
import { type Credentials, type Login, parseLogin } from '../session/credentials.ts'
import type { Mint } from '../session/mint.ts'
import { turnOf } from '../session/password-check.ts'
import { accessAnswer } from './access.ts'
import { bodyFault, fault, unauthorized, WRONG_CREDENTIALS } from './faults.ts'
import { readDocument } from './format.ts'
import { issued } from './issued.ts'
import { byPasscode, challenge, setUpToken } from './second-factor.ts'
import { notTheirs, scopeOf } from './tenant-scope.ts'
import { byToken } from './token-login.ts'

/**
 * `POST /v2.0/tokens`: every login gets its own token, so that ending one never ends another (the vendor's pages of
 * 2015 and 2016 disagree). X-Auth-Token is ignored, because some clients send an old one.
 */
export async function login(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  if (read.kind !== 'body') return bodyFault(read)
  const asked = parseLogin(read.body)
  if (asked.kind === 'malformed') return fault('badRequest', asked.detail)
  return untilFresh(() => attempt(call, asked))
}

function attempt(call: Call, asked: Login): Promise<Answer | Stale> {
  const { credentials } = asked
  switch (credentials.kind) {
    case 'password':
    case 'api-key':
      return byFirstFactor(call, asked, credentials)
    case 'token':
      return byToken(call, credentials.id, asked.tenant)
    case 'passcode':
      return byPasscode(call, credentials.passcode)
    default:
      return unreachable(credentials)
  }
}

type FirstFactor = Extract<Credentials, { kind: 'password' | 'api-key' }>

async function byFirstFactor(call: Call, asked: Login, given: FirstFactor): Promise<Answer | Stale> {
  const { realm, request } = call
  const judgedAt = realm.position()
  const entry = await claimedUser(realm, given.user)
  const isProven = await isProof(call, entry?.value, given)
  if (entry === undefined || !isProven) return unauthorized(request, WRONG_CREDENTIALS)
  const user = entry.value
  // Only a caller with the right credentials learns that the user is disabled.
  if (!user.enabled || !(await domainAt(realm, user.domainId)).domain.enabled)
    return fault('userDisabled', `User '${user.username}' is disabled.`)
  if (asked.isSetupMfa) return setUpToken(call, { judgedAt, entry })
  // An API key needs no second factor, because programs use it.
  if (given.kind === 'password') {
    if (mfaOf(user).isEnabled) return challenge(call, { judgedAt, user, tenant: asked.tenant })
    if (await isMfaDemanded(realm, user)) return fault('forbidden', 'User must setup multi-factor')
  }
  return scoped(call, { judgedAt, entry, asked })
}

type Proven = {
  readonly judgedAt: Position
  readonly entry: Entry<IdentityUser>
  readonly asked: Login
}

async function scoped(call: Call, { judgedAt, entry, asked }: Proven): Promise<Answer | Stale> {
  const user = entry.value
  const scope = await scopeOf(call.realm, user, asked.tenant)
  if (scope.kind === 'not-theirs') return unauthorized(call.request, notTheirs(scope.asked, user))
  const { tenant } = scope
  const given: Mint = {
    judgedAt,
    user,
    tenant: tenant?.id,
    client: PROOF.single,
    authenticatedBy: [asked.credentials.kind === 'password' ? 'PASSWORD' : 'APIKEY'],
    expects: [{ collection: IDENTITY_USERS.name, id: user.id, version: entry.version }, ...scope.expects],
  }
  return issued(call, given, (minted) => accessAnswer(call, { ...minted, user, tenant }, 'with-catalog'))
}

/** Unknown users cost the same as known ones: one password hash, or one comparison of digests. */
async function isProof(call: Call, user: IdentityUser | undefined, given: FirstFactor): Promise<boolean> {
  const { realm, settings } = call
  switch (given.kind) {
    case 'password': {
      const { password } = given
      const turn = turnOf(call, given.user.value)
      return settings.passwords.verify({ hash: user?.passwordHash, password, ...turn })
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

/** Compared where there is no key. It has a digest's length. */
const NO_DIGEST = 'A'.repeat(43)
