import type { Audit, Entry, Expectation, Realm, Write } from '@rescind/authority'
import type { CutoffShape, CutoffTarget, RevokeRule, Target } from '@rescind/core/log'
import { IDENTITY_APP_CREDENTIALS, type IdentityAppCredential } from './app-credentials.ts'
import { type Change, deleted, updated } from './changes.ts'
import { appCredentialClient, appCredentialOf, IDENTITY } from './names.ts'
import { IDENTITY_USERS, type IdentityUser, mfaOf, withoutApiKey } from './users.ts'
import { changesWithAll } from './write.ts'

/** The part of a write that ends credentials. It is stale, or conflicts, once another one was made since they were listed. */
export type CredentialsEnded = Pick<Write, 'operations' | 'expects' | 'reads'>

/**
 * The long-lived credentials that end with cutoffs over a person. An intruder with that person's token may have created
 * an application credential or read the API key. The result belongs to the write of the rules.
 *
 * subject           the API key and all application credentials
 * subject + tenant  the application credentials for that tenant
 * client            the application credential that the client names
 *
 * A dated cutoff, or a hold that becomes one, ends only credentials made before it; those without a date count as
 * older. A credential whose record cannot be read opens nothing, and does not keep tokens from being ended
 * (docs/run/out-of-order.md).
 */
export async function credentialsEnded(
  realm: Realm,
  { rules, alsoEnds = [] }: EndingRules,
  audit: Audit,
): Promise<CredentialsEnded> {
  const { seq: afterSeq } = realm.index
  const written = rules.map(({ target }) => target)
  const targets = written.filter(isOverPerson)
  if (targets.length === 0) return { operations: [], expects: [] }
  const { changes, expects } = await changesByAll(realm, targets, alsoEnds)
  return { ...(await endedBy(realm, { changes, written, afterSeq }, audit)), expects }
}

/** What a person logs in by besides, and what ends with a cutoff over that person only if the cutoff's author says so. */
export const LOGINS = ['password', 'secondFactors'] as const
export type Login = (typeof LOGINS)[number]

export type EndingRules = {
  readonly rules: readonly RevokeRule[]
  readonly alsoEnds?: readonly Login[] | undefined
}

type Listed = {
  readonly changes: readonly Change[]
  /** Targets of rules in the same write. */
  readonly written: readonly Target[]
  readonly afterSeq: number
}

async function endedBy(
  realm: Realm,
  { changes, written, afterSeq }: Listed,
  audit: Audit,
): Promise<Pick<Write, 'operations' | 'reads'>> {
  const { operations, searched } = await changesWithAll(realm, { changes, written }, audit)
  return { operations, reads: { collections: [IDENTITY_APP_CREDENTIALS.name, ...searched], afterSeq } }
}

/** How many long-lived credentials rules over these targets would end. */
export async function countCredentialsEnded(realm: Realm, targets: readonly Target[]): Promise<number> {
  return (await changesByAll(realm, targets.filter(isOverPerson), [])).changes.length
}

/** Others, as over a tenant, a source or a realm, end tokens only: most of its people are not the reason for the cutoff. */
function isOverPerson(target: Target): target is CutoffTarget {
  return target.kind === 'cut' && target.principals.source === IDENTITY && PERSONS.has(target.shape)
}

const PERSONS: ReadonlySet<CutoffShape> = new Set(['subject', 'subject+tenant', 'subject+client', 'client'])

type Ending = { readonly changes: Change[]; readonly expects: Expectation[] }

async function changesByAll(
  realm: Realm,
  targets: readonly CutoffTarget[],
  alsoEnds: readonly Login[],
): Promise<Ending> {
  const ending: Ending = { changes: [], expects: [] }
  for (const target of targets) {
    const { subject = '' } = target.principals
    if (target.shape === 'subject') await endLogins(realm, ending, { subject, alsoEnds })
    ending.changes.push(...(await credentialsBy(realm, target)))
  }
  return ending
}

async function credentialsBy(realm: Realm, target: CutoffTarget): Promise<readonly Change[]> {
  const { client, tenant } = target.principals
  switch (target.shape) {
    case 'subject':
      return deletions(realm, target, () => true)
    case 'subject+tenant':
      return deletions(realm, target, (credential) => credential.tenantId === tenant)
    case 'subject+client':
      return deletions(realm, target, ({ id }) => id === appCredentialOf(client))
    case 'client': {
      const entry = await realm.directory.readable(IDENTITY_APP_CREDENTIALS, appCredentialOf(client) ?? '')
      return entry === undefined || !isBefore(entry.value, target) ? [] : [deleted('appCredential', entry)]
    }
    case 'realm':
    case 'source':
    case 'tenant':
    case 'tenant+client':
      return []
  }
}

type OfPerson = { readonly subject: string; readonly alsoEnds: readonly Login[] }

/** Where there is nothing to end, the write expects the record as it is, so that nothing is made meanwhile. */
async function endLogins(
  realm: Realm,
  { changes, expects }: Ending,
  { subject, alsoEnds }: OfPerson,
): Promise<void> {
  const entry = await realm.directory.readable(IDENTITY_USERS, subject)
  if (entry === undefined) return
  const { value } = entry
  const ended = loginsOf(value).filter((login) => alsoEnds.includes(login))
  if (value.apiKeyDigest === undefined && ended.length === 0)
    expects.push({ collection: IDENTITY_USERS.name, id: entry.id, version: entry.version })
  else changes.push(updated('user', entry, withoutLogins(withoutApiKey(value), ended)))
}

/** Those of `LOGINS` that a user has. */
export function loginsOf(user: IdentityUser): readonly Login[] {
  const { isEnabled, otpDevices, phones } = mfaOf(user)
  const hasFactors = isEnabled || otpDevices.length > 0 || phones.length > 0
  return [
    ...(user.passwordHash === undefined ? [] : (['password'] as const)),
    ...(hasFactors ? (['secondFactors'] as const) : []),
  ]
}

/** Whether second factors are demanded of the user is no login, and stays. */
function withoutLogins(user: IdentityUser, logins: readonly Login[]): IdentityUser {
  const { passwordHash: _hash, ...rest } = user
  const kept = logins.includes('password') ? rest : user
  if (!logins.includes('secondFactors')) return kept
  return { ...kept, mfa: { ...mfaOf(user), isEnabled: false, otpDevices: [], phones: [] } }
}

async function deletions(
  realm: Realm,
  target: CutoffTarget,
  fits: (credential: IdentityAppCredential) => boolean,
): Promise<readonly Change[]> {
  const ended = (await appCredentialsOf(realm, target.principals.subject ?? '')).filter(
    ({ value }) => fits(value) && isBefore(value, target),
  )
  return ended.map((entry) => deleted('appCredential', entry))
}

async function appCredentialsOf(realm: Realm, userId: string): Promise<Entry<IdentityAppCredential>[]> {
  const entries: Entry<IdentityAppCredential>[] = []
  for await (const entry of realm.directory.listed(IDENTITY_APP_CREDENTIALS, { name: 'user', value: userId }))
    entries.push(entry)
  return entries
}

function isBefore({ madeAtMs }: IdentityAppCredential, { issuedBeforeMs, asOf }: CutoffTarget): boolean {
  if (madeAtMs === undefined) return true
  return madeAtMs < (issuedBeforeMs ?? Infinity) && madeAtMs <= (asOf?.atMs ?? Infinity)
}

/** A secret that a person, or a program in its name, logs in by. */
export type LongLivedCredential =
  | { readonly id: 'password' | 'api-key' }
  | { readonly id: string; readonly value: IdentityAppCredential }

/** All of a user's. @returns undefined when there is no such user. */
export async function longLivedCredentials(
  realm: Realm,
  userId: string,
): Promise<readonly LongLivedCredential[] | undefined> {
  const { entry } = await realm.directory.state(IDENTITY_USERS, userId)
  if (entry === undefined) return undefined
  const { passwordHash, apiKeyDigest } = entry.value
  return [
    ...(passwordHash === undefined ? [] : [{ id: 'password' } as const]),
    ...(apiKeyDigest === undefined ? [] : [{ id: 'api-key' } as const]),
    ...(await appCredentialsOf(realm, userId)).map(({ id, value }) => ({
      id: appCredentialClient(id),
      value,
    })),
  ]
}

/** The part of a write that ends one credential and its tokens. @returns undefined when the user has no such credential. */
export async function endingOf(
  realm: Realm,
  { userId, id }: { readonly userId: string; readonly id: string },
  audit: Audit,
): Promise<CredentialsEnded | undefined> {
  const { seq: afterSeq } = realm.index
  const change = await endingChange(realm, userId, id)
  if (change === undefined) return undefined
  return { ...(await endedBy(realm, { changes: [change], written: [], afterSeq }, audit)), expects: [] }
}

async function endingChange(realm: Realm, userId: string, id: string): Promise<Change | undefined> {
  const credentialId = appCredentialOf(id)
  if (credentialId !== undefined) {
    const entry = await realm.directory.get(IDENTITY_APP_CREDENTIALS, credentialId)
    return entry?.value.userId === userId ? deleted('appCredential', entry) : undefined
  }
  const { entry } = await realm.directory.state(IDENTITY_USERS, userId)
  if (entry === undefined) return undefined
  const { passwordHash, ...rest } = entry.value
  if (id === 'password' && passwordHash !== undefined) return updated('user', entry, rest)
  if (id !== 'api-key' || entry.value.apiKeyDigest === undefined) return undefined
  return updated('user', entry, withoutApiKey(entry.value))
}
