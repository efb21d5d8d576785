import { displayText } from '@rescind/core/bytes'

const LEVELS: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info ',
  40: 'WARN ',
  50: 'ERROR',
  60: 'FATAL',
}

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
    new Date(Number(time)).toISOString(),
    LEVELS[Number(level)] ?? String(level),
    ...(typeof msg === 'string' ? [oneLine(msg)] : []),
  ]
  for (const [name, value] of Object.entries(entry))
    if (!LEFT_OUT.has(name)) parts.push(`${oneLine(name)}=${valueText(value)}`)
  return `${parts.join(' ')}\n`
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
