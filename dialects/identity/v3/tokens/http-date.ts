import { parseInstant } from '@rescind/core/bytes'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** The preferred form of RFC 9110 §5.6.7 (RFC 1123's). Keystone's clients also send `-0000` and offsets. */
const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) (GMT|UTC|[+-]\d{4})$/

/** Milliseconds since 1970 of `Sun, 01 Mar 2026 12:00:00 GMT` or of an ISO instant. */
export function parseSince(text: string): number | undefined {
  const match = HTTP_DATE.exec(text)
  if (match === null) return parseInstant(text)
  const [, day = '', name = '', year = '', time = '', zone = ''] = match
  const month = MONTHS.indexOf(name) + 1
  if (month === 0) return undefined
  const offset = zone === 'GMT' || zone === 'UTC' ? 'Z' : zone.replace('-0000', '+0000')
  return parseInstant(`${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}T${time}${offset}`)
}
