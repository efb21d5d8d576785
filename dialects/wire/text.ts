const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (isPlain(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  try {
    return strictUtf8.decode(bytes)
  } catch {
    // The decoder reports broken input by throwing; here that is an answer.
    return undefined
  }
}

/** Short ASCII, as nearly every form is: a decoder costs more than the loop. */
function isPlain(bytes: Uint8Array): boolean {
  if (bytes.length > PLAIN_MAX_BYTES) return false
  for (let at = 0; at < bytes.length; at += 1) if ((bytes[at] as number) > 0x7f) return false
  return true
}

const PLAIN_MAX_BYTES = 512

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
