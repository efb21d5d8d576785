import { type Logger, pino } from 'pino'
import { LogSink } from './log-sink.ts'
import { standardOutput } from './standard-output.ts'

/** Milliseconds that a stopping server waits for its last lines to be written. */
const LAST_LINES_TIMEOUT_MS = 500

export type ServerLog = {
  readonly log: Logger
  /** How many lines were dropped. */
  readonly dropped: () => number
  /** Waits until all lines are written, but only for a moment. */
  readonly flush: () => Promise<void>
}

/** Shared, because a process has only one standard output. */
let shared: LogSink | undefined

/** Logs JSON lines to standard output without blocking (`LogSink`). */
export function openLog(level: string): ServerLog {
  shared ??= openSink()
  const sink = shared
  return {
    log: pino({ level }, sink),
    dropped: () => sink.dropped,
    flush: async () => {
      const late = Promise.withResolvers<void>()
      const timeout = setTimeout(late.resolve, LAST_LINES_TIMEOUT_MS)
      await Promise.race([sink.whenIdle(), late.promise])
      clearTimeout(timeout)
    },
  }
}

/** Wraps a caller's own logger, which manages its own output. */
export function givenLog(log: Logger): ServerLog {
  return { log, dropped: () => 0, flush: async () => undefined }
}

function openSink(): LogSink {
  const sink: LogSink = new LogSink({
    outflow: standardOutput(),
    onRecovered: (dropped) =>
      pino(sink).warn({ dropped }, 'log lines were dropped: standard output took none for a while'),
  })
  process.once('exit', () => sink.end())
  return sink
}
