import type { Call } from '../../frame/call.ts'
import type { ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { COUNTS_AS_SEEN, hasTokenForm } from '../../frame/token-text.ts'
import { openClient } from '../../remote/client.ts'
import { carryOut } from '../../targets/carry-out.ts'
import { waitMsIn } from '../../targets/follow.ts'

export async function runUser(call: Call, io: Io): Promise<ExitCode> {
  refuseTokens(call)
  const hasPassword = call.isOn('password')
  if (call.isOn('second-factors') && !hasPassword)
    throw new WrongUse(
      '--second-factors alone would leave the password, which then lets in by itself',
      'give --password as well',
    )
  const body = {
    ...(hasPassword ? { password: true } : {}),
    ...(call.isOn('second-factors') ? { secondFactors: true } : {}),
  }
  const client = await openClient(call, io)
  return carryOut({ call, io, client }, { path: `/identity-users/${idAt(call, 0)}/end`, body })
}

export async function runChatClient(call: Call, io: Io): Promise<ExitCode> {
  refuseTokens(call)
  const client = await openClient(call, io)
  const path = `/chat-apps/${idAt(call, 0)}/clients/${idAt(call, 1)}/end` as const
  return carryOut({ call, io, client }, { path, body: {} })
}

/** Before anything is sent. */
function refuseTokens(call: Call): void {
  waitMsIn(call.text('wait'))
  if (call.positionals.some(hasTokenForm))
    throw new WrongUse(
      'this has the form of a token, and is no id; give it by: rescind revoke -',
      COUNTS_AS_SEEN,
    )
}

function idAt(call: Call, at: number): string {
  return encodeURIComponent(call.positional(at) ?? '')
}
