import { EXIT } from './frame/exit-codes.ts'
import { findCommand } from './frame/parse.ts'
import { runWords, type Surroundings } from './frame/run.ts'
import { tellFailure } from './frame/tell-failure.ts'
import { COMMANDS } from './table.ts'

/** Runs a command line as this process: its streams, its signals, its exit code. */
export async function runProcess(words: readonly string[]): Promise<void> {
  const stopping = new AbortController()
  const surroundings: Surroundings = {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    environment: process.env,
    commands: COMMANDS,
    interrupted: stopping.signal,
  }
  // A server has handlers of its own, and goes on when the reader of its log is gone.
  if (findCommand(words, COMMANDS)?.spec.name !== 'serve') {
    endWithReaders(words)
    listenForInterrupts(words, stopping)
    // What no command awaits is a bug as well, and is told like one. A server's bug ends it with its stack, for the log.
    process.once('uncaughtException', (bug) => {
      void tellFailure(bug, { words, surroundings }).then((code) => process.exit(code))
    })
  }
  process.exitCode = await runWords(words, surroundings)
}

/** Whoever read the output has read enough: `rescind … | head`. What changes something may not have come to its end. */
function endWithReaders(words: readonly string[]): void {
  const spec = findCommand(words, COMMANDS)?.spec
  const changes = spec?.changes !== undefined
  process.stdout.on('error', (error) => {
    const code = 'code' in error ? String(error.code) : error.name
    if (code === 'EPIPE' && spec?.outlivesReaders === true) return
    if (code === 'EPIPE') process.exit(changes ? EXIT.failed : EXIT.done)
    const what = changes ? 'what was asked for may have been done' : 'the output is not whole'
    process.stderr.write(`rescind: standard output cannot be written (${code}): ${what}\n`)
    process.exit(EXIT.failed)
  })
  process.stderr.on('error', () => process.exit(EXIT.failed))
}

/** The first Ctrl-C lets a command that ends by itself do so; all others, and the second one, end at once. */
function listenForInterrupts(words: readonly string[], stopping: AbortController): void {
  const endsItself = findCommand(words, COMMANDS)?.spec.endsItself === true
  process.on('SIGINT', () => {
    if (!endsItself || stopping.signal.aborted) process.exit(EXIT.interrupted)
    stopping.abort()
  })
}
