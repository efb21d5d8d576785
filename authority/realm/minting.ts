import { CHAT_SOURCES, type Source } from '@rescind/core'
import type { TokenKind } from '@rescind/core/tokens'

/** What a server's dialects mint. */
export type Minting = {
  /** Whether tokens of this kind are minted under this source. */
  readonly mints: (source: Source, kind: TokenKind) => boolean
  /** Prefixes of their tokens besides those of every realm. */
  readonly prefixes: readonly string[]
}

/** For an engine without dialects: every kind is allowed, but only chat apps have text that a customer chose. */
export const ANY_MINTING: Minting = {
  mints: (source, kind) => kind !== 'assigned' || source.startsWith(CHAT_SOURCES),
  prefixes: [],
}
