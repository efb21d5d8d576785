/** What a port answers at once when it can, and later when it must: embedded stores read without a promise. */
export type Awaitable<T> = T | Promise<T>

/**
 * Goes on with a value at once when it is here, and when it comes otherwise. Embedded stores answer without a promise,
 * and a hot path that awaits nothing answers in the same turn of the event loop.
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
