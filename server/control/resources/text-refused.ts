import { JWS_MAX_CHARS, RawToken, type TextRefused, TOKEN_MAX_BYTES } from '@rescind/core/tokens'

const BYTES = TOKEN_MAX_BYTES.toLocaleString('en-US')
const CHARS = JWS_MAX_CHARS.toLocaleString('en-US')

const WORDS: Readonly<Record<TextRefused, string>> = {
  empty: 'the text is empty',
  'too-long': `the text is longer than ${BYTES} bytes, or than ${CHARS} characters if it is a JWS`,
  'no-text': 'the text holds NUL, or is not well-formed Unicode',
  'not-canonical':
    'the text looks like a JWS or JWE, and is not written in the one way of their compact form',
}

/** Why a text can be no token's, for people. @returns undefined for one that can. */
export function textRefused(text: string): string | undefined {
  const why = RawToken.refusalOf(text)
  return why === undefined ? undefined : WORDS[why]
}
