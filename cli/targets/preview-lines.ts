import { type Line, type Piece, paint, pairs } from '../frame/lines.ts'
import { coversWords } from '../remote/covers-words.ts'
import { type Members, membersOf, numberOf, textOf, textsOf } from '../remote/members.ts'

const NOUNS = ['grant', 'subject', 'client', 'tenant'] as const

/** A dry run's answer as people read it. @param head what would happen: `This would end`. */
export function previewLines(head: string, preview: Members): readonly Line[] {
  const notCounted = membersOf(preview['notCounted'])
  const what = textOf(notCounted['what'])
  const credentials = numberOf(preview['credentials'])
  const alsoEnds = textsOf(preview['alsoEnds'])
  return [
    [`${head} `, paint('bold', coversWords(membersOf(preview['covers'])))],
    ...pairs([
      ['tokens', tokensText(preview)],
      ...overLines(preview),
      ...NOUNS.map((noun) => [`${noun}s`, namesText(preview, noun)] as const),
      ['used lately', `${atLeast(preview, numberOf(preview['usedLast15Minutes']))} in the last 15 minutes`],
      ...(credentials === 0 ? [] : [['credentials', credentialsText(credentials)] as const]),
      ...(alsoEnds.length === 0 ? [] : [['also ends', alsoEnds.map(spaced).join(', ')] as const]),
      ...(what === '' ? [] : [['not counted', paint('yellow', notCountedText(what, notCounted))] as const]),
    ]),
  ]
}

/** Why nothing is live, where one thing alone is named. */
function overLines({ tokens, covers, revokedBefore }: Members): readonly (readonly [string, Piece])[] {
  const id = textOf(revokedBefore)
  if (id !== '')
    return [['ended', paint('yellow', `was revoked before, by ${id} (rescind receipts show ${id})`)]]
  const handle = textOf(membersOf(covers)['handle'])
  return tokens !== 0 || handle === ''
    ? []
    : [['ended', paint('yellow', `it is not live; rescind lookup ${handle} says why`)]]
}

/** `46 live tokens`, `at least 46 live tokens`. */
export function tokensText(preview: Members): string {
  const tokens = numberOf(preview['tokens'])
  return atLeast(preview, `${tokens} live token${tokens === 1 ? '' : 's'}`)
}

function atLeast(preview: Members, text: string | number): string {
  return preview['complete'] === false ? `at least ${text}` : String(text)
}

function namesText(preview: Members, noun: (typeof NOUNS)[number]): string {
  const count = numberOf(preview[`${noun}s`])
  const largest = membersOf(membersOf(preview['largest'])[noun])
  const name = textOf(largest['name'])
  if (name === '') return atLeast(preview, count)
  const which = count === 1 ? name : `the largest: ${name}, ${numberOf(largest['tokens'])} tokens`
  return `${atLeast(preview, count)} (${which})`
}

function credentialsText(count: number): string {
  return count === 1
    ? '1 API key or application credential ends with it'
    : `${count} API keys and application credentials end with it`
}

function notCountedText(what: string, { usedLast15Minutes }: Members): string {
  return `${what}; ${numberOf(usedLast15Minutes)} of them seen in the last 15 minutes`
}

/** `secondFactors` as `second factors`. */
function spaced(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
