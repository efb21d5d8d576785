/**
 * The few exceptions of the system. An answer ("unknown token", "not the owner") is never one of them: answers are
 * values. These say that no answer can be given; the server turns them into each dialect's own 503 or 500.
 */

/** The store cannot be relied on now. Nothing may be assumed about what was asked; asking again is safe. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/**
 * One realm takes no writes, or cannot be read at all, until an operator does what the message says; the other realms are
 * served. Asking again before that does not help.
 */
export class RealmOutOfOrder extends StoreUnavailable {
  override readonly name: string = 'RealmOutOfOrder'
}

/** One stored thing is of a newer or broken kind: whoever needs it cannot be answered, and everybody else is. */
export class NotReadable extends StoreUnavailable {
  override readonly name: string = 'NotReadable'
}

/** A bounded queue is full, or a unit kept losing races past its bound. Nothing was done; asking again is safe. */
export class Overloaded extends Error {
  override readonly name: string = 'Overloaded'
}

/** The store was made by a newer version, for another master key, or is owned by another process. */
export class StoreRefused extends Error {
  override readonly name: string = 'StoreRefused'
}

/** A configuration, a seed file or a key file cannot be accepted. The message is one line, for an operator. */
export class SettingsRefused extends Error {
  override readonly name: string = 'SettingsRefused'
}

/** A caller inside this program broke a contract: a bug, never the fault of input. */
export class ContractBroken extends Error {
  override readonly name: string = 'ContractBroken'
}

/** Whether asking again later may succeed: what dialects render as 503 with Retry-After. */
export function isOutage(error: unknown): error is StoreUnavailable | Overloaded {
  return error instanceof StoreUnavailable || error instanceof Overloaded
}

/** The end of an exhaustive switch: a new member of the union does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new ContractBroken(`unhandled case: ${JSON.stringify(value)}`)
}
