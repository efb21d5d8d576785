import type { Entry, Realm } from '@rescind/authority'
import {
  type Change,
  type ChangeOf,
  COLLECTIONS,
  deleted,
  type Kind,
  type Kinds,
  updated,
} from './changes.ts'
import {
  appCredentialCutoff,
  type Cutoff,
  consequencesOf,
  endsCredentials,
  grantsLost,
  isSwitchedOff,
  subjectClientCutoff,
  subjectCutoff,
  tenantCutoff,
} from './consequences.ts'
import type { IdentityAccount } from './domains.ts'
import { isGlobal } from './grants.ts'
import { withoutTenant } from './home.ts'
import { isDemandedAt, isMfaDemanded } from './mfa-demand.ts'
import { PROOF } from './names.ts'
import { accountOf, type Grant, type IdentityUser, mfaOf } from './users.ts'

/** Bound on the records and cutoffs of one write; a change that needs more is refused. */
export const CASCADE_MAX = 10_000

export type Plan = {
  readonly changes: readonly Change[]
  readonly cutoffs: readonly Cutoff[]
  /** The collections that were searched for what depends on the changes. */
  readonly searched: readonly string[]
}
export type Planned = ({ readonly kind: 'plan' } & Plan) | { readonly kind: 'too-many' }

/**
 * Everything that follows from some changes: the dependent records, and the cutoffs of all. Runs under the directory's
 * lock (write.ts), so that, for example, nobody joins a domain while its members are being counted.
 *
 * user deleted, disabled, password set   its application credentials are deleted
 * role on a project lost                 those on that project that have it are deleted
 * role held everywhere lost              those that have it are deleted, on all projects
 * application credential deleted         those that its tokens made are deleted
 * MFA now required of a user or account  single-factor tokens and application credentials' tokens of those it reaches end
 * tenant deleted                         roles on it and application credentials for it are deleted; it is no user's own
 * tenant created again                   it is no longer the own tenant of users from before
 * role deleted                           it is taken away from everybody
 * domain disabled                        everything of its users, and what is scoped to its projects, ends
 * domain deleted                         its users and projects are deleted
 */
export async function cascade(realm: Realm, changes: readonly Change[]): Promise<Planned> {
  const plan = new Gathering(realm)
  for (const change of changes) plan.add(change)
  return (await plan.run()) ? { kind: 'plan', ...plan.result() } : { kind: 'too-many' }
}

class Gathering {
  readonly #realm: Realm
  readonly #changes: Map<string, Change> = new Map()
  readonly #cutoffs: Map<string, Cutoff> = new Map()
  readonly #searched: Set<string> = new Set()
  readonly #queue: Change[] = []

  constructor(realm: Realm) {
    this.#realm = realm
  }

  /** Merges with an earlier change of the same record: `before` from the earlier one, `after` from this one. */
  add(change: Change): void {
    const key = `${change.of}/${change.id}`
    const known = this.#changes.get(key)
    // A key always holds the same kind; the compiler cannot know that.
    const merged =
      known === undefined
        ? change
        : ({ ...change, before: known.before, fromVersion: known.fromVersion } as Change)
    this.#changes.set(key, merged)
    this.#queue.push(merged)
  }

  result(): Plan {
    for (const change of this.#changes.values())
      for (const cutoff of consequencesOf(change)) this.#cutoff(cutoff)
    return {
      changes: [...this.#changes.values()],
      cutoffs: [...this.#cutoffs.values()],
      searched: [...this.#searched],
    }
  }

  /** @returns false when it exceeds one write. */
  async run(): Promise<boolean> {
    for (let change = this.#queue.shift(); change !== undefined; change = this.#queue.shift()) {
      await this.#follow(change)
      if (this.#changes.size + this.#cutoffs.size > CASCADE_MAX) return false
    }
    return true
  }

  async #follow(change: Change): Promise<void> {
    if (change.of === 'user') await this.#user(change)
    if (change.of === 'account') await this.#account(change.id, change)
    if (change.of === 'appCredential') await this.#childrenFollow(change)
    if (change.before === undefined) {
      if (change.of === 'tenant' || change.of === 'domain') await this.#switchedOff(change)
      if (change.of === 'tenant' && change.fromVersion > 0) await this.#usersLeave(change.id)
      return
    }
    if (change.of === 'tenant' && change.after === undefined) await this.#tenantGone(change.id)
    if (change.of === 'role' && change.after === undefined) await this.#roleGone(change.id)
    if (change.of === 'domain') await this.#switchedOff(change)
    if (change.of === 'domain' && change.after === undefined) await this.#domainGone(change.id)
  }

  async #user({ before, after }: ChangeOf<'user'>): Promise<void> {
    if (before === undefined) return
    if (after === undefined || endsCredentials(before, after))
      await this.#credentialsGone(before.id, () => true)
    if (after === undefined) return
    const lost = grantsLost(before, after)
    if (lost.length > 0)
      await this.#credentialsGone(before.id, (credential) => lost.some((grant) => uses(credential, grant)))
    const isSame = mfaOf(before).enforcement === mfaOf(after).enforcement
    // The lost role may have put the user above the account's MFA level.
    if (isSame && accountOf(before) === accountOf(after) && lost.length === 0) return
    this.#searched.add(COLLECTIONS.account.name)
    if ((await isMfaDemanded(this.#realm, before)) || !(await isMfaDemanded(this.#realm, after))) return
    await this.#singleFactorEnds(after)
  }

  async #account(
    id: string,
    change: { before: IdentityAccount | undefined; after: IdentityAccount | undefined },
  ): Promise<void> {
    const was = change.before?.mfaEnforcement ?? 'OPTIONAL'
    const is = change.after?.mfaEnforcement ?? 'OPTIONAL'
    for (const { value } of await this.#listed('user', 'account', id))
      if (!isDemandedAt(was, value) && isDemandedAt(is, value)) await this.#singleFactorEnds(value)
  }

  async #singleFactorEnds(user: IdentityUser): Promise<void> {
    this.#cutoff(subjectClientCutoff(user.id, PROOF.single))
    for (const { id } of await this.#listed('appCredential', 'user', user.id))
      this.#cutoff(appCredentialCutoff(id))
  }

  async #credentialsGone(userId: string, isGone: (of: Kinds['appCredential']) => boolean): Promise<void> {
    for (const entry of await this.#listed('appCredential', 'user', userId))
      if (isGone(entry.value)) this.add(deleted('appCredential', entry))
  }

  /** The application credentials that tokens of a credential created. */
  async #childrenFollow({ id, before, after }: ChangeOf<'appCredential'>): Promise<void> {
    if (before === undefined || after !== undefined) return
    for (const entry of await this.#listed('appCredential', 'parent', id))
      this.add(deleted('appCredential', entry))
  }

  async #tenantGone(tenantId: string): Promise<void> {
    await this.#usersLeave(tenantId)
    for (const entry of await this.#listed('appCredential', 'tenant', tenantId))
      this.add(deleted('appCredential', entry))
  }

  async #usersLeave(tenantId: string): Promise<void> {
    for (const entry of await this.#listed('user', 'tenant', tenantId))
      this.add(updated('user', entry, withoutTenant(entry.value, tenantId)))
  }

  #roleGone(roleId: string): Promise<void> {
    return this.#grantsGone('role', roleId, (grant) => grant.roleId === roleId)
  }

  async #grantsGone(list: string, value: string, isGone: (grant: Grant) => boolean): Promise<void> {
    for (const entry of await this.#listed('user', list, value)) {
      const grants = entry.value.grants.filter((grant) => !isGone(grant))
      if (grants.length < entry.value.grants.length)
        this.add(updated('user', entry, { ...entry.value, grants }))
    }
  }

  async #switchedOff(change: ChangeOf<'tenant'> | ChangeOf<'domain'>): Promise<void> {
    if (change.of !== 'domain' || !isSwitchedOff(change)) return
    for (const { id } of await this.#listed('user', 'domain', change.id)) this.#cutoff(subjectCutoff(id))
    for (const { id } of await this.#listed('tenant', 'domain', change.id)) this.#cutoff(tenantCutoff(id))
  }

  async #domainGone(domainId: string): Promise<void> {
    for (const entry of await this.#listed('tenant', 'domain', domainId)) this.add(deleted('tenant', entry))
    for (const entry of await this.#listed('user', 'domain', domainId)) this.add(deleted('user', entry))
    await this.#grantsGone('grantDomain', domainId, (grant) => grant.domainId === domainId)
  }

  /** The records as they will be after the changes planned so far, without those to be deleted. */
  async #listed<K extends Kind>(of: K, name: string, value: string): Promise<Entry<Kinds[K]>[]> {
    const entries: Entry<Kinds[K]>[] = []
    this.#searched.add(COLLECTIONS[of].name)
    for await (const entry of this.#realm.directory.listed(COLLECTIONS[of], { name, value })) {
      const planned = this.#changes.get(`${of}/${entry.id}`) as ChangeOf<K> | undefined
      if (planned === undefined) entries.push(entry)
      else if (planned.after !== undefined) entries.push({ ...entry, value: planned.after })
      if (entries.length > CASCADE_MAX) break
    }
    return entries
  }

  #cutoff(cutoff: Cutoff): void {
    this.#cutoffs.set(JSON.stringify([cutoff.shape, cutoff.principals]), cutoff)
  }
}

function uses({ tenantId, roleIds }: Kinds['appCredential'], grant: Grant): boolean {
  return roleIds.includes(grant.roleId) && (isGlobal(grant) || grant.tenantId === tenantId)
}
