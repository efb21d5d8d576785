import type { Call } from '../frame/call.ts'
import { WrongUse } from '../frame/failure.ts'

const LOCAL = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?$/
const OFFSET = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/
const SECONDS_BY_LETTER = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const DURATION = /^(\d{1,9})([smhd])$/

const INSTANTS = 'write 2026-12-01T08:00:00Z, or "2026-12-01 08:00" in the zone of this machine'

/** An instant as RFC 3339; one without an offset is of this machine's zone. @throws WrongUse. */
export function instantIn(flag: string, text: string, next: string = INSTANTS): string {
  if (OFFSET.test(text) && !Number.isNaN(Date.parse(text))) return text
  const parts = LOCAL.exec(text)
    ?.slice(1)
    .map((part) => Number(part ?? '0'))
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts ?? []
  const date = new Date(year, month - 1, day, hour, minute, second)
  const isThere = date.getMonth() === month - 1 && date.getDate() === day && date.getMinutes() === minute
  if (parts === undefined || !isThere || date.getHours() !== hour || second > 59)
    throw new WrongUse(`--${flag}: this is no instant`, next)
  return date.toISOString()
}

/**
 * A time that has been, for a filter: an instant, or how long ago it was (`30m`, `2d`); undefined when the flag is not
 * given. @param nowMs of this machine. @throws WrongUse.
 */
export function pastIn(call: Call, flag: string, nowMs: number = Date.now()): string | undefined {
  const text = call.text(flag)
  if (text === undefined) return undefined
  if (!DURATION.test(text)) return instantIn(flag, text, `${INSTANTS}, or how long ago: 30m, 1h, 7d`)
  const date = new Date(nowMs - secondsIn(flag, text) * 1_000)
  if (!(date.getTime() >= 0)) throw new WrongUse(`--${flag}: this is before 1970`, 'write 30m, 1h or 7d')
  return date.toISOString()
}

/** An instant, or how long it is ago: `1h`. @throws WrongUse. */
export function pastInstantIn(flag: string, text: string, nowMs: number): string {
  if (!DURATION.test(text)) return instantIn(flag, text)
  const at = new Date(nowMs - secondsIn(flag, text) * 1_000)
  if (Number.isNaN(at.getTime())) throw new WrongUse(`--${flag}: this is too long ago`)
  return at.toISOString()
}

/** Seconds of `90s`, `30m`, `1h`, `7d`. @throws WrongUse. */
export function secondsIn(flag: string, text: string): number {
  const [, digits, letter] = DURATION.exec(text) ?? []
  const seconds = Number(digits) * (SECONDS_BY_LETTER[letter as keyof typeof SECONDS_BY_LETTER] ?? Number.NaN)
  if (!(seconds > 0)) throw new WrongUse(`--${flag}: this is no length of time`, 'write 90s, 30m, 1h or 7d')
  return seconds
}
