import { callerFacts } from '@rescind/authority'
import { isMintingHeld } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import { IDENTITY } from '../../directory/names.ts'
import { claimedUser, type IdentityUser, mfaOf } from '../../directory/users.ts'
import { writeDirectory } from '../../directory/write.ts'
import { mayAct } from '../../session/guarded.ts'
import { isLimited } from '../../session/limited.ts'
import { turnOf } from '../../session/password-check.ts'
import { judgeTokenContext, readTokenContext, type TokenContextFacts } from '../../session/token-context.ts'
import { forbidden, malformed, NO_CONTENT, suspended, unauthorized } from '../answers.ts'
import { fieldsOf, readEntity } from '../entity.ts'
import { isEnabled } from './proof.ts'

const FIELDS = { password: 'secret', original_password: 'secret' } as const

/**
 * `POST /v3/users/{id}/password`: the old password authorises a new one. As in Keystone no token is needed, except for
 * a user with MFA, who needs one of both factors. A token that is sent must permit this act. The change ends every
 * token of the user, including that one.
 */
export async function changePassword(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  const read = readEntity(call.request, 'user', id)
  if (read.kind === 'malformed') return malformed(read.detail)
  const parsed = fieldsOf(read.body, FIELDS)
  if (parsed.kind === 'malformed') return malformed(parsed.detail)
  const { password, original_password: original } = parsed.fields
  if (password === undefined || original === undefined)
    return malformed('"password" and "original_password" are needed.')
  if (password === original) return malformed('The new password must not be the old one.')
  return untilFresh(() => change(call, id, { password, original }))
}

async function mayBySelf(
  { realm }: Call,
  of: IdentityUser,
  along: TokenContextFacts | undefined,
): Promise<boolean> {
  const context = judgeTokenContext(realm, along)
  if (context.kind === 'live' && isLimited(context.record)) return false
  const isOwn = context.kind === 'live' && context.user.id === of.id
  if (context.kind === 'live' && !(await mayAct(realm, context, { act: 'change-credential', of })))
    return false
  return isOwn || !mfaOf(of).isEnabled
}

type Passwords = { readonly password: string; readonly original: string }

async function change(call: Call, id: string, { password, original }: Passwords): Promise<Answer | Stale> {
  const { realm, request, settings } = call
  const judgedAt = realm.position()
  const entry = await claimedUser(realm, { by: 'id', value: id })
  const { from } = request
  const hash = entry?.value.passwordHash
  const isRight = await settings.passwords.verify({ hash, password: original, ...turnOf(call, id) })
  if (entry === undefined || !isRight || !(await isEnabled(realm, entry.value))) return unauthorized(request)
  const along = await readTokenContext(realm, call.presented)
  if (!(await mayBySelf(call, entry.value, along))) return forbidden()
  // Otherwise a thief of the password could own the account when the hold is released.
  if (isMintingHeld({ source: IDENTITY, subject: id }, realm.index)) return suspended()
  const passwordHash = await settings.passwords.hash({ password, ...turnOf(call, id) })
  const facts = callerFacts({ source: IDENTITY, subject: id }, judgedAt)
  const caller = { id: `${IDENTITY}:${id}`, from, dependency: { realm: realm.ordinal, facts } }
  const changes = [updated('user', entry, { ...entry.value, passwordHash })]
  const outcome = await writeDirectory(realm, changes, { caller, how: 'identity.v3.password' })
  return outcome.kind === 'written' ? NO_CONTENT : 'stale'
}
