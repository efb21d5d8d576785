import { LAST_INSTANT_MS } from '../lifetimes.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Days in 400 years of the Gregorian calendar, and days from 0000-03-01 to 1970-01-01. */
const ERA_DAYS = 146_097
const EPOCH_DAYS = 719_468
/** 0000-01-01T00:00:00.000Z. */
const FIRST_WORDED_MS = -62_167_219_200_000

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?$/

/**
 * Milliseconds since 1970 of an ISO 8601 instant. Fraction and offset are optional (no offset means UTC); digits past the
 * millisecond are dropped. @returns undefined for anything else: a date alone, a day that does not exist, a leap second,
 * or an instant outside 1970 to 9999 once its offset is applied.
 */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const number = (group: number): number => Number(match[group] ?? 0)
  const [year, month, day] = [number(1), number(2), number(3)]
  const [hour, minute, second] = [number(4), number(5), number(6)]
  const [offsetHour, offsetMinute] = [number(9), number(10)]
  if (year < 1970 || hour > 23 || minute > 59 || second > 59) return undefined
  if (offsetHour > 23 || offsetMinute > 59 || !isDay(year, month, day)) return undefined
  const millisecond = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offsetMs = (offsetHour * HOUR_MS + offsetMinute * MINUTE_MS) * (match[8] === '-' ? -1 : 1)
  const timeMs = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + millisecond
  const ms = daysOf(year, month, day) * DAY_MS + timeMs - offsetMs
  return ms < 0 || ms > LAST_INSTANT_MS ? undefined : ms
}

/**
 * `2020-06-11T07:03:09.831Z`: always milliseconds, always Z. A stored number can be out of range and must not make a reader
 * fail, so it becomes `no instant: …`, which no parser accepts.
 */
export function formatInstant(stored: number): string {
  const ms = Math.floor(stored)
  if (!(ms >= FIRST_WORDED_MS && ms <= LAST_INSTANT_MS)) return `no instant: ${stored}`
  const [year, month, day] = dayOf(Math.floor(ms / DAY_MS))
  const ofDayMs = ms - Math.floor(ms / DAY_MS) * DAY_MS
  const part = (partMs: number, count: number): string => two(Math.floor(ofDayMs / partMs) % count)
  const time = `${part(HOUR_MS, 24)}:${part(MINUTE_MS, 60)}:${part(SECOND_MS, 60)}`
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
  return `${date}T${time}.${String(ofDayMs % SECOND_MS).padStart(3, '0')}Z`
}

/** The same for an instant that may be absent. */
export function instantOf(stored: number | undefined): string | undefined {
  return stored === undefined ? undefined : formatInstant(stored)
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const next = month === 12 ? daysOf(year + 1, 1, 1) : daysOf(year, month + 1, 1)
  return day <= next - daysOf(year, month, 1)
}

/** Days since 1970-01-01. Years are counted from March, so that the leap day comes last. */
function daysOf(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * ERA_DAYS + dayOfEra - EPOCH_DAYS
}

/** The reverse of `daysOf`. */
function dayOf(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + EPOCH_DAYS
  const era = Math.floor(shifted / ERA_DAYS)
  const dayOfEra = shifted - era * ERA_DAYS
  const leaps =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (ERA_DAYS - 1))
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day]
}
