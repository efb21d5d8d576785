import { formatInstant } from '@rescind/core/bytes'

/** `2026-03-01T12:00:00.000000Z`: Keystone's dates have microseconds, and its clients slice them by position. */
export function microInstant(ms: number): string {
  return formatInstant(ms).replace(/Z$/, '000Z')
}
