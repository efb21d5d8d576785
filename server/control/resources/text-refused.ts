import { JWS_MAX_CHARS, RawToken, type TextRefused, TOKEN_MAX_BYTES } from '@rescind/core/tokens'

const BYTES = grouped(TOKEN_MAX_BYTES)
const CHARS = grouped(JWS_MAX_CHARS)

const WORDS: Readonly<Record<TextRefused, string>> = {
  empty: 'the text is empty',
  'too-long': `the text is longer than ${BYTES} bytes, or than ${CHARS} characters if it is a JWS`,
  'no-text': 'the text holds NUL, or is not well-formed Unicode',
  'not-canonical':
    'the text looks like a JWS or JWE, and is not written in the one way of their compact form',
}

/** Why a text cannot be a token, for people. @returns undefined for text that can. */
export function textRefused(text: string): string | undefined {
  const why = RawToken.refusalOf(text)
  return why === undefined ? undefined : WORDS[why]
}

/**
 * Puts a comma before the last three digits. `toLocaleString` loads ICU's tables, which takes a tenth of the whole
 * start.
 */
function grouped(count: number): string {
  return count < 1_000
    ? String(count)
    : `${Math.floor(count / 1_000)},${String(count % 1_000).padStart(3, '0')}`
}
