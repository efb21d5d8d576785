const DAY_MS = 86_400_000
const ERA_DAYS = 146_097
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468

/**
 * `2026-03-04T05:06:07.089Z` from milliseconds since 1970, for years 0 to 9999: the form that every client's
 * date reader takes. By arithmetic, because this room has no Date (the civil-from-days rule of the Gregorian
 * calendar, with years that start in March, so that a leap day is a year's last).
 */
export function isoTime(ms: number): string {
  const days = Math.floor(ms / DAY_MS)
  const inDayMs = ms - days * DAY_MS
  const shifted = days + EPOCH_DAYS
  const era = Math.floor(shifted / ERA_DAYS)
  const dayOfEra = shifted - era * ERA_DAYS
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${timeOfDay(inDayMs)}Z`
}

function timeOfDay(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${digits(hours, 2)}:${digits(minutes % 60, 2)}:${digits(seconds % 60, 2)}.${digits(ms % 1_000, 3)}`
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0')
}
