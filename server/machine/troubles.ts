import { adviceOn, type Realms, type Unreadable } from '@rescind/authority'

/** Closed, and each a label of `rescind_troubles`. */
export const TROUBLE_CODES = [
  'log_rolled_back',
  'realm_unreadable',
  'record_unreadable',
  'clock_stepped',
  'clock_behind',
  'upkeep_waits',
  'index_differs',
  'index_removed_early',
] as const
export type TroubleCode = (typeof TROUBLE_CODES)[number]

/** Something that is out of order in a server that answers: where, and what an operator does about it. */
export type Trouble = { readonly code: TroubleCode; readonly realm?: string; readonly detail: string }

/** What of the store is out of order: whole realms first, then, by their kinds, things that cannot be read. */
export function storeTroubles(realms: Realms): readonly Trouble[] {
  const found: Trouble[] = []
  for (const { name, ordinal } of realms.all()) {
    const suspension = realms.ledger.suspension(ordinal)
    if (suspension === undefined) continue
    const code = suspension.kind === 'rolled-back' ? 'log_rolled_back' : 'realm_unreadable'
    found.push({ code, realm: name, detail: suspension.advice })
  }
  const things = new Map<string, number>()
  for (const one of realms.disorder.all) {
    if (one.what === 'realm')
      found.push({ code: 'realm_unreadable', realm: one.realm, detail: adviceOn(one) })
    // Callers of this endpoint are not authenticated, so the ids appear in the log only.
    else things.set(`${one.realm} ${kindOf(one)}`, (things.get(`${one.realm} ${kindOf(one)}`) ?? 0) + 1)
  }
  for (const [of, count] of things) {
    const [realm = '', ...kind] = of.split(' ')
    const detail = `${count} of ${kind.join(' ')}: of a newer or broken kind, and left out; the log names them and says what to do`
    found.push({ code: 'record_unreadable', realm, detail })
  }
  return found
}

/** What something that cannot be read is one of; names begin with it. */
function kindOf({ what, name }: Unreadable): string {
  return `${what} ${name.split('/')[0] ?? ''}`
}
