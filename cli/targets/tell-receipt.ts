import { EXIT, type ExitCode } from '../frame/exit-codes.ts'
import { CommandFailed } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { type Line, type Piece, paint } from '../frame/lines.ts'
import { recordOf } from '../remote/answers.ts'
import type { Client, ControlPath } from '../remote/client.ts'
import { listOf, type Members, textOf } from '../remote/members.ts'
import { type Followed, followReceipt } from './follow.ts'
import { tokensText } from './preview-lines.ts'
import { programIn, realmWords } from './ready-line.ts'
import { instanceLine, instanceTable, receiptLines } from './receipt-lines.ts'

type Telling = { readonly io: Io; readonly client: Client }

export type Done = {
  readonly receipt: Members
  /** What was shown before; absent when there was no preview. */
  readonly preview?: Members
  /** How long to wait for the verifiers. */
  readonly waitMs: number | undefined
}

/** Tells what was revoked, after waiting for the verifiers if that is asked for. */
export async function tellReceipt(telling: Telling, done: Done): Promise<ExitCode> {
  const { io } = telling
  const { receipt, preview, waitMs } = done
  const counted: readonly Line[] = preview === undefined ? [] : [`${tokensText(preview)} ended with it`]
  if (waitMs === undefined) {
    const isKnown = receipt['enforced'] !== undefined
    io.result(receipt, () => [
      ...receiptLines(receipt),
      ...counted,
      ...(isKnown ? [] : ['This server refuses it from now on. Verifiers hear of it within moments.']),
    ])
    noteNext(telling, receipt)
    return EXIT.done
  }
  const id = textOf(receipt['id'])
  const followed = await followReceipt(telling, id, waitMs)
  const now = followed.end === 'interrupted' ? receipt : await receiptNow(telling, id)
  io.result(now, () => [...receiptLines(now), ...counted, ...endLines(now, followed)])
  noteNext(telling, now)
  switch (followed.end) {
    case 'enforced':
      return EXIT.done
    case 'interrupted':
      return EXIT.interrupted
    default:
      return now['enforced'] === true ? EXIT.done : EXIT.unenforced
  }
}

/** Where to look later, and what to hand to others. */
function noteNext({ io, client }: Telling, receipt: Members): void {
  const id = textOf(receipt['id'])
  const realm = realmWords(textOf(receipt['realm']), client.target.realm)
  const command = (...words: readonly string[]): Piece =>
    paint('bold', [programIn(io.environment), ...words, ...realm].join(' '))
  io.note(['who refuses it, who accepted it:  ', command('receipts', 'show', id)])
  io.note(['a signed proof for others:        ', command('evidence', id, '--out', `${id}.ndjson`)])
}

/** The receipt as it is now. @throws CommandFailed which says first that it is revoked. */
export async function receiptNow({ client }: Pick<Telling, 'client'>, id: string): Promise<Members> {
  const path: ControlPath = `/revocations/${encodeURIComponent(id)}`
  try {
    return recordOf((await client.get(path)).json, client.target.url)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new CommandFailed(
      `it is revoked (receipt ${id}), but who refuses it is unknown: ${error.message}`,
      {
        exit: EXIT.unenforced,
        next: `see later: rescind receipts show ${id}`,
      },
    )
  }
}

function endLines(receipt: Members, { end, why }: Followed): readonly Line[] {
  const instances = listOf(receipt['instances'])
  if (end === 'interrupted')
    return [paint('yellow', 'It is revoked. Only the waiting for the verifiers was broken off.')]
  if (receipt['enforced'] === true) return instances.length === 0 ? [] : ['', ...instanceTable(instances)]
  const laggards = listOf(receipt['laggards'])
  return [
    '',
    paint(
      'red',
      why === undefined
        ? 'Not enforced everywhere in time. These may accept it still:'
        : `Not known: ${why}.`,
    ),
    ...laggards.map((one): Line => ['  ', ...[instanceLine(one)].flat()]),
    'Each refuses everything once it has heard nothing for longer than its bound (unless it allows stale tokens).',
    'Restart those that stay behind, or cut them off; `rescind doctor` and docs/run/troubleshooting.md help to find out why.',
  ]
}
