const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    // The decoder reports broken input by throwing; here that is an answer.
    return undefined
  }
}

/** Percent-decodes one component. @returns undefined for a broken escape, bytes that are not UTF-8, or NUL. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text.includes('\0') ? undefined : text
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    // As above: a malformed escape is an answer.
    return undefined
  }
}
