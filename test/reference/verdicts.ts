import { INACTIVE_REASONS, UNKNOWN_REASONS } from '../../core/verdict/reasons.ts'
import { code, markdown, type Page, table, WRITTEN, yes } from './markdown.ts'

export function verdictsPage(): Page {
  return {
    path: 'reference/verdicts.md',
    text: markdown([
      '# Verdicts and their reasons',
      `Every check of a token ends in one of three verdicts: \`active\`, \`inactive\` with a reason, or \`unknown\` with a reason.
${WRITTEN}`,
      `The control API and the [verifier](../verifier.md) say the reason; introspection and the dialects do not, so that
a caller without rights cannot tell a revoked token from an unknown one. [words.md](../words.md) defines the terms.`,
      '## `inactive`',
      `**By a rule**: a row of the log made it so, rather than time or use. **Final**: nothing makes this token active again.`,
      table(
        ['reason', 'by a rule', 'final', 'what it means', 'what to do'],
        Object.entries(INACTIVE_REASONS).map(([why, { isByRule, isFinal, what, next }]) => [
          code(why),
          yes(isByRule),
          yes(isFinal),
          what,
          next,
        ]),
      ),
      '## `unknown`',
      `An outage, never an answer about the token: it is not accepted, and it is not called revoked. The dialects answer 503.`,
      table(
        ['reason', 'what it means', 'what to do'],
        Object.entries(UNKNOWN_REASONS).map(([why, { what, next }]) => [code(why), what, next]),
      ),
    ]),
  }
}
