import {
  collectEntries,
  collectExpired,
  type Realm,
  type Realms,
  type Staying,
  type Store,
} from '@rescind/authority'
import { type Clock, type ClockReading, Floor, KEEP_MARGIN_MS } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Logger } from 'pino'
import { StoredCheckpoints } from '../audit/stored-checkpoints.ts'
import type { MasterKeyFile } from '../keys/master-key.ts'
import { Setbacks } from '../machine/setbacks.ts'
import type { Trouble } from '../machine/troubles.ts'
import { ReceiptUpkeep } from '../receipts/upkeep.ts'
import { AcceptanceWriter } from '../receipts/write-acceptances.ts'
import { neededApproval } from '../rules/size.ts'
import type { Sources } from '../rules/sources.ts'
import { Deadlines, type DueTime } from './deadlines.ts'
import { IndexChecks } from './index-checks.ts'
import { Pace, type Step, SWEEP_STEP_MS } from './pace.ts'
import { SigningKeyUpkeep } from './signing-keys.ts'
import { Turn } from './turn.ts'
import { watchedKinds } from './watched.ts'

/** How often the floor rises and what ended below it is collected. */
const TICK_MS = 30_000
/** How often deadlines are checked. */
const DEADLINE_TICK_MS = 500
/** How long a process that stops goes on writing which tokens were accepted. */
const LAST_WRITES_MS = 3_000
/** Rounds, an hour's worth, after which records that could not be collected are tried again from the oldest on. */
const ROUNDS_UNTIL_RESTART = 120

export type Maintenance = {
  /** One round, called by the timer and by tests. */
  readonly tick: () => Promise<void>
  /** Compares indexes with their logs where due. Not part of the rounds, because it takes long. */
  readonly checkIndexes: () => Promise<void>
  readonly indexes: Pick<IndexChecks, 'differences' | 'removedEarly' | 'done'>
  /** An operator vouches for the wall clock; @returns the floor, durable. @throws StoreUnavailable, Overloaded. */
  readonly confirmClock: () => Promise<number>
  /** What the upkeep cannot do now, and why. */
  readonly troubles: () => readonly Trouble[]
  /** How far the wall clock has moved against the monotonic one, in milliseconds. */
  readonly clockDriftMs: () => number
  /** Whether this process does what only one of a store may do at a time. */
  readonly doesUpkeep: () => boolean
  readonly stop: () => Promise<void>
}

export type MaintenanceParts = {
  readonly realms: Realms
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly sources: Sources
  readonly auditRetentionMs: number
  /** How long a signing key signs before it is rotated; 0: only on request. */
  readonly signingKeyMaxAgeMs: number
  readonly masterKeyFile: Pick<MasterKeyFile, 'round'>
  /** Whether timers call it; else only `tick` does. */
  readonly byItself: boolean
}

/** Starts what the server does without being asked. */
export function startMaintenance(parts: MaintenanceParts): Maintenance {
  const upkeep = new Upkeep(parts)
  const watch = parts.byItself ? setInterval(() => upkeep.look(), DEADLINE_TICK_MS).unref() : undefined
  const rounds = (): void => {
    void upkeep.tick()
    void upkeep.writeAcceptances()
    void upkeep.checkIndexes()
  }
  const timer = parts.byItself ? setInterval(rounds, TICK_MS).unref() : undefined
  return {
    tick: async () => {
      await upkeep.tick()
      await upkeep.writeAcceptances()
    },
    checkIndexes: () => upkeep.checkIndexes(),
    indexes: upkeep.indexes,
    confirmClock: () => upkeep.confirmClock(),
    troubles: () => upkeep.troubles(),
    clockDriftMs: () => upkeep.clockDriftMs(),
    doesUpkeep: () => upkeep.isOurs,
    stop: async () => {
      clearInterval(timer)
      clearInterval(watch)
      await upkeep.stop()
    },
  }
}

/**
 * Raises the floor, collects below it, carries out what is due, and maintains receipts, checkpoints and keys. It works
 * realm by realm, so a realm whose log was rolled back or whose records are unreadable never delays another. While the
 * wall clock is not trusted, nothing is collected and no hold is released; items that only end tokens go on by the
 * monotonic clock.
 */
class Upkeep {
  readonly #parts: MaintenanceParts
  readonly #floor: Floor
  readonly #setbacks: Setbacks
  readonly #deadlines: Deadlines
  readonly #receipts: ReceiptUpkeep
  readonly #checkpoints: StoredCheckpoints = new StoredCheckpoints()
  readonly #acceptances: AcceptanceWriter
  readonly #keys: SigningKeyUpkeep
  readonly #pace: Pace
  readonly indexes: IndexChecks
  readonly #staying: { readonly tokens: Staying; readonly entries: Staying } = {
    tokens: { after: undefined },
    entries: { after: undefined },
  }
  #rounds = 0
  #suspended = ''
  #running: Promise<void> = Promise.resolve()
  #looking: Promise<void> | undefined
  #checking: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #stopped = false
  readonly #turn: Turn
  #hasStepped = false

  constructor(parts: MaintenanceParts) {
    const { realms, clock } = parts
    this.#parts = parts
    this.#floor = new Floor(realms.ledger.durableFloorMs, readingOf(clock))
    this.#setbacks = new Setbacks(realms, parts.log)
    const size = { monotonicMs: () => clock.monotonicMs(), sources: parts.sources }
    this.#deadlines = new Deadlines(
      realms,
      watchedKinds(parts.auditRetentionMs, (realm, targets) =>
        neededApproval({ realm, parts: size }, { targets }),
      ),
    )
    this.#receipts = new ReceiptUpkeep(realms, parts.auditRetentionMs)
    const timing = {
      monotonicMs: () => clock.monotonicMs(),
      rest: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    }
    this.#pace = new Pace({
      ...{ ...timing, writes: () => realms.ledger.submitted },
      ...(parts.store.sweep === undefined ? {} : { stepMs: SWEEP_STEP_MS }),
    })
    this.indexes = new IndexChecks({ ...timing, realms, setbacks: this.#setbacks, log: parts.log })
    this.#acceptances = new AcceptanceWriter(parts.auditRetentionMs)
    this.#keys = new SigningKeyUpkeep(parts.signingKeyMaxAgeMs)
    this.#turn = new Turn({
      ...{ store: parts.store, clock, setbacks: this.#setbacks },
      taken: () => this.#turnTaken(),
      lost: () => this.#receipts.pause(),
    })
  }

  tick(): Promise<void> {
    this.#running = this.#running.then(() => this.#round())
    return this.#running
  }

  /** Checks the deadlines. Not part of the rounds, because those may take long. */
  look(): void {
    if (this.#looking !== undefined || this.#stopped) return
    const looking = async (): Promise<void> => {
      if (await this.#setbacks.mend()) await this.#settleDue()
    }
    this.#looking = looking().finally(() => {
      this.#looking = undefined
    })
  }

  checkIndexes(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    this.#checking ??= this.indexes
      .round(this.#working(), () => !this.#stopped)
      .finally(() => {
        this.#checking = undefined
      })
    return this.#checking
  }

  /**
   * Writes which tokens were accepted. Not part of the rounds, because it waits for all revocations; it stops with the
   * first failure, and goes on with the next call.
   */
  writeAcceptances(): Promise<void> {
    this.#writing ??= this.#writeAcceptances(() => this.#stopped).finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeAcceptances(isStopped: () => boolean): Promise<void> {
    const { ledger } = this.#parts.realms
    const isOver = (): boolean => isStopped() || ledger.broken
    for (const realm of this.#working())
      if (!isOver()) await this.#part(realm, 'last-used', () => this.#acceptances.write(realm, isOver))
  }

  async #writeLastAcceptances(): Promise<void> {
    const { realms, clock } = this.#parts
    const endMs = clock.monotonicMs() + LAST_WRITES_MS
    const isLate = (): boolean => clock.monotonicMs() > endMs || realms.ledger.broken
    for (const realm of this.#working())
      await this.#part(realm, 'last-used', () => this.#acceptances.writeLast(realm, isLate))
  }

  async confirmClock(): Promise<number> {
    const { ledger } = this.#parts.realms
    const confirmed = this.#floor.confirm(this.#read())
    ledger.raiseFloor(confirmed)
    await ledger.settleFloor()
    return confirmed
  }

  troubles(): readonly Trouble[] {
    const setbacks = this.#setbacks.open.map(({ realm, step, reason }): Trouble => {
      const detail = `${step}: ${reason}; see the log`
      return defined({ code: 'upkeep_waits', realm, detail })
    })
    return [...this.#clockTroubles(), ...setbacks, ...this.indexes.troubles()]
  }

  get isOurs(): boolean {
    return this.#turn.isOurs
  }

  clockDriftMs(): number {
    return this.#floor.driftMs(this.#read())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
    const last = async (): Promise<void> => {
      if (!(await this.#setbacks.mend())) return
      await this.#writeLastAcceptances()
      for (const realm of this.#working()) {
        if (this.#turn.isOurs) await this.#part(realm, 'checkpoint', () => this.#checkpoints.write(realm))
      }
    }
    this.#running = this.#running.then(last)
    await this.#running
    await this.#looking
    await this.#checking
  }

  async #round(): Promise<void> {
    const { realms, masterKeyFile } = this.#parts
    if (!(await this.#setbacks.mend())) return
    this.#alarmOfClock()
    await this.#turn.take()
    await this.#setbacks.run({ step: 'master-key' }, () => masterKeyFile.round())
    await this.#settleDue()
    if (!this.#floor.stepped(this.#read())) await this.#collect()
    const rotates = this.#turn.isOurs && this.#keys.begin()
    for (const realm of this.#working()) {
      const isStopped = (): boolean => this.#stopped || realms.ledger.broken
      if (!this.#turn.isOurs) continue
      await this.#part(realm, 'receipts', () => this.#receipts.round(realm, isStopped))
      await this.#part(realm, 'checkpoint', () => this.#checkpoints.write(realm))
      if (rotates) await this.#part(realm, 'signing-keys', () => this.#keys.rotate(realm))
    }
  }

  /** What was known about the store is out of date. */
  #turnTaken(): void {
    this.#receipts.restart()
    this.#checkpoints.forget()
    this.#staying.tokens.after = undefined
    this.#staying.entries.after = undefined
  }

  async #settleDue(): Promise<void> {
    for (const realm of this.#working()) {
      const time = this.#dueTime(realm)
      // Skip idle realms, so that a thousand of them cost nothing twice a second.
      if (!this.#deadlines.isIdle(realm, time))
        await this.#part(realm, 'deadlines', () => this.#deadlines.round(realm, time))
    }
  }

  #dueTime(realm: Realm): DueTime {
    const now = this.#read()
    if (this.#floor.stepped(now)) return { endingMs: this.#floor.steadyMs(now), otherMs: undefined }
    // While the wall clock is behind the floor, the realm's time stands still; the monotonic clock goes on.
    return { endingMs: Math.max(realm.nowMs(), this.#floor.leastMs(now)), otherMs: realm.nowMs() }
  }

  async #collect(): Promise<void> {
    const { realms, store } = this.#parts
    // The floor also is the highest of all nodes; the others only read it.
    if (this.#turn.isOurs) realms.ledger.raiseFloor(this.#floor.raise(this.#read()))
    for (const { index } of realms.all()) index.dropExpired(this.#rounds)
    this.indexes.alarmOfRemovals()
    this.#stepOver()
    this.#rounds += 1
    await this.#setbacks.run({ step: 'floor' }, () => realms.ledger.settleFloor())
    if (!this.#turn.isOurs) return
    let writes = 0
    const each = (realm: Realm, task: () => Promise<unknown>): Promise<boolean> => {
      writes += 1
      return this.#part(realm, 'collection', task)
    }
    const { tokens, entries } = this.#staying
    const counted = async (collecting: Promise<number>): Promise<Step> => {
      const before = writes
      return { looked: await collecting, writes: writes - before }
    }
    const goesOn = (): boolean => !this.#stopped && !realms.ledger.broken
    await this.#setbacks.run({ step: 'collection' }, async () => {
      // Keep expired tokens as long as rules on them: Identity's `allow_expired` shows tokens that have just expired.
      const how = { keptMs: KEEP_MARGIN_MS, each, staying: tokens }
      await this.#pace.run(goesOn, (limit) => counted(collectExpired(realms, store, { ...how, limit })))
      const ofEntries = { each, staying: entries }
      await this.#pace.run(goesOn, (limit) => counted(collectEntries(realms, store, { ...ofEntries, limit })))
    })
  }

  /** Collections skip records of rolled-back realms. Tries those again when such realms change, and once in a while. */
  #stepOver(): void {
    const { realms } = this.#parts
    const suspended = realms.all().filter(({ ordinal }) => realms.ledger.isSuspended(ordinal))
    const names = suspended.map(({ name }) => name).join()
    if (names === this.#suspended && this.#rounds % ROUNDS_UNTIL_RESTART !== 0) return
    this.#suspended = names
    this.#staying.tokens.after = undefined
    this.#staying.entries.after = undefined
  }

  /** Realms that can be written to now; /readyz names the others. */
  #working(): readonly Realm[] {
    const { realms } = this.#parts
    return realms.all().filter(({ ordinal }) => !realms.ledger.isSuspended(ordinal))
  }

  #part({ name }: Realm, step: string, task: () => Promise<unknown>): Promise<boolean> {
    return this.#setbacks.run({ realm: name, step }, task)
  }

  #alarmOfClock(): void {
    const troubles = this.#clockTroubles()
    const has = troubles.length > 0
    if (has === this.#hasStepped) return
    this.#hasStepped = has
    for (const { code, detail } of troubles) this.#parts.log.error({ code }, detail)
    if (!has) this.#parts.log.info('the clocks agree again')
  }

  #clockTroubles(): readonly Trouble[] {
    const now = this.#read()
    if (this.#floor.stepped(now)) {
      const seconds = Math.round(this.#floor.driftMs(now) / 1_000)
      const detail = `the wall clock has moved ${seconds} s against the monotonic one: ${WAITS}; ${CURE}`
      return [{ code: 'clock_stepped', detail }]
    }
    if (!this.#floor.isAhead(now)) return []
    return [
      { code: 'clock_behind', detail: `the wall clock is behind what was seen before: ${WAITS}; ${CURE}` },
    ]
  }

  #read(): ClockReading {
    const { clock, store } = this.#parts
    const now = readingOf(clock)
    // The wall clock is the database's.
    if (store.isShared) this.#floor.keepPace(now)
    return now
  }
}

function readingOf(clock: Clock): ClockReading {
  return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
}

const WAITS = 'nothing is collected, and no hold is released by its deadline'
const CURE = 'set the clock right, or vouch for it with POST /control/v1/clock/confirm'
