/** A port's answer: at once if it can, later if it must. Embedded stores read without a promise. */
export type Awaitable<T> = T | Promise<T>

/**
 * Continues with a value at once if it is here, else when it comes. A hot path that awaits nothing answers in the same turn
 * of the event loop.
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
