/**
 * Who gives way when all places are taken: the newest of whoever has most of them, unless that is left with less than
 * `mine` comes to by it; else the two would drive each other out in turns. `taken` is in the order in which they came.
 */
export function newestOfMost<T, Name>(
  taken: readonly T[],
  nameOf: (one: T) => Name,
  mine: Name,
): T | undefined {
  const counts = new Map<Name, number>()
  for (const one of taken) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1)
  let most: readonly [Name, number] | undefined
  for (const one of counts) if (most === undefined || one[1] > most[1]) most = one
  if (most === undefined || most[1] <= (counts.get(mine) ?? 0) + 1) return undefined
  const [name] = most
  return taken.findLast((one) => nameOf(one) === name)
}
