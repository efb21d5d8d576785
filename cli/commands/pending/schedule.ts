import type { Call } from '../../frame/call.ts'
import { confirmed } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, paint, pairs } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { recordOf } from '../../remote/answers.ts'
import { type Client, type ControlPath, openClient } from '../../remote/client.ts'
import { coversWords } from '../../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'
import { sent } from '../../targets/carry-out.ts'
import { instantIn } from '../../targets/instants.ts'
import { answerAbout } from '../../targets/pasted.ts'
import { tellPending } from '../../targets/pending-table.ts'
import { previewLines } from '../../targets/preview-lines.ts'
import { ruleBody, targetIn, whyOf } from '../../targets/read.ts'
import { programIn } from '../../targets/ready-line.ts'

const PATH: ControlPath = '/revocations/scheduled'

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const given = targetIn(call)
  const text = call.text('at')
  if (text === undefined) throw new WrongUse('--at is missing', 'say when; to revoke now: rescind revoke')
  const at = instantIn('at', text)
  const client = await openClient(call, io)
  const rule = await ruleBody(given, io, client)
  const json = { ...rule, reason: 'preview', dryRun: true }
  const preview = await answerAbout(rule.target, io, client.ask('/revocations', json))
  const lines = previewLines(`At ${timeText(at)} this would end, as of now,`, preview)
  if (!call.isOn('dry-run')) for (const line of lines) io.note(line)
  const why = await whyOf(call, io)
  const covers = coversWords(membersOf(preview['covers']))
  const plan = {
    lines: call.isOn('dry-run') ? lines : [],
    json: { ...preview, at },
    question: `Revoke ${covers} at ${timeText(at)}?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const answer = await sent(io, client.change('POST', PATH, { json: { ...rule, ...why, at } }))
  const schedule = recordOf(answer.json, client.target.url)
  const cancel = `${programIn(io.environment)} schedule cancel ${textOf(schedule['id'])}`
  io.result(schedule, () => [
    [paint('green', 'Scheduled'), `: nothing has ended yet`],
    ...scheduleLines(schedule),
    ['to cancel it: ', paint('bold', cancel)],
  ])
  return EXIT.done
}

export function runList(call: Call, io: Io): Promise<ExitCode> {
  const isEnded = call.isOn('ended')
  return tellPending(call, io, {
    path: PATH,
    member: 'schedules',
    heads: ['schedule', 'revokes', 'at', 'state', 'by', 'reason'],
    row: (one) => [
      textOf(one['id']),
      coversWords(membersOf(one['covers'])),
      timeText(textOf(one['at'])),
      textOf(one['state']),
      textOf(one['by']),
      textOf(one['reason']),
    ],
    none: isEnded ? 'nothing was scheduled and has ended' : 'nothing is scheduled',
  })
}

export async function runShow(call: Call, io: Io): Promise<ExitCode> {
  const schedule = await scheduleNow(await openClient(call, io), call)
  io.result(schedule, () => scheduleLines(schedule))
  return EXIT.done
}

export async function runCancel(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  const schedule = await scheduleNow(client, call)
  const covers = coversWords(membersOf(schedule['covers']))
  const plan = { lines: scheduleLines(schedule), json: schedule, question: `Do not revoke ${covers}?` }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const after = membersOf((await sent(io, client.change('DELETE', pathOf(call)))).json)
  io.result(after, () => ['Cancelled: nothing will end', ...scheduleLines(after)])
  return EXIT.done
}

async function scheduleNow(client: Client, call: Call): Promise<Members> {
  return membersOf((await client.get(pathOf(call))).json)
}

function pathOf(call: Call): ControlPath {
  return `${PATH}/${encodeURIComponent(call.positional(0) ?? '')}`
}

function scheduleLines(schedule: Members): readonly Line[] {
  const ended = textOf(schedule['endedAt'])
  const revocation = textOf(schedule['revocation'])
  return pairs([
    ['schedule', paint('bold', textOf(schedule['id']))],
    ['state', textOf(schedule['state'])],
    ['revokes', coversWords(membersOf(schedule['covers']))],
    ['at', timeText(textOf(schedule['at']))],
    ['reason', textOf(schedule['reason'])],
    ['by', textOf(schedule['by'])],
    ...(ended === '' ? [] : [['ended', `${timeText(ended)} by ${textOf(schedule['endedBy'])}`] as const]),
    ...(revocation === '' ? [] : [['receipt', revocation] as const]),
  ])
}
