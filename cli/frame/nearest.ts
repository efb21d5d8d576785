/** Edits between a word and its suggestion. */
const EDITS_MAX = 3

/** The known word that a misspelt one probably means. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => ({ one, edits: editsBetween(word, one) }))
    .filter(({ one, edits }) => edits <= Math.min(EDITS_MAX, Math.ceil(one.length / 2)))
    .sort((a, b) => a.edits - b.edits)
  return near[0]?.one
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function editsBetween(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      const edits = [(last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same]
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        edits.push((before[j - 2] ?? 0) + 1)
      row.push(Math.min(...edits))
    }
    before = last
    last = row
  }
  return last[to.length] ?? 0
}
