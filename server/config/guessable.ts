/** The strength that a key needs: that of a random UUID, or 32 hexadecimal digits. */
export const KEY_BITS_MIN = 128
/** Text with fewer distinct characters is a pattern in any alphabet. */
const DISTINCT_MIN = 8

/** Whether a key could be guessed, judging by its form: how many texts have its length and alphabet. */
export function isGuessable(text: string): boolean {
  return bitsOf(text) < KEY_BITS_MIN
}

function bitsOf(text: string): number {
  const distinct = new Set(text).size
  const letters = distinct < DISTINCT_MIN ? distinct : alphabetOf(text)
  return text.length * Math.log2(Math.max(1, letters))
}

/** The total size of the character classes that occur. Characters of other writing systems count as none. */
function alphabetOf(text: string): number {
  if (/[A-Fa-f]/.test(text) && /^(?:[0-9a-f-]+|[0-9A-F-]+)$/.test(text)) return 16
  const kinds = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[^A-Za-z0-9]/, 33],
  ] as const
  return kinds.reduce((size, [kind, count]) => (kind.test(text) ? size + count : size), 0)
}
