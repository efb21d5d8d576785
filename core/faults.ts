/**
 * The system's few exceptions. They say that no answer can be given; the server turns them into each dialect's own 503 or
 * 500. An answer ("unknown token", "not the owner") is never an exception but a value.
 */

/** The store is unreliable now. Assume nothing about the request's effect; repeating it is safe. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/** Another process wrote first what this one writes at its start. Starting again will see it. */
export class ChangedMeanwhile extends StoreUnavailable {
  override readonly name: string = 'ChangedMeanwhile'
}

/**
 * One realm takes no writes, or cannot be read, until an operator follows the message; the other realms are served.
 * Retrying before that does not help.
 */
export class RealmOutOfOrder extends StoreUnavailable {
  override readonly name: string = 'RealmOutOfOrder'
}

/** One stored item is broken or from a newer version. Requests that need it fail; all others are served. */
export class NotReadable extends StoreUnavailable {
  override readonly name: string = 'NotReadable'
}

/** A bounded queue is full, or a write lost more races than its bound. Nothing was done; repeating it is safe. */
export class Overloaded extends Error {
  override readonly name: string = 'Overloaded'
}

/** The store was made by a newer version or for another master key, or another process owns it. */
export class StoreRefused extends Error {
  override readonly name: string = 'StoreRefused'
}

/** A configuration, seed or key file is unacceptable. The message is one line, for an operator. */
export class SettingsRefused extends Error {
  override readonly name: string = 'SettingsRefused'
}

/** A caller inside this program broke a contract: a bug, never caused by input. */
export class ContractBroken extends Error {
  override readonly name: string = 'ContractBroken'
}

/** Whether a retry may succeed later; dialects answer 503 with Retry-After. */
export function isOutage(error: unknown): error is StoreUnavailable | Overloaded {
  return error instanceof StoreUnavailable || error instanceof Overloaded
}

/** Ends an exhaustive switch: a new member of the union does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new ContractBroken(`unhandled case: ${JSON.stringify(value)}`)
}
