import { isatty } from 'node:tty'
import { type DestinationStream, type Logger, pino } from 'pino'
import { LogSink } from './log-sink.ts'
import { logText } from './log-text.ts'
import { STDOUT, standardOutput } from './standard-output.ts'

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

export const LOG_FORMATS = ['auto', 'json', 'text'] as const
/** `auto`: text on a terminal, JSON elsewhere. */
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Logs lines to standard output without blocking (`LogSink`). */
export function openLog(level: string, format: LogFormat): ServerLog {
  const isText = format === 'text' || (format === 'auto' && isatty(STDOUT))
  shared ??= openSink(isText)
  const sink = shared
  return {
    log: pino({ level }, linesTo(sink, isText)),
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

function linesTo(sink: LogSink, isText: boolean): DestinationStream {
  return isText ? { write: (line) => sink.write(logText(line)) } : sink
}

function openSink(isText: boolean): LogSink {
  const sink: LogSink = new LogSink({
    outflow: standardOutput(),
    onRecovered: (dropped) =>
      pino(linesTo(sink, isText)).warn(
        { dropped },
        'log lines were dropped: standard output took none for a while',
      ),
  })
  process.once('exit', () => sink.end())
  return sink
}
