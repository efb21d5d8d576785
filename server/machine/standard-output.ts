import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Outflow } from './log-sink.ts'

const STDOUT = 1

/**
 * Standard output, written to in ways that no reader of it can hold up. Node's own stream is one only where it is a
 * pipe or a socket; files and terminals it writes to on the thread that answers requests.
 */
export function standardOutput(): Outflow {
  const stat = fstatSync(STDOUT)
  if (stat.isFIFO() || stat.isSocket()) return streamed(process.stdout)
  return toFile(isatty(STDOUT) ? ownTerminal() : STDOUT)
}

/** Node never closes the descriptor of its standard streams, so a stream that failed can be written to again. */
function streamed(stream: NodeJS.WriteStream): Outflow {
  // Failures are told to whoever writes; without a listener they would end the process.
  stream.on('error', () => {})
  return {
    write: (bytes, done) => {
      stream.write(bytes, (error) => done(error === undefined || error === null ? bytes.length : 0))
    },
    writeNow: (bytes) => {
      // Such a descriptor does not block: the stream has made it so.
      tryNow(STDOUT, bytes)
    },
  }
}

function toFile(file: number | undefined): Outflow {
  // A terminal that cannot be opened anew might block whoever ends the process.
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
    // Nobody is left to be told.
  }
}

/** A terminal that is stopped (Ctrl-S) blocks whoever writes to it, but for a descriptor that says not to. */
function ownTerminal(): number | undefined {
  try {
    return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}
