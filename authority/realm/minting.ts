import type { Source } from '@rescind/core'
import type { TokenKind } from '@rescind/core/tokens'

/** What the dialects of a server mint. */
export type Minting = {
  /** Whether tokens of this kind are minted under this source. */
  readonly mints: (source: Source, kind: TokenKind) => boolean
  /** Prefixes of their text beyond those that every realm has. */
  readonly prefixes: readonly string[]
}

/** The sources of chat apps, `chat/{app}`: stored, in rows and in rules. */
export const CHAT_SOURCES = 'chat/'

/** Of an engine that no dialect has told: anything, but only chat apps have text that somebody else chose. */
export const ANY_MINTING: Minting = {
  mints: (source, kind) => kind !== 'assigned' || source.startsWith(CHAT_SOURCES),
  prefixes: [],
}
