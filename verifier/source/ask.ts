import type { AskAnswer, Transport } from './transport.ts'
import { SourceFailed } from './trouble.ts'

/** What the server says of one token. @returns undefined when it cannot be asked: then nobody knows. */
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
