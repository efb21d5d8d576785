import type { Call } from '../../frame/call.ts'
import type { ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { deadlineIn, holdOut } from '../../targets/hold-out.ts'
import { ruleBody, targetIn } from '../../targets/read.ts'

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const given = targetIn(call)
  const deadline = deadlineIn(call)
  const client = await openClient(call, io)
  return holdOut({ call, io, client }, await ruleBody(given, io, client), deadline)
}
