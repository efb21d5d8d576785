import type { Call } from '../../frame/call.ts'
import type { ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { carryOut } from '../../targets/carry-out.ts'
import { waitMsIn } from '../../targets/follow.ts'
import { deadlineIn, holdOut } from '../../targets/hold-out.ts'
import { ruleBody, targetIn } from '../../targets/read.ts'

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const given = targetIn(call)
  const deadline = deadlineIn(call)
  refuseMixed(call)
  waitMsIn(call.text('wait'))
  const client = await openClient(call, io)
  const body = await ruleBody(given, io, client)
  return call.isOn('hold')
    ? holdOut({ call, io, client }, body, deadline)
    : carryOut({ call, io, client }, { path: '/revocations', body })
}

function refuseMixed(call: Call): void {
  const isHold = call.isOn('hold')
  const deadline = ['for', 'until', 'at-deadline'].find((flag) => call.text(flag) !== undefined)
  if (!isHold && deadline !== undefined)
    throw new WrongUse(
      `--${deadline} is of a hold`,
      'give --hold as well; to revoke at a later time: rescind schedule',
    )
  if (isHold && call.text('wait') !== undefined)
    throw new WrongUse('--wait is of a revocation', 'leave it out; a hold is in force once it is placed')
}
