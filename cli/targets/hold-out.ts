import type { Call } from '../frame/call.ts'
import { confirmed } from '../frame/confirm.ts'
import { EXIT, type ExitCode } from '../frame/exit-codes.ts'
import { WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { type Line, paint, pairs } from '../frame/lines.ts'
import { timeText } from '../frame/times.ts'
import { recordOf } from '../remote/answers.ts'
import { coversWords } from '../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../remote/members.ts'
import { type Doing, sent } from './carry-out.ts'
import { instantIn, secondsIn } from './instants.ts'
import { answerAbout } from './pasted.ts'
import { previewLines, tokensText } from './preview-lines.ts'
import { type RuleBody, whyOf } from './read.ts'
import { programIn } from './ready-line.ts'

/** How long a hold lasts unless it is said. */
const HOLD_SECONDS = 3_600

type Deadline = { readonly seconds: number } | { readonly until: string }

/** The deadline of `--for` or `--until`; undefined when neither is given. @throws WrongUse. */
export function deadlineIn(call: Call): Deadline | undefined {
  const [length, until] = [call.text('for'), call.text('until')]
  if (length !== undefined && until !== undefined)
    throw new WrongUse('--for and --until are two deadlines', 'give one of them')
  if (length !== undefined) return { seconds: secondsIn('for', length) }
  return until === undefined ? undefined : { until: instantIn('until', until) }
}

/** Shows what would be held, asks, and places the hold. */
export async function holdOut(
  { call, io, client }: Doing,
  rule: RuleBody,
  deadline: Deadline = { seconds: HOLD_SECONDS },
): Promise<ExitCode> {
  const atDeadline = call.text('at-deadline') ?? 'release'
  const body = { ...rule, ...deadline, atDeadline }
  const json = { ...body, reason: 'preview', dryRun: true }
  const preview = await answerAbout(rule.target, io, client.ask('/holds', json))
  if (!call.isOn('dry-run')) for (const line of previewLines('This holds', preview)) io.note(line)
  const why = await whyOf(call, io)
  const plan = {
    lines: call.isOn('dry-run') ? previewLines('This would hold', preview) : [],
    json: preview,
    question: `Hold ${coversWords(membersOf(preview['covers']))} (${tokensText(preview)})?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const answer = await sent(io, client.change('POST', '/holds', { json: { ...body, ...why } }))
  const hold = recordOf(answer.json, client.target.url)
  io.result(hold, () => [
    [paint('green', 'Held'), ` ${coversWords(membersOf(hold['covers']))}: refused everywhere from now on`],
    ...holdLines(hold),
    ...nextLines(io, hold),
  ])
  return EXIT.done
}

/** One hold. */
export function holdLines(hold: Members): readonly Line[] {
  const ended = textOf(hold['endedAt'])
  const revocation = textOf(hold['revocation'])
  return pairs([
    ['hold', paint('bold', textOf(hold['id']))],
    ['state', textOf(hold['state'])],
    ['holds', coversWords(membersOf(hold['covers']))],
    ['reason', textOf(hold['reason'])],
    ['by', placerText(hold)],
    ['placed at', timeText(textOf(hold['placedAt']))],
    ['until', `${timeText(textOf(hold['until']))}, then ${textOf(hold['atDeadline'])}`],
    ...(ended === '' ? [] : [['ended', `${timeText(ended)} by ${textOf(hold['endedBy'])}`] as const]),
    ...(revocation === '' ? [] : [['receipt', revocation] as const]),
  ])
}

/** The name of the key that placed it; of an older server, its id. */
export function placerText({ by, byName }: Members): string {
  return textOf(byName) || textOf(by)
}

function nextLines({ environment }: Io, hold: Members): readonly Line[] {
  const program = programIn(environment)
  const id = textOf(hold['id'])
  return [
    '',
    ['to end it for good:  ', paint('bold', `${program} hold revoke ${id}`)],
    ['to lift it:          ', paint('bold', `${program} release ${id}`)],
    ['to hold it longer:   ', paint('bold', `${program} hold extend ${id} --for 7d`)],
  ]
}
