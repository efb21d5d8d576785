import {
  callerFacts,
  type Entry,
  EXPIRING_KINDS,
  mintText,
  type Realm,
  readValue,
  shaped,
} from '@rescind/authority'
import { isMintingHeld, type Position, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject } from '../../../wire/strict-json.ts'
import type { Call, Reply } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import { IDENTITY } from '../../directory/names.ts'
import { claimedUser, type IdentityUser, mfaOf, userEntry } from '../../directory/users.ts'
import { writeDirectory } from '../../directory/write.ts'
import { mayAct } from '../../session/guarded.ts'
import { turnOf } from '../../session/password-check.ts'
import { judgeTokenContext, readTokenContext } from '../../session/token-context.ts'
import { asWholeCaller } from '../caller.ts'
import { NO_CONTENT } from '../changing.ts'
import {
  bodyFault,
  fault,
  NO_VALID_TOKEN,
  notAuthorized,
  suspended,
  unauthorized,
  WRONG_CREDENTIALS,
} from '../faults.ts'
import { textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { isAboutAnother } from './update.ts'
import { userAnswer } from './user-json.ts'

/** How long a mailed token stays valid. */
const RESET_MS = 60 * 60_000
const RESET_KIND = EXPIRING_KINDS.identityPasswordReset

type NewPassword = { readonly judgedAt: Position; readonly password: string; readonly how: string }

/**
 * Sets the password of a user who has proved its identity; the same write ends all its tokens. Refused for a suspended
 * user, because whoever knows the password could otherwise own the account when the hold is released.
 */
async function setPassword(
  call: Call,
  entry: Entry<IdentityUser>,
  { judgedAt, password, how }: NewPassword,
): Promise<'written' | 'held' | Stale> {
  const { realm, request, settings } = call
  if (isMintingHeld({ source: IDENTITY, subject: entry.id }, realm.index)) return 'held'
  const passwordHash = await settings.passwords.hash({ password, ...turnOf(call, entry.id) })
  const facts = callerFacts({ source: IDENTITY, subject: entry.id }, judgedAt)
  const written = await writeDirectory(realm, [updated('user', entry, { ...entry.value, passwordHash })], {
    caller: {
      id: `${IDENTITY}:${entry.id}`,
      from: request.from,
      dependency: { realm: realm.ordinal, facts },
    },
    how: `identity.${how}`,
  })
  // The change touches no name and no other record, so the other outcomes cannot occur.
  return written.kind === 'written' ? 'written' : 'stale'
}

function answered(
  done: Awaited<ReturnType<typeof setPassword>>,
  words: () => Answer | Promise<Answer>,
): Reply {
  switch (done) {
    case 'written':
      return words()
    case 'held':
      return suspended()
    case 'stale':
      return done
    default:
      return unreachable(done)
  }
}

/** `POST /v2.0/users/RAX-AUTH/change-pwd`: by the old password, without a token. */
export async function changePassword(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  if (read.kind !== 'body') return bodyFault(read)
  const given = read.body['RAX-AUTH:changePasswordCredentials']
  if (!isObject(given)) return fault('badRequest', '"RAX-AUTH:changePasswordCredentials" is missing.')
  const [username, old, password] = ['username', 'password', 'newPassword'].map((name) => textIn(given, name))
  if (username === undefined || old === undefined || password === undefined)
    return fault('badRequest', '"username", "password" and "newPassword" are needed.')
  if (old === password) return fault('badRequest', 'The new password is the old one.')
  return untilFresh(async () => {
    const judgedAt = call.realm.position()
    const entry = await claimedUser(call.realm, { by: 'name', value: username })
    const { passwords } = call.settings
    const question = { hash: entry?.value.passwordHash, password: old, ...turnOf(call, username) }
    const isRight = await passwords.verify(question)
    if (entry === undefined || !isRight) return unauthorized(call.request, WRONG_CREDENTIALS)
    if (!entry.value.enabled) return fault('userDisabled', `User '${username}' is disabled.`)
    // One of the user's two factors must not replace itself. That needs a token of both factors.
    if (mfaOf(entry.value).isEnabled) return notAuthorized()
    const done = await setPassword(call, entry, { judgedAt, password, how: 'password.change' })
    return answered(done, () => NO_CONTENT)
  })
}

/** `PATCH /v2.0/OS-KSCRUD/users/{id}`, Keystone's: one's own password, by the old one and a token. */
export function changeOwnPassword(call: Call, [userId = '']: readonly string[]): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asWholeCaller(call, async (caller) => {
      if (caller.user.id !== userId) return notAuthorized()
      if (!(await mayAct(call.realm, caller, { act: 'change-credential', of: caller.user })))
        return notAuthorized()
      if (read.kind !== 'body') return bodyFault(read)
      if (isAboutAnother(read.body, userId))
        return fault('badRequest', 'The body names another user than the path.')
      const given = read.body['user']
      const old = isObject(given) ? textIn(given, 'original_password') : undefined
      const password = isObject(given) ? textIn(given, 'password') : undefined
      if (old === undefined || password === undefined)
        return fault('badRequest', '"password" and "original_password" of a "user" are needed.')
      const judgedAt = call.realm.position()
      const entry = await userEntry(call.realm, userId)
      const hash = entry?.value.passwordHash
      const question = { hash, password: old, isProved: true, ...turnOf(call, userId) }
      const isRight = await call.settings.passwords.verify(question)
      if (entry === undefined || !isRight) return notAuthorized()
      const done = await setPassword(call, entry, { judgedAt, password, how: 'password.change' })
      return answered(done, () => userAnswer(call, entry.value))
    }),
  )
}

type Reset = { readonly userId: string; readonly position: Position }
const IS_RESET = shaped({ userId: 'text', position: 'number' })

/**
 * `POST /v2.0/users/RAX-AUTH/forgot-pwd`: always 204, after the same work for every name. The token goes by mail. It is
 * stored apart from other tokens, so nothing else accepts it.
 */
export async function forgotPassword(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  if (read.kind !== 'body') return bodyFault(read)
  const given = read.body['RAX-AUTH:forgotPasswordCredentials']
  const username = isObject(given) ? textIn(given, 'username') : undefined
  if (username === undefined)
    return fault('badRequest', '"RAX-AUTH:forgotPasswordCredentials" with a "username" is needed.')
  return forget(call, username)
}

async function forget(call: Call, username: string): Promise<Answer> {
  const { realm, settings } = call
  const position = realm.position()
  const user = (await claimedUser(realm, { by: 'name', value: username }))?.value
  const token = mintText(realm.grammar.prefixes.code, realm.random).reveal()
  const value = Buffer.from(JSON.stringify({ userId: user?.id ?? '', position } satisfies Reset), 'utf8')
  const entry = {
    kind: RESET_KIND,
    id: realm.secretDigest(token),
    value,
    expiresAtMs: realm.nowMs() + RESET_MS,
  }
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'put-expiring', entry }],
  })
  if (user?.enabled === true && user.email !== undefined) {
    // The caller does not learn that no mail was sent.
    const waitSeconds = settings.messages.take(call, 'mail', user.id)
    const { email } = user
    if (waitSeconds === 0) settings.notifier.deliver({ kind: 'password-reset', email, username, token })
  }
  return NO_CONTENT
}

/**
 * `POST /v2.0/users/RAX-AUTH/pwd-reset` with a mailed token: works once, and not after the user's tokens were ended
 * otherwise.
 */
export async function resetPassword(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  const { realm, request } = call
  const text = request.header('x-auth-token')
  if (text === undefined) return unauthorized(request, NO_VALID_TOKEN)
  return untilFresh(async () => {
    const reset = await resetOf(realm, text)
    if (reset === undefined) {
      const context = judgeTokenContext(realm, await readTokenContext(realm, call.presented))
      return context.kind === 'live' ? notAuthorized() : unauthorized(request, NO_VALID_TOKEN)
    }
    if (read.kind !== 'body') return bodyFault(read)
    const given = Object.values(read.body).find(isObject)
    const password =
      given === undefined ? undefined : (textIn(given, 'newPassword') ?? textIn(given, 'password'))
    if (password === undefined) return fault('badRequest', 'A "password" is needed.')
    const entry = await userEntry(realm, reset.userId)
    if (entry === undefined || !entry.value.enabled) return unauthorized(request, NO_VALID_TOKEN)
    const change = { judgedAt: reset.position, password, how: 'password.reset' }
    const done = await setPassword(call, entry, change)
    return answered(done, () => NO_CONTENT)
  })
}

/** The user whose password a mailed token may still set. Also recognises mailed tokens in a leak list. */
export async function resetOf(realm: Realm, token: string): Promise<Reset | undefined> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: RESET_KIND, id: realm.secretDigest(token) })
  if (entry === undefined || entry.expiresAtMs <= realm.nowMs()) return undefined
  const reset = readValue<Reset>(entry.value, 'a password reset', IS_RESET)
  const facts = callerFacts({ source: IDENTITY, subject: reset.userId }, reset.position)
  return realm.judge(facts).kind === 'active' ? reset : undefined
}
