import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Outflow } from './log-sink.ts'

export const STDOUT = 1

/**
 * Standard output, written so that no reader of it can block the server. Node's own stream does not block for pipes and
 * sockets, but writes to files and terminals on the thread that answers requests.
 */
export function standardOutput(): Outflow {
  const stat = fstatSync(STDOUT)
  if (stat.isFIFO() || stat.isSocket()) return streamed(process.stdout)
  return toFile(isatty(STDOUT) ? ownTerminal() : STDOUT)
}

/** Node never closes the descriptor of its standard streams, so a stream that failed can be written to again. */
function streamed(stream: NodeJS.WriteStream): Outflow {
  // The writer learns of failures by its callback; without a listener they would end the process.
  stream.on('error', () => {})
  return {
    write: (bytes, done) => {
      stream.write(bytes, (error) => done(error === undefined || error === null ? bytes.length : 0))
    },
    writeNow: (bytes) => {
      // The stream has made this descriptor non-blocking.
      tryNow(STDOUT, bytes)
    },
  }
}

function toFile(file: number | undefined): Outflow {
  // If the terminal cannot be reopened, a last write could block the end of the process.
  if (file === undefined) return { ...toFile(STDOUT), writeNow: () => {} }
  return {
    write: (bytes, done) => write(file, bytes, (error, taken) => done(error === null ? taken : 0)),
    writeNow: (bytes) => tryNow(file, bytes),
  }
}

function tryNow(file: number, bytes: Buffer): void {
  try {
    writeSync(file, bytes)
  } catch {
    // The process is ending, and there is no other place to report it.
  }
}

/** A stopped terminal (Ctrl-S) blocks writers; a descriptor opened with O_NONBLOCK does not. */
function ownTerminal(): number | undefined {
  try {
    return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}
