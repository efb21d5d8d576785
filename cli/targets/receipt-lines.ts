import { type Line, type Piece, paint, pairs, table } from '../frame/lines.ts'
import { timeText } from '../frame/times.ts'
import { coversWords } from '../remote/covers-words.ts'
import { listOf, type Members, membersOf, numberOf, textOf } from '../remote/members.ts'

/** A receipt as people read it. */
export function receiptLines(receipt: Members): readonly Line[] {
  const note = textOf(receipt['note'])
  const keepUntil = textOf(receipt['keepUntil'])
  return [
    [paint('green', 'Revoked'), ` ${coversWords(membersOf(receipt['covers']))}`],
    ...pairs([
      ['receipt', paint('bold', textOf(receipt['id']))],
      ['realm', textOf(receipt['realm'])],
      ['at', timeText(textOf(receipt['at']))],
      ['by', textOf(receipt['byName']) || textOf(receipt['by'])],
      ['reason', textOf(receipt['reason'])],
      ...(note === '' ? [] : [['note', note] as const]),
      ...(keepUntil === '' ? [] : [['kept until', timeText(keepUntil)] as const]),
      ...(receipt['acknowledged'] === undefined ? [] : [['nodes', nodesText(receipt)] as const]),
      ...(receipt['enforced'] === undefined ? [] : [['verifiers', verifiersText(receipt)] as const]),
    ]),
  ]
}

function nodesText({ acknowledged }: Members): Piece {
  return acknowledged === 'everywhere'
    ? 'every node refuses it'
    : paint('yellow', 'written; some nodes may not refuse it yet')
}

/** Who refuses what was revoked, and on whose word. */
function verifiersText(receipt: Members): Piece {
  const count = numberOf(receipt['instanceCount'])
  const behind = listOf(receipt['laggards']).length
  if (receipt['enforced'] !== true) return paint('red', `${behind} of ${count} may accept it still`)
  if (receipt['enforcedBy'] === 'none-known')
    return paint('yellow', 'none is known, so nobody but this server says that it is refused')
  const at = textOf(receipt['enforcedAt'])
  return paint('green', `${count} of ${count} refuse it${at === '' ? '' : `, since ${timeText(at)}`}`)
}

/** Verifiers by what they have done about a receipt. */
export function instanceTable(instances: readonly Members[]): readonly Line[] {
  return table(
    ['verifier', 'instance', 'label', 'state', 'after'],
    instances.map((one) => [
      textOf(one['verifier']),
      textOf(one['instance']),
      textOf(one['label']),
      stateText(one),
      afterText(one),
    ]),
    'no verifier is known that could have accepted it',
  )
}

/** What is neither applied nor lapsed may accept it. */
export function stateText({ state }: Members): Piece {
  if (state === 'applied') return paint('green', 'applied')
  return state === 'lapsed' ? paint('yellow', 'lapsed') : paint('red', 'behind')
}

function afterText({ afterMs, lapsedAt }: Members): string {
  if (typeof afterMs === 'number') return `${afterMs} ms`
  return typeof lapsedAt === 'string' ? 'refuses everything' : ''
}

/** One verifier in one line: for logs, and for whoever has no terminal. */
export function instanceLine(one: Members): Line {
  const label = textOf(one['label'])
  const after = afterText(one)
  return [
    `${textOf(one['verifier'])} ${textOf(one['instance'])}${label === '' ? '' : ` (${label})`} `,
    stateText(one),
    after === '' ? '' : `, ${after}`,
  ]
}
