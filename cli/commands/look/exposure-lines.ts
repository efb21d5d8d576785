import { type Line, type Piece, paint, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { listOf, type Members, membersOf, textOf } from '../../remote/members.ts'

const HEADS = ['token', 'accepted by', 'where', 'first', 'last', 'who says so']

/** Who accepted tokens, for people; and what cannot be told. */
export function exposureLines(exposure: Members): readonly Line[] {
  const rows = listOf(exposure['tokens']).flatMap((token) =>
    listOf(token['accepted']).map((one) => [nameOf(token), ...acceptorCells(one)]),
  )
  const more = exposure['truncated'] === true ? ['There are more tokens than are shown.'] : []
  return [
    paint('bold', 'Who accepted it (at least these)'),
    ...table(HEADS, rows, 'Nobody is known to have accepted it.'),
    ...more,
    ...missingLines(membersOf(exposure['missing'])),
  ]
}

function nameOf(token: Members): string {
  return textOf(token['handle']) || `${textOf(token['jti'])} of ${textOf(token['issuer'])}`
}

function acceptorCells(one: Members): readonly Piece[] {
  const { by, name, instances, claimed, first, last } = one
  const where = Array.isArray(instances) ? instances.map(textOf).join(', ') : ''
  return [
    textOf(name) === '' ? textOf(by) : `${textOf(by)} ${textOf(name)}`,
    where || '-',
    ...[first, last].map((at) => timeText(textOf(at))),
    claimed === true ? 'the verifier' : 'this server',
  ]
}

const WHY: Readonly<Record<string, string>> = {
  behind: 'has not reported yet',
  lapsed: 'has fallen silent',
  silent: 'has fallen silent',
  disconnected: 'is not connected',
  allowsStale: 'accepts tokens while it is stale',
  neverReports: 'never reports what it accepts',
}

const GAPS: Readonly<Record<string, string>> = {
  unwritten: 'acceptances of the last half minute by other nodes, or before a crash',
  collected: 'tokens that have ended and are not recorded any more',
  foreign: "registered issuers' tokens, which are recorded nowhere here",
  expired: 'acceptances of tokens that ended more than a week ago',
}

function missingLines(missing: Members): readonly Line[] {
  const dropped = listOf(missing['dropped']).map(droppedWords)
  const silent = listOf(missing['verifiers']).map((one) => {
    const why = Array.isArray(one['why']) ? one['why'].map(textOf) : [textOf(one['why'])]
    const words = why.map((word) => WHY[word] ?? word).join(', ')
    return `${textOf(one['verifier'])} ${textOf(one['label']) || textOf(one['instance'])}: it ${words}`
  })
  const gaps = (Array.isArray(missing['gaps']) ? missing['gaps'] : []).map(textOf)
  const told = [...dropped, ...silent, ...gaps.map((gap) => GAPS[gap] ?? gap)]
  return told.length === 0 ? [] : ['', 'Not known:', ...told.map((line) => `  ${line}`)]
}

function droppedWords({ by, name, count, since, until }: Members): string {
  const when = `${timeText(textOf(since))} to ${timeText(textOf(until))}`
  return `${textOf(count)} acceptances by ${textOf(by)} ${textOf(name)}, ${when}: too many to keep`
}
