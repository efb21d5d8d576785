import type { Call } from '../../frame/call.ts'
import { confirmed, isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { paint } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { recordOf } from '../../remote/answers.ts'
import { type Client, type ControlPath, openClient } from '../../remote/client.ts'
import { coversWords } from '../../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'
import { sent } from '../../targets/carry-out.ts'
import { waitMsIn } from '../../targets/follow.ts'
import { deadlineIn, holdLines, placerText } from '../../targets/hold-out.ts'
import { tellPending } from '../../targets/pending-table.ts'
import { receiptNow, tellReceipt } from '../../targets/tell-receipt.ts'

export function runList(call: Call, io: Io): Promise<ExitCode> {
  return tellPending(call, io, {
    path: '/holds',
    member: 'holds',
    heads: ['hold', 'holds', 'until', call.isOn('ended') ? 'state' : 'then', 'by', 'reason'],
    row: (hold) => [
      textOf(hold['id']),
      coversWords(membersOf(hold['covers'])),
      timeText(textOf(hold['until'])),
      textOf(hold[call.isOn('ended') ? 'state' : 'atDeadline']),
      placerText(hold),
      textOf(hold['reason']),
    ],
    none: call.isOn('ended') ? 'no hold has ended' : 'no hold is in force',
  })
}

export async function runShow(call: Call, io: Io): Promise<ExitCode> {
  const hold = await holdNow(await openClient(call, io), call)
  io.result(hold, () => holdLines(hold))
  return EXIT.done
}

export async function runExtend(call: Call, io: Io): Promise<ExitCode> {
  const deadline = deadlineIn(call)
  if (deadline === undefined) throw new WrongUse('a new deadline is missing', 'give --for or --until')
  const client = await openClient(call, io)
  const hold = await holdNow(client, call)
  const lines = ['The deadline of this hold would be put off:', ...holdLines(hold)]
  if (isDryRun(call, io, { lines, json: hold })) return EXIT.done
  const json = { ...deadline, ...reasonOf(call) }
  const after = membersOf((await client.change('POST', pathOf(call, '/extend'), { json })).json)
  io.result(after, () => holdLines(after))
  return EXIT.done
}

export async function runRevoke(call: Call, io: Io): Promise<ExitCode> {
  const waitMs = waitMsIn(call.text('wait'))
  const client = await openClient(call, io)
  const hold = await holdNow(client, call)
  const covers = coversWords(membersOf(hold['covers']))
  const plan = { lines: holdLines(hold), json: hold, question: `End ${covers} for good?` }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const change = client.change('POST', pathOf(call, '/revoke'), { json: reasonOf(call) })
  const after = recordOf((await sent(io, change)).json, client.target.url)
  const revocation = textOf(after['revocation'])
  if (revocation === '') {
    // Long ago: its receipt is no longer kept.
    io.result(after, () => holdLines(after))
    return EXIT.done
  }
  return tellReceipt({ io, client }, { receipt: await receiptNow({ client }, revocation), waitMs })
}

export async function runRelease(call: Call, io: Io): Promise<ExitCode> {
  const isElsewhere = call.isOn('not-here')
  if (isElsewhere && call.text('reason') === undefined)
    throw new WrongUse('--not-here needs --reason', 'say why: --reason "lost by the restore"')
  const client = await openClient(call, io)
  const found = await client.get(pathOf(call), { accept: isElsewhere ? [404] : [] })
  const isKnown = found.status !== 404
  const hold: Members = isKnown ? membersOf(found.json) : { id: call.positional(0) }
  const what = isKnown ? coversWords(membersOf(hold['covers'])) : 'what it holds'
  const plan = {
    lines: isKnown ? holdLines(hold) : [NOT_HERE],
    json: hold,
    question: `Lift the hold, so that ${what} is accepted again?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const json = { ...reasonOf(call), ...(isElsewhere ? { notHere: true } : {}) }
  const answer = await client.change('POST', pathOf(call, '/release'), { json })
  const after =
    answer.status === 204 ? { ...hold, state: 'released' } : recordOf(answer.json, client.target.url)
  io.result(after, () =>
    answer.status === 204
      ? [[paint('green', 'Lifted'), ' at every verifier that is connected now; this server did not know it']]
      : [
          [paint('green', 'Lifted'), `: ${what} is accepted again, unless something else covers it`],
          ...holdLines(after),
        ],
  )
  return EXIT.done
}

const NOT_HERE = 'This server does not know the hold. Verifiers that still do would lift it.'

async function holdNow(client: Client, call: Call): Promise<Members> {
  return recordOf((await client.get(pathOf(call))).json, client.target.url)
}

function pathOf(call: Call, verb = ''): ControlPath {
  return `/holds/${encodeURIComponent(call.positional(0) ?? '')}${verb}`
}

function reasonOf(call: Call): { readonly reason?: string } {
  const reason = call.text('reason')
  return reason === undefined ? {} : { reason }
}
