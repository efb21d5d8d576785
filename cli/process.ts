import { EXIT } from './frame/exit-codes.ts'
import { findCommand } from './frame/parse.ts'
import { runWords, type Surroundings } from './frame/run.ts'
import { tellFailure } from './frame/tell-failure.ts'
import { COMMANDS } from './table.ts'

/** Runs a command line as this process: its streams, its signals, its exit code. */
export async function runProcess(words: readonly string[]): Promise<void> {
  // Whoever read the output has read enough: `rescind … | head`.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.done)
    throw error
  })
  process.stderr.on('error', () => process.exit(EXIT.failed))
  const stopping = new AbortController()
  // A server stops by its own handlers.
  const surroundings: Surroundings = {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    environment: process.env,
    commands: COMMANDS,
    interrupted: stopping.signal,
  }
  if (findCommand(words, COMMANDS)?.spec.name !== 'serve') {
    listenForInterrupts(words, stopping)
    // What no command awaits is a bug as well, and is told like one. A server's bug ends it with its stack, for the log.
    process.once('uncaughtException', (bug) => {
      void tellFailure(bug, { words, surroundings }).then((code) => process.exit(code))
    })
  }
  process.exitCode = await runWords(words, surroundings)
}

/** The first Ctrl-C lets a command that ends by itself do so; all others, and the second one, end at once. */
function listenForInterrupts(words: readonly string[], stopping: AbortController): void {
  const endsItself = findCommand(words, COMMANDS)?.spec.endsItself === true
  process.on('SIGINT', () => {
    if (!endsItself || stopping.signal.aborted) process.exit(EXIT.interrupted)
    stopping.abort()
  })
}
