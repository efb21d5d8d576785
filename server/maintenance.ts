import {
  type Clock,
  type ClockReading,
  collectExpired,
  collectMemos,
  Floor,
  GC_BATCH_MAX,
  isOutage,
  KEEP_MARGIN_MS,
  type Realms,
  type Store,
} from '@rescind/core'
import type { Logger } from 'pino'
import { Checkpoints } from './audit/checkpoints.ts'
import { neededApproval } from './control/rules/size.ts'
import { writeUses } from './last-use.ts'
import { Deadlines } from './pending/deadlines.ts'
import { watchedKinds } from './pending/watched.ts'
import { ReceiptUpkeep } from './receipts/upkeep.ts'
import { SigningKeyUpkeep } from './signing-keys.ts'

/** How often the floor rises and what ended below it is collected. */
const TICK_MS = 30_000
/** How often deadlines are looked at. */
const DEADLINE_TICK_MS = 500

export type Maintenance = {
  /** One round; the timer calls it, and tests do. */
  readonly tick: () => Promise<void>
  /** An operator vouches for the wall clock; @returns the floor, durable. @throws StoreUnavailable, Overloaded. */
  readonly confirmClock: () => Promise<number>
  readonly stop: () => Promise<void>
}

export type MaintenanceParts = {
  readonly realms: Realms
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly auditRetentionMs: number
  /** How long a signing key signs before the next one takes over; 0: until somebody rotates it. */
  readonly signingKeyMaxAgeMs: number
  /** Whether it runs by timers; else by `tick` alone. */
  readonly byItself: boolean
}

/** What the server does by itself: raises the floor, collects below it, warns when the clock has stepped. */
export function startMaintenance(parts: MaintenanceParts): Maintenance {
  const { realms, store, clock, log } = parts
  const read = (): ClockReading => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() })
  const floor = new Floor(store.floorMs, read())
  const size = { monotonicMs: () => clock.monotonicMs() }
  const deadlines = new Deadlines(
    realms,
    watchedKinds(parts.auditRetentionMs, (realm, targets) =>
      neededApproval({ realm, parts: size }, { targets }),
    ),
  )
  const receipts = new ReceiptUpkeep(realms, parts.auditRetentionMs)
  const checkpoints = new Checkpoints(realms)
  const keys = new SigningKeyUpkeep(realms, parts.signingKeyMaxAgeMs)
  let slice = 0
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  const round = async (): Promise<void> => {
    if (floor.stepped(read())) {
      log.error(
        'the wall clock has stepped against the monotonic one: nothing is collected; see POST /control/v1/clock/confirm',
      )
      return
    }
    realms.ledger.raiseFloor(floor.raise(read()))
    await deadlines.round()
    for (const { index } of realms.all()) index.dropExpired(slice)
    slice += 1
    await realms.ledger.settleFloor()
    // As long as rules on them are kept: Identity's `allow_expired` shows a token that has just run out.
    while (!stopped && (await collectExpired(realms, store, KEEP_MARGIN_MS)) === GC_BATCH_MAX);
    while (!stopped && (await collectMemos(realms, store)) === GC_BATCH_MAX);
    await receipts.round(() => stopped)
    await writeUses(realms, () => stopped)
    await checkpoints.write()
    await keys.round()
  }
  const guarded = (task: () => Promise<void>): Promise<void> =>
    task().catch((error: unknown) => {
      if (!isOutage(error)) throw error
      log.warn({ reason: error.message }, 'upkeep waits for the store')
    })
  const tick = (): Promise<void> => {
    running = running.then(() => guarded(round))
    return running
  }
  // Beside the rounds, which may take long; and not while nobody can trust the clock.
  let looking: Promise<void> | undefined
  const look = (): void => {
    if (looking !== undefined || floor.stepped(read())) return
    looking = guarded(async () => void (await deadlines.round())).finally(() => {
      looking = undefined
    })
  }
  const watch = parts.byItself ? setInterval(look, DEADLINE_TICK_MS).unref() : undefined
  const timer = parts.byItself ? setInterval(() => void tick(), TICK_MS).unref() : undefined
  return {
    tick,
    confirmClock: async () => {
      const confirmed = floor.confirm(read())
      realms.ledger.raiseFloor(confirmed)
      await realms.ledger.settleFloor()
      return confirmed
    },
    stop: async () => {
      stopped = true
      clearInterval(timer)
      clearInterval(watch)
      const last = async (): Promise<void> => {
        await writeUses(realms, () => false)
        await checkpoints.write()
      }
      running = running.then(() => guarded(last))
      await running
      await looking
    },
  }
}
