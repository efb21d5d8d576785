import type { Call } from './call.ts'
import type { CommandEntry } from './entry.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'

/** @returns the exit code; nothing means done. @throws CommandFailed. */
export type Run = (call: Call, io: Io) => Promise<ExitCode | undefined>

export type CommandSpec = CommandEntry & {
  /** Its code, loaded when the command runs and not before. */
  readonly load: () => Promise<{ readonly run: Run }>
}

export type Commands = readonly CommandSpec[]
