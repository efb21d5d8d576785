/** An instant in this machine's zone and in UTC: `2026-11-30 19:22:05 CET (18:22:05Z)`. @param at ISO 8601, or milliseconds. */
export function timeText(at: string | number): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return String(at)
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...({ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const),
    ...({ second: '2-digit', hourCycle: 'h23', timeZoneName: 'short' } as const),
  }).formatToParts(date)
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((one) => one.type === type)?.value ?? ''
  const day = `${part('year')}-${part('month')}-${part('day')}`
  const utc = date.toISOString()
  const local = `${day} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`
  // The day too, where it differs.
  return `${local} (${day === utc.slice(0, 10) ? '' : `${utc.slice(0, 10)} `}${utc.slice(11, 19)}Z)`
}
