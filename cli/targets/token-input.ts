import { addAbortSignal } from 'node:stream'
import { CommandFailed, Interrupted, WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { askHidden } from '../frame/prompts.ts'

/** Characters that are read from standard input: more than any token or search has. */
const TEXT_MAX_CHARS = 65_536

/** Text that may be a secret: from a hidden prompt, or from standard input where that is no terminal. @throws WrongUse when empty. */
export async function secretText(io: Io, what: string): Promise<string> {
  const text = io.input.isTTY === true ? await asked(io, what) : (await inputText(io, what)).trim()
  if (text === '') throw new WrongUse(`${what} is empty`, 'paste it, or send it to standard input')
  return text
}

function asked(io: Io, what: string): Promise<string> {
  if (!io.canAsk) throw new WrongUse(`${what} cannot be asked for`, 'send it to standard input')
  return askHidden(io, `${what} (hidden)`)
}

/** @throws Interrupted on Ctrl-C, although standard input has not ended. */
async function inputText(io: Io, what: string): Promise<string> {
  try {
    return await wholeText(io, what)
  } catch (error) {
    throw io.interrupted.aborted ? new Interrupted() : error
  }
}

async function wholeText({ input, interrupted }: Io, what: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of addAbortSignal(interrupted, input)) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > TEXT_MAX_CHARS)
      throw new CommandFailed(`${what} is longer than ${TEXT_MAX_CHARS} characters`, {
        next: 'for lists, logs and files of any length: rescind bulk FILE',
      })
  }
  if (interrupted.aborted) throw new Interrupted()
  return text
}
