import type { Scans } from '../wire/scans.ts'
import type { WrongKeys } from '../wire/wrong-keys.ts'
import type { ChatBounds } from './bounds.ts'
import type { ExternalVerifier } from './external-verification.ts'
import type { LiveStreams } from './live/streams.ts'
import type { ChatRates } from './rates.ts'

/** What the handlers of this dialect share; made once with the dialect. */
export type ChatTools = {
  readonly rates: ChatRates
  /** Guesses at API keys. */
  readonly wrongKeys: WrongKeys
  readonly bounds: ChatBounds
  /** Room for listings, which other dialects share; past it 429. */
  readonly scans: Scans
  /** Absent: no verify URL is ever asked. */
  readonly external: ExternalVerifier | undefined
  /** Absent: nobody tells of rows, so there is nothing to stream. */
  readonly live: LiveStreams | undefined
}
