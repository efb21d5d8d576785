import { adviceOn, type Realms, StoreClock, type Unreadable } from '@rescind/authority'
import { CLOCK_STEP_MS, type Clock, type Explained } from '@rescind/core'

export type TroubleCode =
  | 'log_rolled_back'
  | 'realm_unreadable'
  | 'record_unreadable'
  | 'clock_stepped'
  | 'clock_behind'
  | 'clock_apart'
  | 'upkeep_waits'
  | 'index_differs'
  | 'index_removed_early'

/** A closed list; each code is a label of `rescind_troubles`. */
export const TROUBLES: Readonly<Record<TroubleCode, Explained>> = {
  log_rolled_back: {
    what: 'The log of this realm was proved to have been rolled back: nothing is acknowledged in it, while other realms go on.',
    next: '[Restore, or begin a new epoch](../run/backup.md#a-store-that-was-rolled-back).',
  },
  realm_unreadable: {
    what: 'The record, the keys or a row of the log of this realm cannot be read: every call in it is 503, while other realms go on.',
    next: 'Serve the store with the version that wrote it; otherwise [restore](../run/out-of-order.md).',
  },
  record_unreadable: {
    what: 'Records, expiring entries or tokens of this realm cannot be read: calls that need one of them are 503.',
    next: 'The log names each of them and says what to do.',
  },
  clock_stepped: {
    what: 'The wall clock has moved by over a minute against the monotonic one: nothing is collected, no hold released by its deadline.',
    next: '[Set the clock right, or vouch for it](../run/troubleshooting.md#clocks).',
  },
  clock_behind: {
    what: 'The wall clock is more than a minute behind what the store has seen.',
    next: '[Set the clock right](../run/troubleshooting.md#clocks).',
  },
  clock_apart: {
    what: "The wall clock of this machine is more than a minute off the database's, by which this node judges.",
    next: '[Set the clock right](../run/troubleshooting.md#clocks); nothing else depends on it.',
  },
  upkeep_waits: {
    what: 'A part of the upkeep failed, for one realm or for the store.',
    next: 'The log says why once, and says so again when the upkeep goes on.',
  },
  index_differs: {
    what: 'The daily check found that the index of this realm is not what its log says: it may accept what was revoked.',
    next: 'Restart the server, run `rescind audit verify`, and report it.',
  },
  index_removed_early: {
    what: 'Rules left the index of this realm before their time.',
    next: 'Restart the server, run `rescind audit verify`, and report it.',
  },
}

/** In the order of the table. */
export const TROUBLE_CODES: readonly TroubleCode[] = Object.keys(TROUBLES).filter(isTroubleCode)

function isTroubleCode(code: string): code is TroubleCode {
  return Object.hasOwn(TROUBLES, code)
}

/** Something out of order in a server that still answers. */
export type Trouble = { readonly code: TroubleCode; readonly realm?: string; readonly detail: string }

/** Troubles of the store: whole realms first, then unreadable records and logs by kind. */
export function storeTroubles(realms: Realms, clock: Clock): readonly Trouble[] {
  const found: Trouble[] = []
  for (const { name, ordinal } of realms.all()) {
    const suspension = realms.ledger.suspension(ordinal)
    if (suspension === undefined) continue
    const code = suspension.kind === 'rolled-back' ? 'log_rolled_back' : 'realm_unreadable'
    found.push({ code, realm: name, detail: suspension.advice })
  }
  const apartMs = clock instanceof StoreClock ? clock.driftMs : 0
  if (Math.abs(apartMs) > CLOCK_STEP_MS)
    found.push({
      code: 'clock_apart',
      detail: `the wall clock of this machine is ${Math.round(apartMs / 1_000)} s ahead of the database's`,
    })
  const things = new Map<string, number>()
  for (const one of realms.disorder.all) {
    if (one.what === 'realm')
      found.push({ code: 'realm_unreadable', realm: one.realm, detail: adviceOn(one) })
    // Callers of this endpoint are not authenticated, so the ids appear in the log only.
    else things.set(`${one.realm} ${kindOf(one)}`, (things.get(`${one.realm} ${kindOf(one)}`) ?? 0) + 1)
  }
  for (const [of, count] of things) {
    const [realm = '', ...kind] = of.split(' ')
    const detail = `${count} of ${kind.join(' ')}: damaged or from a newer version, and left out; the log names them and says what to do`
    found.push({ code: 'record_unreadable', realm, detail })
  }
  return found
}

/** The kind of an unreadable thing, which is the first part of its name. */
function kindOf({ what, name }: Unreadable): string {
  return `${what} ${name.split('/')[0] ?? ''}`
}
