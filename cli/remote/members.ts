/** A JSON object from a server, whose members are looked at one by one: another version may have others. */
export type Members = Readonly<Record<string, unknown>>

/** @returns no members for what is no object. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
}

/** The objects of a list; none for what is no list. */
export function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.map(membersOf) : []
}

/** A text, number or truth value as text; empty for anything else. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** 0 for what is no number. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** A text, or a list of texts, as a list. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
