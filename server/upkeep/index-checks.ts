import { type Differences, IndexDiffer, type Realm, type Realms } from '@rescind/authority'
import type { Logger } from 'pino'
import type { Setbacks } from '../machine/setbacks.ts'
import type { Trouble } from '../machine/troubles.ts'

/** Delay of a realm's check after the start, and after a check that was broken off. */
const FIRST_MS = 3_600_000
const EVERY_MS = 24 * FIRST_MS
/** A check rests this many times as long as its last piece took, so it uses a twentieth of the time. */
const REST_TIMES = 19
/** The longest rest, and so the longest that a stop waits for a check. */
const REST_MAX_MS = 200

export type IndexCheckParts = {
  readonly realms: Realms
  readonly setbacks: Setbacks
  readonly log: Logger
  readonly monotonicMs: () => number
  readonly rest: (ms: number) => Promise<void>
}

/**
 * Compares each realm's index with its log once a day, slowly, and raises an alarm for a difference. A rule that was
 * removed early raises one at once.
 */
export class IndexChecks {
  readonly #parts: IndexCheckParts
  readonly #differ: IndexDiffer
  readonly #dueMs: Map<string, number> = new Map()
  readonly #found: Map<string, Differences> = new Map()
  readonly #early: Map<string, number> = new Map()
  #done = 0

  constructor(parts: IndexCheckParts) {
    this.#parts = parts
    this.#differ = new IndexDiffer(parts.realms.ledger)
    this.begin(parts.realms.all())
  }

  /** How many checks have finished since the start. */
  get done(): number {
    return this.#done
  }

  /** The differences that the last checks of all realms found. */
  get differences(): Differences {
    const total: Differences = { missing: 0, short: 0, unexplained: 0 }
    for (const { missing, short, unexplained } of this.#found.values()) {
      total.missing += missing
      total.short += short
      total.unexplained += unexplained
    }
    return total
  }

  get removedEarly(): number {
    return this.#parts.realms.all().reduce((total, { index }) => total + index.removedEarly, 0)
  }

  /** Makes the first check due in an hour, because the indexes were just folded from the logs. */
  begin(realms: readonly Realm[]): void {
    const nowMs = this.#parts.monotonicMs()
    for (const { name } of realms) if (!this.#dueMs.has(name)) this.#dueMs.set(name, nowMs + FIRST_MS)
  }

  /** Checks each of these realms that is due, one after the other; a failing realm does not delay the others. */
  async round(realms: readonly Realm[], goesOn: () => boolean): Promise<void> {
    this.begin(realms)
    for (const realm of realms) {
      if (!goesOn()) return
      const { name } = realm
      if ((this.#dueMs.get(name) ?? 0) > this.#parts.monotonicMs()) continue
      let isDone = false
      await this.#parts.setbacks.run({ realm: name, step: 'index-check' }, async () => {
        isDone = await this.#check(realm, goesOn)
      })
      this.#dueMs.set(name, this.#parts.monotonicMs() + (isDone ? EVERY_MS : FIRST_MS))
    }
  }

  /** Called after rules were dropped. */
  alarmOfRemovals(): void {
    for (const { name, index } of this.#parts.realms.all()) {
      const removed = index.removedEarly
      if (removed <= (this.#early.get(name) ?? 0)) continue
      this.#early.set(name, removed)
      const code = 'index_removed_early'
      this.#parts.log.error({ code, realm: name, removed }, `rules left the index early: ${ADVICE}`)
    }
  }

  troubles(): readonly Trouble[] {
    const differing = [...this.#found].map(([realm, found]): Trouble => {
      return { code: 'index_differs', realm, detail: `${textOf(found)}: ${ADVICE}` }
    })
    const early = [...this.#early].map(([realm, count]): Trouble => {
      const detail = `${count} rules left the index early: ${ADVICE}`
      return { code: 'index_removed_early', realm, detail }
    })
    return [...differing, ...early]
  }

  async #check(realm: Realm, goesOn: () => boolean): Promise<boolean> {
    const { log, monotonicMs } = this.#parts
    let startMs = monotonicMs()
    const rest = async (): Promise<void> => {
      await this.#parts.rest(Math.min(REST_MAX_MS, (monotonicMs() - startMs) * REST_TIMES))
      startMs = monotonicMs()
    }
    const found = await this.#differ.run(realm, { rest, goesOn })
    if (found === undefined) return false
    this.#done += 1
    const { name } = realm
    if (found.missing + found.short + found.unexplained > 0) {
      this.#found.set(name, found)
      log.error({ code: 'index_differs', realm: name, ...found }, `${textOf(found)}: ${ADVICE}`)
    } else if (this.#found.delete(name)) log.info({ realm: name }, 'the index agrees with its log again')
    return true
  }
}

const ADVICE =
  'this realm may let in what was revoked; restart the server, which folds the log anew, run `rescind audit verify`, and report it'

function textOf({ missing, short, unexplained }: Differences): string {
  return `the index differs from the log (missing ${missing}, short ${short}, unexplained ${unexplained})`
}
