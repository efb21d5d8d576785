import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, paint, pairs, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { openClient } from '../../remote/client.ts'
import { coversWords } from '../../remote/covers-words.ts'
import { printListing } from '../../remote/listing.ts'
import { listOf, type Members, membersOf, textOf } from '../../remote/members.ts'
import { pastIn } from '../../targets/instants.ts'
import { stateText } from '../../targets/receipt-lines.ts'
import { exposureLines } from './exposure-lines.ts'
import { wholeExposure } from './whole-exposure.ts'

const FILTERS = [
  ...['source', 'subject', 'client', 'tenant', 'grant', 'session', 'handle', 'issuer', 'jti'],
  ...['by', 'reason', 'cause'],
] as const

/** `rescind receipts`: revocations, newest first. */
export async function runList(call: Call, io: Io): Promise<ExitCode> {
  const times = { since: pastIn(call, 'since'), until: pastIn(call, 'until') }
  const client = await openClient(call, io)
  await printListing(call, io, {
    client,
    ...{ path: '/revocations', member: 'revocations' },
    query: { ...Object.fromEntries(FILTERS.map((name) => [name, call.text(name)])), ...times },
    heads: ['receipt', 'at', 'covers', 'by', 'reason'],
    row: (one) => [
      textOf(one['id']),
      timeText(textOf(one['at'])),
      coversWords(membersOf(one['covers'])),
      whoOf(one),
      textOf(one['reason']) || '-',
    ],
    none: 'No such receipts.',
  })
  return EXIT.done
}

/** `rescind receipts show ID`: one receipt, which verifiers have applied it, and who accepted what it covers. */
export async function runShow(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  const path = `/revocations/${encodeURIComponent(call.positional(0) ?? '')}` as const
  const receipt = membersOf((await client.get(path)).json)
  // Servers before this command do not know it.
  const exposure = await wholeExposure(client, `${path}/exposure`, { accept: [404] })
  const isKnown = Object.keys(exposure).length > 0
  io.result({ ...receipt, ...(isKnown ? { exposure } : {}) }, () => [
    ...receiptLines(receipt),
    ...instanceLines(receipt),
    ...(isKnown ? ['', ...exposureLines(exposure)] : []),
  ])
  return EXIT.done
}

function receiptLines(receipt: Members): readonly Line[] {
  const text = (name: string): string => textOf(receipt[name])
  const cause = Object.values(membersOf(receipt['cause'])).map(textOf).join(' ')
  const rows: readonly (readonly [string, string])[] = [
    ['receipt', text('id')],
    ['realm', text('realm')],
    ['at', timeText(text('at'))],
    ['covers', coversWords(membersOf(receipt['covers']))],
    ['by', whoOf(receipt)],
    ['from', text('from')],
    ['how', text('how')],
    ['reason', text('reason')],
    ['note', text('note')],
    ['cause', cause],
    ['kept until', text('keepUntil') === '' ? 'for good' : timeText(text('keepUntil'))],
  ]
  return pairs(rows.filter(([, value]) => value !== ''))
}

/** The name of the key, and the person that it belongs to. */
function whoOf(receipt: Members): string {
  const name = textOf(receipt['byName']) || textOf(receipt['by'])
  const owner = textOf(receipt['byOwner'])
  return owner === '' ? name : `${name} (${owner})`
}

function instanceLines(receipt: Members): readonly Line[] {
  const instances = listOf(receipt['instances'])
  const rows = instances.map((one) => [
    textOf(one['verifier']),
    textOf(one['label']) || '-',
    textOf(one['instance']),
    stateText(one),
    timeOf(one),
  ])
  const list =
    rows.length === 0 ? [] : ['', ...table(['verifier', 'label', 'instance', 'state', 'when'], rows)]
  return ['', enforcedWords(receipt), ...list]
}

function timeOf(one: Members): string {
  const at = textOf(one['appliedAt']) || textOf(one['lapsedAt'])
  const after = textOf(one['afterMs'])
  return at === '' ? '-' : `${timeText(at)}${after === '' ? '' : `, after ${after} ms`}`
}

function enforcedWords(receipt: Members): Line {
  if (receipt['enforced'] !== true)
    return paint('red', 'Not enforced everywhere: the instances that are behind may still accept it.')
  if (receipt['enforcedBy'] !== 'instances')
    return paint('yellow', 'No verifier is known: this server refuses it, and nobody else has said so.')
  const at = textOf(receipt['enforcedAt'])
  return paint('green', `Enforced by every known instance${at === '' ? '' : ` since ${timeText(at)}`}.`)
}
