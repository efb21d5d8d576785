import type { Scans } from '../wire/scans.ts'
import type { WrongKeys } from '../wire/wrong-keys.ts'
import type { ChatBounds } from './bounds.ts'
import type { ExternalVerifier } from './external-verification.ts'
import type { LiveStreams } from './live/streams.ts'
import type { ChatRates } from './rates.ts'

/** Shared by the handlers of this dialect; made with the dialect. */
export type ChatTools = {
  readonly rates: ChatRates
  /** Limits guessing at API keys. */
  readonly wrongKeys: WrongKeys
  readonly bounds: ChatBounds
  /** Room for listings, shared with other dialects; beyond it 429. */
  readonly scans: Scans
  /** Absent: no verify URL is ever asked. */
  readonly external: ExternalVerifier | undefined
  /** Absent: the server reports no rows, so there are no streams. */
  readonly live: LiveStreams | undefined
}
