import type { AskAnswer, Transport } from './transport.ts'
import { SourceFailed } from './trouble.ts'

/** The server's answer about one token. @returns undefined when the server cannot be asked. */
export function askIfPossible(
  transport: Transport,
  token: string,
  timeoutMs: number,
): Promise<AskAnswer | undefined> {
  return transport.ask(token, timeoutMs).catch((error: unknown) => {
    if (error instanceof SourceFailed) return undefined
    throw error
  })
}
