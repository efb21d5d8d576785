import type { ExitName } from './exit-codes.ts'

/** How a shell completes a word. */
export type Completes = 'file' | 'folder'

export type FlagSpec = {
  /** Without its dashes. */
  readonly name: string
  readonly short?: string
  readonly help: string
  /** Stands for the value in the help, in capitals. A flag without one is a switch. */
  readonly value?: string
  /** What the flag means without a value, which then is only given by `=`: `--wait`, `--wait=5`. */
  readonly bare?: string
  readonly isRepeated?: true
  /** The only values. */
  readonly choices?: readonly string[]
  readonly completes?: Completes
  readonly environment?: string
  /** What holds without the flag, in words. */
  readonly preset?: string
  /** A switch that may be followed by `true` or `false`, as the server's settings may. */
  readonly takesWord?: true
}

export type PositionalSpec = {
  /** In capitals. */
  readonly name: string
  readonly help: string
  readonly isOptional?: true
  /** The last one only: any number of words. */
  readonly isRepeated?: true
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

export type Example = { readonly does: string; readonly command: string }

export const GROUPS = [
  'End a leak',
  'Look',
  'Change records',
  'Run a server',
  'Stores and audit',
  'This command',
] as const

/** What the table says about a command, without its code. */
export type CommandEntry = {
  /** Its words: `audit verify`. */
  readonly name: string
  readonly group: (typeof GROUPS)[number]
  /** A sentence without its full stop, beginning with a verb. */
  readonly summary: string
  /** What the help says after the summary, as one paragraph. */
  readonly text?: readonly string[]
  readonly positionals?: readonly PositionalSpec[]
  readonly flags?: readonly FlagSpec[]
  readonly examples: readonly Example[]
  /**
   * Whether it changes something. `asks`: it shows what it will do and asks, so it has --yes and --dry-run; `acts`: it does
   * what it is told, and has --dry-run.
   */
  readonly changes?: 'asks' | 'acts'
  /** It speaks to a server by the control API, and has --url, --profile, --realm, --timeout. */
  readonly isRemote?: true
  /** It takes the server's settings as flags. Loads the server, so a remote command never has it. */
  readonly takesSettings?: true
  /** It ends in its own time after Ctrl-C: it watches `io.interrupted`. */
  readonly endsItself?: true
  /** It goes on without printing when whoever read its output has gone: `| head`. */
  readonly outlivesReaders?: true
  /** Beside done, failed, misused and interrupted. */
  readonly exits?: readonly ExitName[]
}
