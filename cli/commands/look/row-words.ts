import { type Line, paint } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { coversWords } from '../../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'

/** A row of an export as the list of the audit gives it, without the bytes that its chain covers. */
export function rowJson({ seq, at, kind, rule, who }: Members): object {
  return { seq, at, kind, rule, ...(who === undefined ? {} : { audit: who }) }
}

/** A row of the log as one line: when, what, who and why. */
export function rowLine(row: Members): Line {
  const who = membersOf(row['who'])
  const [by, owner] = [textOf(who['byName']) || textOf(who['by']), textOf(who['byOwner'])]
  const from = textOf(who['from'])
  const author = by === '' ? '' : ` by ${by}${owner === '' ? '' : ` (${owner})`}`
  const why = textOf(who['why'])
  return [
    paint('dim', timeText(textOf(row['at']))),
    `  ${textOf(row['seq'])}  `,
    actOf(row, textOf(who['how'])),
    author,
    from === '' ? '' : paint('dim', ` from ${from}`),
    why === '' ? '' : `: ${why}`,
  ]
}

function actOf({ kind, rule }: Members, how: string): ReturnType<typeof paint> {
  const of = membersOf(rule)
  switch (kind) {
    case 'revoke':
      return paint('red', `revoked ${coversWords(membersOf(of['target']))}`)
    case 'hold':
      return paint('yellow', `held ${coversWords(membersOf(of['target']))} (${textOf(of['id'])})`)
    case 'release':
      return paint('green', `released ${textOf(of['id'])}`)
    case 'change':
      return paint('cyan', changeWords(of, how))
    case 'epoch':
      return paint('red', `began epoch ${textOf(of['ordinal'])}`)
    default:
      return paint('yellow', `wrote a row that this version cannot read (${textOf(kind)})`)
  }
}

function changeWords(rule: Members, how: string): string {
  const version = textOf(rule['version'])
  const call = how === '' ? '' : `, ${how}`
  return `changed ${textOf(rule['collection'])} ${textOf(rule['id'])} (version ${version}${call})`
}
