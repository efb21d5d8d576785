import type { Call } from '../frame/call.ts'
import { EXIT, type ExitCode } from '../frame/exit-codes.ts'
import type { Io } from '../frame/io.ts'
import { type Piece, table } from '../frame/lines.ts'
import { type ControlPath, openClient } from '../remote/client.ts'
import { type Members, membersOf } from '../remote/members.ts'

type List = {
  readonly path: ControlPath
  readonly member: string
  readonly heads: readonly string[]
  readonly row: (item: Members) => readonly Piece[]
  readonly none: string
}

/** Holds, schedules or approvals that wait, or under --ended those that do not any more; a realm has a few thousand at most. */
export async function tellPending(call: Call, io: Io, list: List): Promise<ExitCode> {
  const client = await openClient(call, io)
  const items: Members[] = []
  const query = { state: call.isOn('ended') ? 'ended' : 'open', limit: '500' }
  for await (const item of client.pages(list.path, list.member, { query })) items.push(membersOf(item))
  io.result({ [list.member]: items }, () => table(list.heads, items.map(list.row), list.none))
  return EXIT.done
}
