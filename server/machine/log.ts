import { type Logger, pino } from 'pino'
import { LogSink } from './log-sink.ts'
import { standardOutput } from './standard-output.ts'

/** Milliseconds that a server which stops waits for its last lines to be taken. */
const LAST_LINES_TIMEOUT_MS = 500

export type ServerLog = {
  readonly log: Logger
  /** Lines that were not taken in time. */
  readonly dropped: () => number
  /** Waits, for a moment at most, until what was logged is out. */
  readonly flush: () => Promise<void>
}

/** A process has one standard output. */
let shared: LogSink | undefined

/** JSON lines on standard output, which hold nothing up (`LogSink`). */
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

/** A logger of the caller's own, which knows by itself where its lines go. */
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
