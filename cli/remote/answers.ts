import { CommandFailed } from '../frame/failure.ts'
import { type Members, membersOf, textOf } from './members.ts'

/** Seconds that a server's Retry-After may make a command wait, each time. */
const WAIT_MAX_SECONDS = 30

/** Seconds after which to repeat a call that was turned away; undefined when it should not be repeated. */
export function retryAfter({ status, headers }: Response): number | undefined {
  if (![409, 429, 503].includes(status)) return undefined
  const text = headers.get('retry-after')
  const seconds = Number(text ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 && seconds <= WAIT_MAX_SECONDS ? seconds : undefined
}

/** @throws CommandFailed for text that is no JSON. */
export function parsed(text: string, url: URL): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notRescind(url)
  }
}

export function notRescind(url: URL): CommandFailed {
  return new CommandFailed(`${url.origin} answers, but not as the control API of Rescind`, {
    next: 'check --url: it is the address of the server, without /control/v1',
  })
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The record of a successful answer: what was done is only told when the server has said so.
 * @param member that every such record has. @throws CommandFailed when it is missing.
 */
export function recordOf(json: unknown, url: URL, member = 'id'): Members {
  const record = membersOf(json)
  if (textOf(record[member]) === '') throw notRescind(url)
  return record
}
