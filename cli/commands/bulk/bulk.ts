import { resolve } from 'node:path'
import type { Call } from '../../frame/call.ts'
import { confirmed } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { CommandFailed, WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import type { Line } from '../../frame/lines.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { Refused } from '../../remote/problems.ts'
import { programIn } from '../../targets/ready-line.ts'
import type { Saved } from '../audit/save-evidence.ts'
import { countLines, grouped, isAnythingLeft } from './counts.ts'
import { type BulkInput, openInput } from './input.ts'
import { Progress } from './progress.ts'
import { receiptsOf } from './receipts-of.ts'
import { Draft, discardDraft, draftOf, refuseExisting } from './report.ts'
import { changed, type Finished, Session } from './session.ts'
import { BulkStates, hashOf, type Kept, newKept } from './state.ts'

/** `rescind bulk FILE|-`: revokes every token that a list holds; goes on after any interruption. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const asked = askedFor(call)
  const client = await openClient(call, io)
  const input = await openInput(call.positional(0) ?? '-', io)
  const { url, realm } = client.target
  const states = new BulkStates(io.environment, { url: url.href, realm, dryRun: asked.dryRun })
  states.prune()
  const lock = states.lock({ inputHash: input.hash })
  try {
    return await runLocked(call, io, { asked, client, input, states })
  } finally {
    lock.release()
  }
}

type Run = {
  readonly asked: Asked
  readonly client: Client
  readonly input: BulkInput
  readonly states: BulkStates
}

async function runLocked(call: Call, io: Io, { asked, client, input, states }: Run): Promise<ExitCode> {
  const found = foundIn(states, { call, input, question: asked.question })
  if (!asked.dryRun && !(await confirmed(call, io, planOf({ client, input, found }, asked))))
    return EXIT.failed
  const { kept, draft } = begin(found ?? newKept(input, asked.question), asked)
  const progress = new Progress({ io, linesAll: input.size?.lines, nowMs: () => performance.now() })
  const session = new Session(
    { io, client, input, states, draft, progress, query: asked.query, isAgain: found !== undefined },
    kept,
  )
  session.keep()
  if (found !== undefined) io.note(`Going on after line ${grouped(kept.line)} of the interrupted call.`)
  try {
    const finished = await session.run()
    progress.clear()
    if (finished === undefined) return stopped(io, session, asked)
    return await told(io, finished, { asked, client, draft, states, input })
  } catch (error) {
    // Refused before anything was done: there is nothing to go on with.
    if (found === undefined && !session.hasBegun && error instanceof Refused) {
      states.remove(kept)
      draft?.discard()
    }
    throw error
  } finally {
    progress.clear()
    draft?.close()
  }
}

type Asked = {
  readonly dryRun: boolean
  readonly reason: string | undefined
  readonly query: Readonly<Record<string, string | undefined>>
  /** Hashes what is asked, without the list. */
  readonly question: string
  readonly report: string | undefined
  readonly format: string
}

function askedFor(call: Call): Asked {
  const dryRun = call.isOn('dry-run')
  const [reason, note, report] = [call.text('reason'), call.text('note'), call.text('report')]
  if (!dryRun && reason === undefined)
    throw new WrongUse('--reason is missing', 'say why, for the log; or give --dry-run to see what would end')
  const format = call.text('format') ?? (report?.endsWith('.csv') === true ? 'csv' : 'ndjson')
  if (format === 'evidence' && dryRun)
    throw new WrongUse('--format evidence is about what was revoked', 'leave out --dry-run')
  if (report === undefined && call.text('format') !== undefined)
    throw new WrongUse('--format is about a report', 'name its file by --report')
  return {
    ...{ dryRun, reason, format, report: report === undefined ? undefined : resolve(report) },
    query: { dryRun: String(dryRun), reason, note },
    question: hashOf([dryRun, reason ?? null, note ?? null]),
  }
}

type Finding = { readonly call: Call; readonly input: BulkInput; readonly question: string }

/** The interrupted call that this one goes on with. @throws CommandFailed when something else is given than then. */
function foundIn(states: BulkStates, { call, input, question }: Finding): Kept | undefined {
  const kept = states.find(input)
  const other = states.findChanged(input)
  if (call.isOn('restart')) {
    if (other !== undefined) {
      const lock = states.lock(other)
      forget(states, other)
      lock.release()
    }
    if (kept !== undefined) forget(states, kept)
    return undefined
  }
  if (other !== undefined) throw changed(other.line)
  if (kept !== undefined && kept.question !== question)
    throw new CommandFailed('an interrupted call with this list was asked for something else', {
      next: 'repeat it with its --reason, --note and --dry-run; or give --restart, which begins a new call',
    })
  return kept
}

function forget(states: BulkStates, kept: Kept): void {
  states.remove(kept)
  if (kept.report !== undefined) discardDraft(kept.report.path)
}

type Planned = {
  readonly client: Client
  readonly input: BulkInput
  readonly found: Kept | undefined
}

function planOf(
  { client, input, found }: Planned,
  { reason }: Asked,
): { readonly lines: readonly Line[]; readonly json: object; readonly question: string } {
  const { size, name } = input
  const what = name === '-' ? 'standard input' : name
  const length = size === undefined ? '' : ` (${grouped(size.lines)} lines, ${grouped(size.bytes)} bytes)`
  const { realm = 'default', url } = client.target
  const going = found === undefined ? [] : [`It goes on after line ${grouped(found.line)}.`]
  return {
    lines: [
      `Every token of realm ${realm} at ${url.origin} that stands in ${what}${length} ends.`,
      `Reason: ${reason ?? ''}`,
      ...going,
      'To see which, answer no and give --dry-run.',
    ],
    json: { input: name, ...size },
    question: 'End them?',
  }
}

type Begun = { readonly kept: Kept; readonly draft: Draft | undefined }

/** Opens the report. One that is asked for only now, or whose draft is lost, gets all lines from the first on. */
function begin(kept: Kept, { report, format }: Asked): Begun {
  if (report !== undefined && format === 'evidence') refuseExisting(report)
  if (report === undefined || format === 'evidence')
    return { kept: { ...kept, report: undefined }, draft: undefined }
  const goesOn = kept.report?.path === report ? Draft.goOn(kept.report) : undefined
  if (goesOn !== undefined) return { kept, draft: goesOn }
  // Its own, and shorter than it was: the machine went down before it was on disk.
  if (kept.report?.path === report) discardDraft(report)
  return { kept: { ...kept, line: 0 }, draft: Draft.begin(report) }
}

function stopped(io: Io, session: Session, { report, format }: Asked): ExitCode {
  session.keep()
  io.note(`Stopped. The first ${grouped(session.line)} lines are done, and what was revoked stays revoked.`)
  if (report !== undefined && format !== 'evidence') io.note(`Their report is in ${draftOf(report)}.`)
  io.note('To go on, run the same command with the same list within a day.')
  return EXIT.interrupted
}

type Told = {
  readonly asked: Asked
  readonly client: Client
  readonly draft: Draft | undefined
  readonly states: BulkStates
  readonly input: BulkInput
}

async function told(
  io: Io,
  { counts, bulk }: Finished,
  { asked, client, draft, states, input }: Told,
): Promise<ExitCode> {
  const { report, format, dryRun } = asked
  if (draft !== undefined) {
    const receiptOf = dryRun ? () => undefined : await receiptsOf(client, bulk)
    await draft.finish(format, receiptOf)
  }
  states.remove({ inputHash: input.hash })
  draft?.discard()
  const evidence = await evidenceOf({ asked, client, bulk })
  io.item({ ...counts, bulk, ...(report === undefined ? {} : { report }) }, () => [
    ...countLines(counts),
    ...evidence.lines,
    ...(report === undefined ? [] : [`Report: ${report}`]),
    ...(dryRun
      ? ['Nothing was changed (--dry-run).']
      : [`Receipts: ${programIn(io.environment)} receipts --cause ${bulk}`]),
  ])
  const isWhole = dryRun || !isAnythingLeft(counts)
  return isWhole && evidence.isRight ? EXIT.done : EXIT.failed
}

type EvidenceAsk = { readonly asked: Asked; readonly client: Client; readonly bulk: string }

/** The report as evidence, once all is done. @throws CommandFailed when the server makes none. */
async function evidenceOf({
  asked: { report, format },
  client,
  bulk,
}: EvidenceAsk): Promise<Pick<Saved, 'lines' | 'isRight'>> {
  if (report === undefined || format !== 'evidence') return { lines: [], isRight: true }
  const { saveEvidence } = await import('../audit/save-evidence.ts')
  try {
    return await saveEvidence(client, { incident: { cause: bulk }, file: report, isOfStore: false })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new CommandFailed(`every line is done, but there is no evidence: ${error.message}`, {
      next: `rescind evidence --cause ${bulk} --since TIME --until TIME --out FILE`,
    })
  }
}
