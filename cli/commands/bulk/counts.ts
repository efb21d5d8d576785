import { type Line, paint, pairs } from '../../frame/lines.ts'
import { type Members, numberOf } from '../../remote/members.ts'

/** What became of lines: the server's word, ours, and whether something is left to do. */
const RESULTS: readonly (readonly [name: string, words: string, isLeft: boolean])[] = [
  ['revoked', 'revoked', false],
  ['wouldRevoke', 'would be revoked', false],
  ['already', 'over before', false],
  ['unknown', 'of our form, but unknown here', false],
  ['notOurs', 'nothing of ours', false],
  ['otherRealm', 'live in another realm: revoke them there, by --realm', true],
  ['credential', 'keys or secrets, which are not ended: the report names the call for each', true],
  ['tooMany', 'lines that hold too much to be read whole: split them', true],
  ['unreadable', 'lines that are no text: unpack or decode them', true],
  ['tooLong', 'lines that are too long and were not looked at: split them', true],
]

/** Counts of what this version does not know, which is never taken for done. */
function unknownIn(counts: Members): readonly string[] {
  const known = new Set(['lines', ...RESULTS.map(([name]) => name)])
  return Object.keys(counts).filter((name) => !known.has(name) && numberOf(counts[name]) > 0)
}

/** Whether something that the list holds is not over, or was not looked at. */
export function isAnythingLeft(counts: Members): boolean {
  const isLeft = RESULTS.some(([name, , left]) => left && numberOf(counts[name]) > 0)
  return counts['secretsLeftOut'] === true || isLeft || unknownIn(counts).length > 0
}

/** One line for progress: only what there is. */
export function countWords(counts: Members): string {
  return RESULTS.filter(([name]) => numberOf(counts[name]) > 0)
    .map(([name]) => `${name} ${grouped(numberOf(counts[name]))}`)
    .join(', ')
}

export function countLines(counts: Members): readonly Line[] {
  const rows = RESULTS.filter(([name]) => numberOf(counts[name]) > 0).map(
    ([name, words, isLeft]) =>
      [grouped(numberOf(counts[name])), isLeft ? paint('yellow', words) : words] as const,
  )
  const secrets = counts['secretsLeftOut'] === true ? ['There are more secrets here than were compared.'] : []
  const unknown = unknownIn(counts).map(
    (name) => [grouped(numberOf(counts[name])), paint('yellow', `${name}: the report says more`)] as const,
  )
  return [`${grouped(numberOf(counts['lines']))} lines:`, ...pairs([...rows, ...unknown]), ...secrets]
}

/** 100000 as 100,000. */
export function grouped(count: number): string {
  return count.toLocaleString('en-GB')
}
