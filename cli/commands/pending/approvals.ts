import type { Call } from '../../frame/call.ts'
import { confirmed } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { paint } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { recordOf } from '../../remote/answers.ts'
import { type Client, type ControlPath, openClient } from '../../remote/client.ts'
import { type Members, textOf } from '../../remote/members.ts'
import { actText, approvalLines, askerText } from '../../targets/approval-lines.ts'
import { sent } from '../../targets/carry-out.ts'
import { waitMsIn } from '../../targets/follow.ts'
import { tellPending } from '../../targets/pending-table.ts'
import { receiptNow, tellReceipt } from '../../targets/tell-receipt.ts'

export function runList(call: Call, io: Io): Promise<ExitCode> {
  const isEnded = call.isOn('ended')
  return tellPending(call, io, {
    path: '/approvals',
    member: 'approvals',
    heads: ['approval', 'asks for', 'reason', 'asked by', isEnded ? 'state' : 'expires at'],
    row: (one) => [
      textOf(one['id']),
      actText(one),
      textOf(one['reason']),
      askerText(one),
      isEnded ? textOf(one['state']) : timeText(textOf(one['expiresAt'])),
    ],
    none: isEnded ? 'no request has ended' : 'nothing waits for approval',
  })
}

export async function runShow(call: Call, io: Io): Promise<ExitCode> {
  const approval = await approvalNow(await openClient(call, io), call)
  io.result(approval, () => approvalLines(approval))
  return EXIT.done
}

export async function runApprove(call: Call, io: Io): Promise<ExitCode> {
  const waitMs = waitMsIn(call.text('wait'))
  const client = await openClient(call, io)
  const after = await ended(call, io, { client, verb: 'approve', question: 'Agree, and' })
  if (after === undefined) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const revocation = textOf(after['revocation'])
  if (revocation === '') {
    io.result(after, () => [[paint('green', 'Approved'), ': it is done'], ...approvalLines(after)])
    return EXIT.done
  }
  return tellReceipt({ io, client }, { receipt: await receiptNow({ client }, revocation), waitMs })
}

export async function runDeny(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  const after = await ended(call, io, { client, verb: 'deny', question: 'Do not' })
  if (after === undefined) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  io.result(after, () => ['Denied: nothing has ended', ...approvalLines(after)])
  return EXIT.done
}

type Ending = { readonly client: Client; readonly verb: 'approve' | 'deny'; readonly question: string }

/** Shows the request, asks, and answers it. @returns undefined when the answer was no. */
async function ended(call: Call, io: Io, { client, verb, question }: Ending): Promise<Members | undefined> {
  const approval = await approvalNow(client, call)
  const lines = approvalLines(approval)
  const plan = { lines, json: approval, question: `${question} ${actText(approval)}?` }
  if (!(await confirmed(call, io, plan))) return undefined
  const reason = call.text('reason')
  const json = reason === undefined ? {} : { reason }
  const answer = await sent(io, client.change('POST', pathOf(call, `/${verb}`), { json }))
  return recordOf(answer.json, client.target.url)
}

async function approvalNow(client: Client, call: Call): Promise<Members> {
  return recordOf((await client.get(pathOf(call))).json, client.target.url)
}

function pathOf(call: Call, verb = ''): ControlPath {
  return `/approvals/${encodeURIComponent(call.positional(0) ?? '')}${verb}`
}
