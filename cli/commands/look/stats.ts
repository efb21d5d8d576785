import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { follow } from '../../frame/follow.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, paint } from '../../frame/lines.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { streamEvents } from '../../remote/events.ts'
import { type Members, membersOf } from '../../remote/members.ts'
import { isFinal } from '../../remote/passing.ts'
import { statsLines } from './stats-lines.ts'

const EVERY_MS = 1_000

/** `rescind stats [--live]`: the numbers of a realm, and of the node that answers. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  if (call.isOn('live')) return followed(client, io)
  const { json } = await client.get('/stats')
  io.result(json, () => statsLines(membersOf(json)))
  return EXIT.done
}

/** On a terminal the numbers are drawn in place; elsewhere they follow each other. */
function followed(client: Client, io: Io): Promise<ExitCode> {
  const live = io.isOnTerminal ? io.liveResult() : undefined
  let lines: readonly Line[] = []
  const show = (stats: Members): void => {
    lines = statsLines(stats)
    if (live === undefined) io.item(stats, () => [...lines, ''])
    else live.draw([...lines, paint('dim', `${client.target.url.origin}. Ctrl-C ends it.`)])
  }
  return follow(io, {
    everyMs: EVERY_MS,
    round: async () => {
      const response = await client.stream('GET', '/stats/events')
      for await (const { event, data } of streamEvents(response, client.target.url))
        if (event === 'stats') show(membersOf(JSON.parse(data)))
    },
    failed: ({ message }) => {
      if (live === undefined) io.note(`${message}; trying again.`)
      else live.draw([...lines, paint('red', `${message}; trying again.`)])
    },
    isFinal,
  })
}
