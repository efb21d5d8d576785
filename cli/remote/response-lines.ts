import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { CommandFailed } from '../frame/failure.ts'
import { connectionFault } from './problems.ts'

/**
 * The lines of an answer, as they come.
 * @throws CommandFailed when the connection breaks. An answer that ends early may look whole: look for its last line.
 */
export async function* responseLines(response: Response, url: URL): AsyncGenerator<string> {
  if (response.body === null) return
  const input = Readable.fromWeb(response.body)
  let failure: unknown
  input.once('error', (error) => (failure = error))
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
    if (failure !== undefined) throw failure
  } catch (error) {
    throw brokenOff(url, error)
  } finally {
    input.destroy()
  }
}

/** @returns the error itself when it is none of the connection. */
export function brokenOff(url: URL, error: unknown): unknown {
  if (error instanceof CommandFailed) return error
  const isBroken = error instanceof Error && ['TypeError', 'AbortError'].includes(error.name)
  const broken = new CommandFailed(`${url.origin}: the connection broke`, { next: 'repeat it' })
  return connectionFault(url, error) ?? (isBroken ? broken : error)
}
