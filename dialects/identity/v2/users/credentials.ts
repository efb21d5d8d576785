import { actRow, cutoffRule } from '@rescind/authority'
import type { GuardedAct } from '@rescind/core'
import { type Answer, jsonAnswer, type Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject, type JsonObject } from '../../../wire/strict-json.ts'
import type { Call, Reply } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import { IDENTITY } from '../../directory/names.ts'
import { type IdentityUser, unsealApiKey, withApiKey, withoutApiKey } from '../../directory/users.ts'
import { callerOf } from '../../session/caller.ts'
import { flagIn } from '../../session/naming.ts'
import { turnOf } from '../../session/password-check.ts'
import { type Changing, change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, VARY } from '../faults.ts'
import { textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { asGovernorOf, type OnUser } from '../permission.ts'
import { newApiKey } from './secrets.ts'

const API_KEY = 'RAX-KSKEY:apiKeyCredentials'
const PASSWORD = 'passwordCredentials'

function apiKeyJson({ realm }: Call, user: IdentityUser): object | undefined {
  const apiKey = unsealApiKey(realm, user)
  return apiKey === undefined ? undefined : { [API_KEY]: { username: user.username, apiKey } }
}

/** `GET …/OS-KSADM/credentials`: the API key, if there is one. Passwords are stored as hashes and cannot be shown. */
export function listCredentials(call: Call, values: readonly string[]): Promise<Answer> {
  return onUser(call, { values, act: 'read-secret' }, (on) => {
    const credentials = [apiKeyJson(call, on.entry.value)].filter((one) => one !== undefined)
    const answer = jsonAnswer(200, { credentials, credentials_links: [] }, VARY)
    return credentials.length === 0 ? answer : noted(call, on, answer)
  })
}

/** `GET …/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`. */
export function getApiKey(call: Call, values: readonly string[]): Promise<Answer> {
  return onUser(call, { values, act: 'read-secret' }, (on) => {
    const document = apiKeyJson(call, on.entry.value)
    return document === undefined ? noKey() : noted(call, on, jsonAnswer(200, document, VARY))
  })
}

/** A reader of another user's key can log in as that user, so the audit log records it before the key is shown. */
async function noted(
  { realm, request }: Call,
  { caller, entry }: OnUser,
  answer: Answer,
): Promise<Answer | Stale> {
  if (caller.user.id === entry.id) return answer
  const { id: by, from, dependency } = callerOf(realm, request, caller)
  const row = actRow(
    realm,
    { collection: 'apiKeyReadings', id: entry.id },
    { by, from, how: 'identity.api-key.read' },
  )
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [dependency],
    expects: [],
    operations: [row],
  })
  return outcome.kind === 'applied' ? answer : 'stale'
}

/** `DELETE` of the same. Tokens made by it stay, unless `?revokeTokens=true` (our addition) ends all of the user's tokens. */
export function deleteApiKey(call: Call, values: readonly string[]): Promise<Answer> {
  return onUser(call, { values, act: 'change-credential' }, ({ caller, entry }) => {
    if (entry.value.apiKeyDigest === undefined) return noKey()
    const changes = [updated('user', entry, withoutApiKey(entry.value))]
    return leaking(call, { caller, how: 'api-key.delete', changes, user: entry.value }, () => NO_CONTENT)
  })
}

/** `POST …/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`: a new key; tokens as in `deleteApiKey`. */
export function resetApiKey(call: Call, values: readonly string[]): Promise<Answer> {
  return onUser(call, { values, act: 'change-credential' }, ({ caller, entry }) => {
    const after = withApiKey(call.realm, entry.value, newApiKey(call.realm))
    const changes = [updated('user', entry, after)]
    return leaking(call, { caller, how: 'api-key.reset', changes, user: after }, () =>
      jsonAnswer(200, apiKeyJson(call, after), VARY),
    )
  })
}

/** Writes the change; if the caller says that the key has leaked, the same write ends the user's tokens. */
function leaking(
  call: Call,
  { user, ...changing }: Changing & { readonly user: IdentityUser },
  done: () => Answer,
): Reply {
  const { realm, request } = call
  const isLeak = flagIn(request.query, 'revokeTokens')
  if (isLeak === undefined) return fault('badRequest', '"revokeTokens" must be true or false.')
  if (!isLeak) return change(call, changing, done)
  const { id: by, from } = callerOf(realm, request, changing.caller)
  const rule = cutoffRule(realm, 'subject', { source: IDENTITY, subject: user.id })
  const row = realm.row(rule, { by, from, how: `identity.${changing.how}` })
  return change(call, { ...changing, also: [{ kind: 'append', row }] }, done)
}

/** `POST …/OS-KSADM/credentials`, deprecated by the vendor: sets a password or an API key chosen by the caller. */
export function addCredentials(call: Call, values: readonly string[]): Promise<Answer> {
  const read = readDocument(call.request)
  return onUser(call, { values, act: 'change-credential' }, (on) =>
    read.kind === 'body' ? add(call, on, read.body) : bodyFault(read),
  )
}

async function add(call: Call, { caller, entry }: OnUser, body: JsonObject): Promise<Answer | Stale> {
  const [password, key] = [body[PASSWORD], body[API_KEY]]
  const given = password ?? key
  if (!isObject(given) || (password !== undefined && key !== undefined))
    return fault('badRequest', 'Credentials of one kind are needed.')
  const username = textIn(given, 'username')
  if (username !== undefined && username !== entry.value.username)
    return fault('badRequest', 'These are the credentials of another user.')
  const secret = textIn(given, password === undefined ? 'apiKey' : 'password')
  if (secret === undefined) return fault('badRequest', 'The secret is missing.')
  const after =
    password === undefined
      ? withApiKey(call.realm, entry.value, secret)
      : {
          ...entry.value,
          passwordHash: await call.settings.passwords.hash({ password: secret, ...turnOf(call, entry.id) }),
        }
  const document =
    password === undefined ? apiKeyJson(call, after) : { [PASSWORD]: { username: entry.value.username } }
  const changes = [updated('user', entry, after)]
  return leaking(call, { caller, how: 'credentials.add', changes, user: after }, () =>
    jsonAnswer(201, document, VARY),
  )
}

function onUser(
  call: Call,
  { values: [userId = ''], act }: { readonly values: readonly string[]; readonly act: GuardedAct },
  next: (on: OnUser) => Reply,
): Promise<Answer> {
  return untilFresh(() => asGovernorOf(call, { userId, reach: 'self-or-governed', act }, next))
}

function noKey(): Answer {
  return fault('itemNotFound', 'The user has no API key.')
}
