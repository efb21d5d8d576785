import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import type { RevokeRule } from '../log/rules.ts'

/** How long a rule counts whose row was written before keeps were computed in the commit. */
export type LegacyKeep = (rule: RevokeRule) => number

/** Of a log whose store is elsewhere: nothing but a token's own expiry can be trusted, so all else stays. */
export const legacyForGood: LegacyKeep = ({ target, keepUntilMs }) =>
  target.kind === 'token' ? keepUntilMs : KEEP_FOREVER_MS
