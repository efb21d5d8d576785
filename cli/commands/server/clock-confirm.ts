import type { Call } from '../../frame/call.ts'
import { confirmed } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { timeText } from '../../frame/times.ts'
import { openClient } from '../../remote/client.ts'

/** @throws Refused, CommandFailed. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  const here = timeText(Date.now())
  const { origin } = client.target.url
  const plan = {
    lines: [`The clock of ${origin} would be taken for right. This machine says ${here}.`],
    json: { confirm: origin, here: new Date().toISOString() },
    question: `Is the clock of ${origin} right?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const { json } = await client.change('POST', '/clock/confirm', { isOfStore: true })
  const floor = typeof json === 'object' && json !== null && 'floor' in json ? String(json.floor) : ''
  io.result(json, () => [`The clock is confirmed. Whatever ended before ${timeText(floor)} may be dropped.`])
  return EXIT.done
}
