import { EXIT, type ExitCode } from '../frame/exit-codes.ts'
import type { Io } from '../frame/io.ts'
import { type Line, paint, pairs } from '../frame/lines.ts'
import { timeText } from '../frame/times.ts'
import { coversWords } from '../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../remote/members.ts'
import { tokensText } from './preview-lines.ts'
import { programIn } from './ready-line.ts'

/** Nothing has ended yet: says who has to do what. */
export function awaitsApproval(io: Io, approval: Members): ExitCode {
  io.result(approval, () => [
    [paint('yellow', 'Nothing has ended yet: '), 'this is more than one person may end here.'],
    ...approvalLines(approval),
    '',
    'A second person, with a key of another owner, runs:',
    ['  ', paint('bold', `${programIn(io.environment)} approvals approve ${textOf(approval['id'])}`)],
    'To have it refused everywhere meanwhile, place a hold: the same command with --hold.',
  ])
  return EXIT.awaiting
}

/** One request for approval. */
export function approvalLines(approval: Members): readonly Line[] {
  const ended = textOf(approval['endedAt'])
  const revocation = textOf(approval['revocation'])
  return pairs([
    ['approval', paint('bold', textOf(approval['id']))],
    ['state', textOf(approval['state'])],
    ['asks for', actText(approval)],
    ['reason', textOf(approval['reason'])],
    ['asked by', askerText(approval)],
    ['asked at', timeText(textOf(approval['askedAt']))],
    ['expires at', timeText(textOf(approval['expiresAt']))],
    ...(ended === '' ? [] : [['ended', `${timeText(ended)} by ${textOf(approval['endedBy'])}`] as const]),
    ...(revocation === '' ? [] : [['receipt', revocation] as const]),
  ])
}

/** What is asked for, in words. */
export function actText(approval: Members): string {
  if (approval['act'] !== 'settings')
    return `revoke ${coversWords(membersOf(approval['covers']))}: ${tokensText(approval)}`
  const limit = approval['approvalAboveTokens']
  return `set approvalAboveTokens to ${typeof limit === 'number' ? limit : 'none'}`
}

/** The key, and the person whose it is. */
export function askerText({ askedBy, askedByName, askedByOwner }: Members): string {
  const key = textOf(askedByName) || textOf(askedBy)
  return askedByOwner === undefined ? key : `${textOf(askedByOwner)} (${key})`
}
