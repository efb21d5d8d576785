import type { Call } from '../frame/call.ts'
import { confirmed, type Plan } from '../frame/confirm.ts'
import { EXIT, type ExitCode } from '../frame/exit-codes.ts'
import { CommandFailed, Interrupted } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import type { Line } from '../frame/lines.ts'
import { recordOf } from '../remote/answers.ts'
import type { Answer, Client, ControlPath } from '../remote/client.ts'
import { coversWords } from '../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../remote/members.ts'
import { Refused } from '../remote/problems.ts'
import { awaitsApproval } from './approval-lines.ts'
import { earlierReceipt } from './earlier-receipt.ts'
import { waitMsIn } from './follow.ts'
import { answerAbout } from './pasted.ts'
import { previewLines, tokensText } from './preview-lines.ts'
import { type Why, whyOf } from './read.ts'
import { tellReceipt } from './tell-receipt.ts'

export type Doing = { readonly call: Call; readonly io: Io; readonly client: Client }

/** A call that takes `dryRun` and `ifPreview` and answers as POST /revocations does. */
export type Act = { readonly path: ControlPath; readonly body: Members }

/**
 * Revokes: shows what would end, asks, does exactly that, and waits for the verifiers under --wait. When it covers something
 * else by the time of the answer, that is shown, and asked about, anew.
 */
export async function carryOut(doing: Doing, act: Act): Promise<ExitCode> {
  const { call, io, client } = doing
  const { url } = client.target
  const waitMs = waitMsIn(call.text('wait'))
  let preview = await previewOf(doing, act)
  let why: Why | undefined
  for (;;) {
    if (!call.isOn('dry-run')) for (const line of previewLines('This ends', preview)) io.note(line)
    why ??= await whyOf(call, io)
    if (!(await confirmed(call, io, planOf(call, preview))))
      return call.isOn('dry-run') ? EXIT.done : EXIT.failed
    const json = { ...act.body, ...why, ifPreview: textOf(preview['digest']) }
    const answer = await unlessChanged(sent(io, client.change('POST', act.path, { json })))
    if (answer?.status === 202) return awaitsApproval(io, recordOf(answer.json, url))
    if (answer !== undefined)
      return tellReceipt(doing, { receipt: recordOf(answer.json, url), preview, waitMs })
    preview = await previewOf(doing, act)
    if (call.isOn('yes')) throw changed(preview)
    io.note('Since it was shown, this has come to cover something else. Now:')
  }
}

async function previewOf({ io, client }: Doing, { path, body }: Act): Promise<Members> {
  const json = { ...body, reason: 'preview', dryRun: true }
  const answer = await answerAbout(membersOf(body['target']), io, client.ask(path, json))
  const preview = recordOf(answer, client.target.url, 'digest')
  if (preview['tokens'] !== 0) return preview
  const earlier = await earlierReceipt(client, membersOf(preview['covers']))
  return earlier === undefined ? preview : { ...preview, revokedBefore: textOf(earlier['id']) }
}

/** But for a dry run, the lines have been shown before the reason was asked for. */
function planOf(call: Call, preview: Members): Plan {
  const lines: readonly Line[] = call.isOn('dry-run') ? previewLines('This would end', preview) : []
  const covers = coversWords(membersOf(preview['covers']))
  return { lines, json: preview, question: `Revoke ${covers} (${tokensText(preview)})?` }
}

/** The answer; undefined when the preview is no longer what would be done. */
async function unlessChanged(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    const isChanged =
      error instanceof Refused &&
      error.status === 409 &&
      textOf(error.problem['detail']).startsWith('ifPreview')
    if (isChanged) return undefined
    throw error
  }
}

function changed(preview: Members): CommandFailed {
  return new CommandFailed(
    `nothing was revoked, since it covers something else than a moment ago: now ${textOf(preview['summary'])}`,
    { next: 'look at it by --dry-run, and repeat it', detail: preview },
  )
}

/** How the server begins to say that a call with a side effect needs a second person. */
const TOO_MANY = 'this ends more tokens'

/** A request that Ctrl-C breaks off may have been carried out all the same. */
export async function sent(io: Io, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Refused && textOf(error.problem['detail']).startsWith(TOO_MANY))
      throw new CommandFailed(`${TOO_MANY} than one person may end here`, {
        status: error.status,
        next: 'ask for it by `rescind revoke` with the same target, and repeat this within an hour of its approval',
      })
    if (!(error instanceof Interrupted || io.interrupted.aborted)) throw error
    throw new CommandFailed('interrupted after it was sent, so it may have been done', {
      exit: EXIT.interrupted,
      next: 'repeat it, which is safe, or see the newest ones: rescind receipts',
    })
  }
}
