import { CommandFailed } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import type { Answer } from '../remote/client.ts'
import { type Members, membersOf, textOf } from '../remote/members.ts'
import { Refused } from '../remote/problems.ts'
import { programIn } from './ready-line.ts'

/** How the server says that pasted text is a key or a secret. */
const OTHER_CREDENTIAL = /^(?:token|target): the text is no token: it has the form of /

/** The answer about a target. When its text is no token that the server knows, the failure says where to look. */
export async function answerAbout(target: Members, io: Io, answer: Promise<Answer>): Promise<Members> {
  try {
    return membersOf((await answer).json)
  } catch (error) {
    if (!(error instanceof Refused) || target['token'] === undefined) throw error
    const next = nextFor(error, programIn(io.environment))
    if (next === undefined) throw error
    const { status, problem, message } = error
    throw new CommandFailed(message, { status, detail: problem, next })
  }
}

function nextFor({ status, problem }: Refused, program: string): string | undefined {
  if (status === 422 && OTHER_CREDENTIAL.test(textOf(problem['detail'])))
    return `to see whose it is, and what ends it, paste it into: ${program} find -`
  if (status !== 404) return undefined
  return (
    'it may be of another realm (--realm) or another server, or have ended so long ago that it was collected; ' +
    `to search every realm: ${program} find - --all`
  )
}
