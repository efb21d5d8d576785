import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { CommandFailed } from './failure.ts'
import type { Io } from './io.ts'

export type Following = {
  /** Milliseconds between two rounds. */
  readonly everyMs: number
  /** One round. @throws CommandFailed. */
  readonly round: () => Promise<void>
  /** Told of a failure that may pass, such as a server that starts again. */
  readonly failed: (failure: CommandFailed) => void
  /** Whether it cannot pass: a key that is refused, say. */
  readonly isFinal: (failure: CommandFailed) => boolean
}

/** Pauses after failures grow up to this. */
const PAUSE_MAX_MS = 10_000

/** Does something again and again until Ctrl-C; after failures with growing pauses. @throws CommandFailed that is final. */
export async function follow(io: Io, { everyMs, round, failed, isFinal }: Following): Promise<ExitCode> {
  let pauseMs = everyMs
  while (!io.interrupted.aborted) {
    try {
      await round()
      pauseMs = everyMs
    } catch (error) {
      if (io.interrupted.aborted) break
      if (!(error instanceof CommandFailed) || isFinal(error)) throw error
      failed(error)
      pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)
    }
    await sleep(pauseMs, undefined, { signal: io.interrupted }).catch(() => undefined)
  }
  return EXIT.interrupted
}
