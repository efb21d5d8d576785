import { type AskAnswer, SourceFailed, type Transport } from './transport.ts'

const ASK_TIMEOUT_MS = 5_000

/** What the server says of one token. @returns undefined when it cannot be asked: then nobody knows. */
export function askIfPossible(transport: Transport, token: string): Promise<AskAnswer | undefined> {
  return transport.ask(token, ASK_TIMEOUT_MS).catch((error: unknown) => {
    if (error instanceof SourceFailed) return undefined
    throw error
  })
}
