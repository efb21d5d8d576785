import { CommandFailed } from '../frame/failure.ts'
import { textLines } from '../frame/text-lines.ts'
import { connectionFault } from './problems.ts'

/**
 * The lines of an answer, as they come.
 * @throws CommandFailed when the connection breaks. An answer that ends early may look whole: look for its last line.
 */
export async function* responseLines(response: Response, url: URL): AsyncGenerator<string> {
  yield* textLines(responseBytes(response, url))
}

/** The bytes of an answer, as they come. @throws CommandFailed when the connection breaks. */
export async function* responseBytes(response: Response, url: URL): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk
  } catch (error) {
    throw brokenOff(url, error)
  }
}

/** @returns the error itself when it is none of the connection. */
function brokenOff(url: URL, error: unknown): unknown {
  if (error instanceof CommandFailed) return error
  const isBroken = error instanceof Error && ['TypeError', 'AbortError'].includes(error.name)
  const broken = new CommandFailed(`${url.origin}: the connection broke`, { next: 'repeat it' })
  return connectionFault(url, error) ?? (isBroken ? broken : error)
}
