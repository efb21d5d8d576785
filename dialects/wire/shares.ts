/**
 * Chooses what is given up for `mine` when all places are taken: the newest place of the largest holder. Returns
 * undefined if that holder would then have less than `mine`, because the two would evict each other in turns. `taken`
 * is oldest first.
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
