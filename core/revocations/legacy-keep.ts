import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import type { RevokeRule } from '../log/rules.ts'

/** How long a rule counts whose row is older than keeps computed in the commit. */
export type LegacyKeep = (rule: RevokeRule) => number

/** For a log whose store is elsewhere: only a token's own expiry can be trusted, so all other rules stay for good. */
export const legacyForGood: LegacyKeep = ({ target, keepUntilMs }) =>
  target.kind === 'token' ? keepUntilMs : KEEP_FOREVER_MS
