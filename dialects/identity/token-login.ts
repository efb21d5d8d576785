import type { Answer, Stale } from '../wire/answer.ts'
import { accessAnswer } from './access.ts'
import type { Call } from './call.ts'
import type { Named } from './credentials.ts'
import { chainOf, descent } from './descent.ts'
import { IDENTITY_USERS, userEntry } from './directory/users.ts'
import { fault, unauthorized, WRONG_CREDENTIALS } from './faults.ts'
import { isLimited } from './limited.ts'
import { type Mint, mint } from './mint.ts'
import { judgeParty, readParty } from './party.ts'
import { scopeOf } from './tenant-scope.ts'

/**
 * A token and a tenant for a token of that tenant: same user, same proof, and the older one's end at the latest, so
 * that no chain of logins outlives the first (CVE-2012-5563). Not for tokens that are good for one thing only.
 */
export async function byToken(call: Call, id: string, asked: Named | undefined): Promise<Answer | Stale> {
  const { realm, request } = call
  const basis = realm.basis()
  const facts = await readParty(realm, id)
  const subject = facts?.record.subject
  const entry = subject === undefined ? undefined : await userEntry(realm, subject)
  const scope = entry === undefined ? undefined : await scopeOf(realm, entry.value, asked)
  // After the last await.
  const party = judgeParty(realm, facts)
  if (party.kind !== 'live' || entry === undefined || scope === undefined)
    return unauthorized(request, WRONG_CREDENTIALS)
  const parent = party.record
  if (isLimited(parent)) return fault('forbidden', 'This token is good for one purpose only.')
  if (scope.kind === 'not-theirs')
    return unauthorized(request, `Token doesn't belong to Tenant with Id/Name: '${scope.asked}'`)
  const { tenant } = scope
  const user = entry.value
  const impersonator = parent.claims?.['impersonator']
  const given: Mint = {
    basis,
    user,
    tenant,
    client: parent.client ?? '',
    authenticatedBy: parent.authenticatedBy ?? [],
    expiresAtMs: parent.expiresAtMs,
    family: descent(parent, call.settings.isChained),
    claims: { chain: chainOf(parent), ...(impersonator === undefined ? {} : { impersonator }) },
    restsOn: parent,
    expects: [{ collection: IDENTITY_USERS.name, id: user.id, version: entry.version }, ...scope.expects],
  }
  return mint(call, given, (minted) => accessAnswer(call, { ...minted, user, tenant }, 'with-catalog'))
}
