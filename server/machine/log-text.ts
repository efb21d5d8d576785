import { displayText } from '@rescind/core/bytes'
import { pino } from 'pino'

/** Members that every JSON line has, and that a reader of one server's terminal has no use for. */
const LEFT_OUT: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'pid', 'hostname'])

/**
 * A JSON line of the log as a person reads it: the time in UTC, the level, the message, and the other members as
 * name=value. Values may come from clients: what a terminal would obey, or show as other text, is removed.
 */
export function logText(line: string): string {
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>
  const { level, time, msg } = entry
  const parts = [
    timeText(time),
    (pino.levels.labels[Number(level)] ?? oneLine(String(level))).padEnd(LEVEL_CHARS),
    ...(typeof msg === 'string' ? [oneLine(msg)] : []),
  ]
  for (const [name, value] of Object.entries(entry))
    if (!LEFT_OUT.has(name)) parts.push(`${oneLine(name)}=${valueText(value)}`)
  return `${parts.join(' ')}\n`
}

const LEVEL_CHARS = 5

/** Never throws: a member that is called `time` as well must not turn a log line into a failed request. */
function timeText(time: unknown): string {
  const date = new Date(typeof time === 'number' ? time : Number.NaN)
  return Number.isNaN(date.getTime()) ? oneLine(String(time)) : date.toISOString()
}

/** Plain words stay as they are; all else is JSON, so that it is clear where a value ends. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value
  return oneLine(JSON.stringify(value) ?? 'undefined')
}

const PLAIN = /^[!#-<>-~]+$/

function oneLine(text: string): string {
  return displayText(text).replaceAll(/[\r\n\t\u2028\u2029]/g, ' ')
}
