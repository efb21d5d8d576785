import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { follow } from '../../frame/follow.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, type Piece, paint, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { notRescind } from '../../remote/answers.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { listOf, type Members, membersOf, textOf } from '../../remote/members.ts'
import { isFinal } from '../../remote/passing.ts'

const EVERY_MS = 1_000

/** `rescind verifiers`: who checks tokens here; on a terminal again and again until Ctrl-C. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  if (call.isOn('once') || !io.isOnTerminal) {
    const answer = await verifiersOf(client)
    io.result(answer, () => linesOf(answer))
    return EXIT.done
  }
  return followed(client, io)
}

function followed(client: Client, io: Io): Promise<ExitCode> {
  const live = io.liveResult()
  let lines: readonly Line[] = []
  const draw = (last: Line): void => live.draw([...lines, last])
  return follow(io, {
    everyMs: EVERY_MS,
    round: async () => {
      lines = linesOf(await verifiersOf(client))
      draw(paint('dim', `${client.target.url.origin}, ${timeText(Date.now())}. Ctrl-C ends it.`))
    },
    failed: ({ message }) => draw(paint('red', `${message}; trying again.`)),
    isFinal,
  })
}

/** @throws Refused; CommandFailed for an answer that does not list them. */
async function verifiersOf(client: Client): Promise<Members> {
  const answer = membersOf((await client.get('/verifiers')).json)
  if (!Array.isArray(answer['verifiers'])) throw notRescind(client.target.url)
  return answer
}

const HEADS = ['verifier', 'label', 'instance', 'state', 'behind', 'when stale', 'last contact']

function linesOf({ verifiers }: Members): readonly Line[] {
  const rows = listOf(verifiers).flatMap((verifier) => rowsOf(verifier))
  return table(HEADS, rows, 'No verifier is registered in this realm.')
}

function rowsOf(verifier: Members): readonly (readonly Piece[])[] {
  const name = `${textOf(verifier['name'])}${verifier['keys'] === 2 ? ' (2 keys)' : ''}`
  const instances = listOf(verifier['instances'])
  if (instances.length === 0) return [[name, '-', '-', paint('dim', 'never seen'), '-', '-', '-']]
  return instances.map((one) => [
    name,
    textOf(one['label']) || '-',
    textOf(one['instance']),
    stateOf(one),
    textOf(one['behind']) === '' ? '-' : `${textOf(one['behind'])} rows`,
    textOf(one['onStale']),
    timeText(textOf(one['lastContact'])),
  ])
}

/** A lapsed instance refuses everything by itself; one that is away and not lapsed may still accept. */
function stateOf({ connected, lapsed, behind }: Members): Piece {
  if (lapsed === true) return paint('yellow', 'lapsed')
  if (connected !== true) return paint('red', 'away')
  return behind === 0 ? paint('green', 'up to date') : paint('yellow', 'behind')
}
