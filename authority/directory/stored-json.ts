import { NotReadable } from '@rescind/core'

/** Members of a stored object, not checked yet. */
export type Members = { readonly [name: string]: unknown }

/** @returns undefined for anything but a JSON object. */
export function readObject(stored: string | Uint8Array): Members | undefined {
  const text = typeof stored === 'string' ? stored : Buffer.from(stored).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return isMembers(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a stored object is valid as a T, as far as its readers rely on it. */
export type IsValue = (value: Members) => boolean

/** The type of a member; a list of words allows exactly those. */
type Member = 'text' | 'number' | 'whole' | 'flag' | 'list' | 'texts' | 'members' | readonly string[]
type Shape = { readonly [name: string]: Member }

const IS: Readonly<Record<Exclude<Member, readonly string[]>, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  // A number in JSON may exceed what a number here can hold, and would be read as another one or as infinite.
  number: (value) => typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER,
  whole: (value) => Number.isSafeInteger(value),
  flag: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  members: isMembers,
}

/** Whether a stored object has these members; members that a newer version adds do not matter. */
export function shaped(required: Shape, optional: Shape = {}): IsValue {
  return (value) =>
    Object.entries(required).every(([name, member]) => isMember(value[name], member)) &&
    Object.entries(optional).every(
      ([name, member]) => value[name] === undefined || isMember(value[name], member),
    )
}

function isMember(value: unknown, member: Member): boolean {
  if (typeof member === 'string') return IS[member](value)
  return typeof value === 'string' && member.includes(value)
}

/**
 * Reads a stored object as a value that this program wrote. @param name what it is, for an operator. @throws NotReadable
 * when it is damaged or from a newer version: requests that need it fail.
 */
export function readValue<T>(stored: string | Uint8Array, name: string, isValue: IsValue = () => true): T {
  const value = readObject(stored)
  if (value === undefined || !isValue(value)) throw new NotReadable(`${name}: ${STRANGE}`)
  return value as T
}

export const STRANGE = 'it is damaged or was written by a newer version'
