import { type Members, textOf } from './members.ts'

const NAMES = ['subject', 'client', 'tenant'] as const

/**
 * What a rule covers, in words: the `covers` of a receipt or a hold, or the `target` of a row of the log.
 * @example `everything of subject ann in oauth`
 */
export function coversWords(covers: Members): string {
  const text = (name: string): string => textOf(covers[name])
  const { source } = covers
  const within = Array.isArray(source) ? source.map(textOf).join(', ') : textOf(source)
  const inSource = within === '' ? '' : ` in ${within}`
  switch (covers['kind']) {
    case 'token':
      return `token ${text('handle')}${inSource}`
    case 'foreignToken':
    case 'foreign':
      return `token ${text('jti')} of ${text('issuer')}`
    case 'grant':
    case 'session':
      return `${text('kind')} ${text(text('kind'))}${inSource}`
    case 'key':
      return `key ${text('key') || text('keyId')}`
    case 'principals':
      return `${principalsWords(covers)}${inSource}${beforeWords(text('issuedBefore'))}`
    default:
      return 'what this version cannot read'
  }
}

function principalsWords(covers: Members): string {
  const named = NAMES.filter((name) => textOf(covers[name]) !== '').map(
    (name) => `${name} ${textOf(covers[name])}`,
  )
  if (named.length > 0) return `everything of ${named.join(', ')}`
  return covers['shape'] === 'realm' ? 'everything in the realm' : 'everything'
}

function beforeWords(before: string): string {
  return before === '' ? '' : `, issued before ${before}`
}
