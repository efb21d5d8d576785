const HARMFUL = /[\p{Cc}\p{Bidi_Control}\u{200b}\u{2028}\u{2029}\u{feff}\p{Cs}]/gu

/**
 * Text that a server or a file has named, without what could control a terminal: escapes, other control characters, and
 * characters that turn the direction of writing. Each becomes `\u{…}`, so that nothing is hidden.
 */
export function harmless(text: string): string {
  return text.replaceAll(HARMFUL, (char) =>
    char === '\n' ? ' ' : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** A value as JSON whose strings have the same characters as escapes of JSON. @param indent spaces; without it, one line. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value ?? null, undefined, indent).replaceAll(HARMFUL, (char) =>
    char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
