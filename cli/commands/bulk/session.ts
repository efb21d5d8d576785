import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailed } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import type { Client } from '../../remote/client.ts'
import { type Members, numberOf } from '../../remote/members.ts'
import { isFinal } from '../../remote/passing.ts'
import { Refused } from '../../remote/problems.ts'
import { attempt, type Ended, refuseEarly } from './attempt.ts'
import { grouped } from './counts.ts'
import type { BulkInput } from './input.ts'
import type { Progress } from './progress.ts'
import type { Draft } from './report.ts'
import type { BulkStates, Kept } from './state.ts'

/** How often the state is written, at most. */
const KEPT_EVERY_MS = 500
/** Attempts in a row that come no further. */
const ATTEMPTS_MAX = 10
const PAUSE_MAX_MS = 10_000

export type SessionParts = {
  readonly io: Io
  readonly client: Client
  readonly input: BulkInput
  readonly query: Readonly<Record<string, string | undefined>>
  readonly states: BulkStates
  readonly draft: Draft | undefined
  readonly progress: Progress
  /** It goes on with an interrupted call. */
  readonly isAgain: boolean
}

export type Finished = { readonly counts: Members; readonly bulk: string }

/** One call, over all attempts that it takes. */
export class Session {
  readonly #parts: SessionParts
  #kept: Kept
  #bulk = ''
  #hasBegun = false
  #keptMs = 0

  constructor(parts: SessionParts, kept: Kept) {
    this.#parts = parts
    this.#kept = kept
  }

  /** The last line whose results are all reported. */
  get line(): number {
    return this.#kept.line
  }

  /** Whether a server has taken the call, so that it can be gone on with. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Writes down how far it has come. */
  keep(): void {
    const { draft, states } = this.#parts
    const report = draft?.settle()
    this.#kept = { ...this.#kept, ...(report === undefined ? {} : { report }) }
    states.write(this.#kept)
    this.#keptMs = performance.now()
  }

  /** @returns undefined on Ctrl-C. @throws CommandFailed when it cannot go on; then the state is kept. */
  async run(): Promise<Finished | undefined> {
    const { io, input } = this.#parts
    let pauseMs = 1_000
    for (let failures = 0; ; failures += 1) {
      const line = this.#kept.line
      const ended = await this.#tried()
      if (io.interrupted.aborted) return undefined
      // What it has said of a list that differs is no part of the report: the state stays as it was.
      if (ended.kind === 'broken' && isOtherBody(ended.why)) throw changed(line)
      if (ended.kind === 'done') return { counts: ended.counts, bulk: this.#bulk }
      if (this.#kept.line > line) [failures, pauseMs] = [0, 1_000]
      this.keep()
      if (failures >= ATTEMPTS_MAX || input.size === undefined) throw brokenOff(ended.why, this.#kept.line)
      this.#parts.progress.clear()
      io.note(`${ended.why}; going on in ${pauseMs / 1_000} s after line ${grouped(this.#kept.line)}.`)
      await sleep(pauseMs, undefined, { signal: io.interrupted }).catch(() => undefined)
      if (io.interrupted.aborted) return undefined
      pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)
    }
  }

  async #tried(): Promise<Ended> {
    try {
      return await this.#attempt()
    } catch (error) {
      if (this.#parts.io.interrupted.aborted) return { kind: 'broken', why: 'interrupted' }
      if (error instanceof Refused && error.status === 422 && isOtherBody(error.message))
        throw changed(this.#kept.line)
      if (!(error instanceof CommandFailed) || isFinal(error)) throw error
      // Of a call that goes on, the server may not have seen yet that the earlier client is gone: it refuses, and closes.
      const isRunning = error instanceof Refused && error.status === 409
      if (!this.#hasBegun && !isRunning && !this.#parts.isAgain) throw error
      return { kind: 'broken', why: error.message }
    }
  }

  async #attempt(): Promise<Ended> {
    await refuseEarly(this.#parts.client)
    const { client, input, query, io, draft, progress } = this.#parts
    const { idempotencyKey, line } = this.#kept
    return attempt({
      ...{ client, idempotencyKey, body: input.open() },
      query: { ...query, reportAfter: String(line) },
      listener: {
        begun: (bulk, resumedAfter) => {
          this.#bulk = bulk
          this.#hasBegun = true
          progress.begin(resumedAfter)
        },
        line: (nth, findings) => {
          for (const finding of findings) {
            draft?.add(finding)
            if (io.isJson) io.item(finding, () => [])
          }
          this.#kept = { ...this.#kept, line: nth }
        },
        progress: (counts) => {
          progress.show(counts)
          if (performance.now() - this.#keptMs >= KEPT_EVERY_MS) this.keep()
          this.#kept = { ...this.#kept, line: Math.max(this.#kept.line, numberOf(counts['lines'])) }
        },
      },
    })
  }
}

function isOtherBody(why: string): boolean {
  return why.includes('Idempotency-Key belongs to another')
}

/** The list, or what is asked, is not what the interrupted call had. */
export function changed(line: number): CommandFailed {
  return new CommandFailed(`this list is not the one that was interrupted after line ${grouped(line)}`, {
    next: 'give that list again, with the same --reason and --note; or give --restart, which begins a new call',
  })
}

function brokenOff(why: string, line: number): CommandFailed {
  return new CommandFailed(`it broke off after line ${grouped(line)}, ${why}`, {
    next: 'run the same command again: it goes on after that line',
  })
}
