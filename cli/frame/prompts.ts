import type { Readable, Writable } from 'node:stream'
import { Interrupted, WrongUse } from './failure.ts'
import { harmless } from './harmless.ts'
import type { Io } from './io.ts'

/** Where a prompt appears: standard error, so that results can go into a pipe. Questions quote names, which are made harmless. */
type Streams = { readonly input: Readable; readonly output: Writable }

/** @throws Interrupted on Ctrl-C. */
export async function askYesNo(io: Io, question: string): Promise<boolean> {
  const { confirm, isCancel } = await import('@clack/prompts')
  const told = await confirm({ message: harmless(question), initialValue: false, ...streams(io) })
  if (isCancel(told)) throw new Interrupted()
  return told
}

/** @throws Interrupted on Ctrl-C. */
export async function askText(io: Io, question: string, initialValue = ''): Promise<string> {
  const { isCancel, text } = await import('@clack/prompts')
  const told = await text({ message: harmless(question), initialValue, ...streams(io) })
  if (isCancel(told)) throw new Interrupted()
  return told.trim()
}

/** Asks for a secret; the screen shows neither it nor its length. @throws Interrupted on Ctrl-C. */
export async function askHidden(io: Io, question: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const told = await password({ message: harmless(question), mask: '', ...streams(io) })
  if (isCancel(told)) throw new Interrupted()
  return told.trim()
}

/** @throws WrongUse when nobody can be asked. @param instead what to do without a terminal. */
export function requireTerminal(io: Io, what: string, instead: string): void {
  if (!io.canAsk) throw new WrongUse(`${what} cannot be asked for, since this is no terminal`, instead)
}

/** Only called when both are terminals, and then they are streams of the process. */
function streams({ input, errors }: Io): Streams {
  return { input, output: withColumns(errors as unknown as Writable & { readonly columns?: number }) }
}

const COLUMNS_WITHOUT_A_SIZE = 80

/** A terminal that nobody has told its size, such as one in a container, says 0: prompts would print a character a line. */
function withColumns<T extends Writable & { readonly columns?: number }>(terminal: T): T {
  if (terminal.columns !== 0) return terminal
  return new Proxy(terminal, {
    get: (of, name) => {
      if (name === 'columns') return of.columns || COLUMNS_WITHOUT_A_SIZE
      const value: unknown = Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}
