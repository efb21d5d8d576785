/** Every exit code of the command line, by what it means. */
export const EXIT = {
  done: 0,
  failed: 1,
  misused: 2,
  unenforced: 3,
  awaiting: 4,
  interrupted: 130,
} as const

export type ExitName = keyof typeof EXIT
export type ExitCode = (typeof EXIT)[ExitName]

export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  done: 'done',
  failed: 'refused or failed',
  misused: 'wrong use: an unknown word, a setting, a file or a store that cannot be used as it is',
  unenforced: 'written, but not enforced everywhere in time',
  awaiting: 'waits for the approval of a second person',
  interrupted: 'interrupted by Ctrl-C',
}
