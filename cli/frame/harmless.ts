/**
 * Text that a server or a file has named, without what could control a terminal: escapes, other control characters, and
 * characters that turn the direction of writing. Each becomes `\u{…}`, so that nothing is hidden.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u{200b}\u{2028}\u{2029}\u{feff}\p{Cs}]/gu, (char) =>
    char === '\n' ? ' ' : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
