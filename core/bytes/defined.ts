/** `T` with every member that may be undefined made optional. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The members that are not undefined, in their order. For objects with known member names, not for maps built from input. */
export function defined<const T extends object>(members: T): Defined<T> {
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(members)) {
    const value = (members as Record<string, unknown>)[name]
    if (value !== undefined) kept[name] = value
  }
  // The type says what the loop does.
  return kept as Defined<T>
}
